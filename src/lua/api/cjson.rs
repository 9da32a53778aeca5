//! The modules `cjson` and `cjson.safe`: the same functions, which raise or answer `nil` and a message.

use super::{Answer, Api, Args, Constant, failed, json, json_decode, one, plain, raise};
use mlua::Lua;

/// The modules.
pub(super) const TABLES: &[Api] = &[
    Api::new("cjson", &[plain("decode", decode), plain("encode", encode)]).constants(NULL),
    Api::new("cjson_safe", &[plain("decode", decode_safe), plain("encode", encode_safe)]).constants(NULL),
];

const NULL: &[(&str, Constant)] = &[("null", Constant::Null)];

fn encode(lua: &Lua, args: &Args) -> Answer {
    match json::encode(args.get(0)) {
        Ok(text) => one(lua, lua.create_string(text)?),
        Err(message) => raise(message),
    }
}

fn encode_safe(lua: &Lua, args: &Args) -> Answer {
    match json::encode(args.get(0)) {
        Ok(text) => one(lua, lua.create_string(text)?),
        Err(message) => failed(lua, message),
    }
}

fn decode(lua: &Lua, args: &Args) -> Answer {
    let text = args.text(0, "bad argument #1 to 'decode' (string expected)")?;
    match json_decode::decode(lua, &text.as_bytes()) {
        Ok(value) => one(lua, value),
        Err(message) => raise(message),
    }
}

fn decode_safe(lua: &Lua, args: &Args) -> Answer {
    let text = args.text(0, "bad argument #1 to 'decode' (string expected)")?;
    match json_decode::decode(lua, &text.as_bytes()) {
        Ok(value) => one(lua, value),
        Err(message) => failed(lua, message),
    }
}
