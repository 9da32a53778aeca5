//! The modules `cjson` and `cjson.safe`: the same functions, which raise or answer `nil` and a message.

use super::{Answer, Api, Args, Constant, failed, json, one, plain, raise};
use mlua::Lua;

/// The modules.
pub(super) const TABLES: &[Api] = &[
    Api::new("cjson", &[plain("encode", encode)]).constants(NULL),
    Api::new("cjson_safe", &[plain("encode", encode_safe)]).constants(NULL),
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
