//! `ngx.*`: encodings and digests.

use super::{Answer, Api, Args, Stop, one, plain, raise};
use crate::args;
use crate::lua::api::{arguments, value};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use md5::{Digest, Md5};
use mlua::{Lua, Value};
use percent_encoding::percent_decode;
use sha1::Sha1;
use std::fmt::Write;

pub(super) const API: Api = Api::new(
    "ngx",
    &[
        plain("crc32_long", crc32),
        plain("crc32_short", crc32),
        plain("decode_args", decode_args),
        plain("decode_base64", decode_base64),
        plain("encode_args", encode_args),
        plain("encode_base64", encode_base64),
        plain("escape_uri", escape_uri),
        plain("hmac_sha1", hmac_sha1),
        plain("md5", md5),
        plain("md5_bin", md5_bin),
        plain("quote_sql_str", quote_sql_str),
        plain("sha1_bin", sha1_bin),
        plain("unescape_uri", unescape_uri),
    ],
);

const PADDED: GeneralPurpose = GeneralPurpose::new(&STANDARD, GeneralPurposeConfig::new());
const BARE: GeneralPurpose = GeneralPurpose::new(&STANDARD, GeneralPurposeConfig::new().with_encode_padding(false));

/// As forgiving as nginx: padding may be missing, and left-over bits are nobody's business.
const FORGIVING: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// A text; nil is an empty one, numbers and truths are written out.
fn bytes(args: &Args, at: usize) -> Result<Vec<u8>, Stop> {
    match args.get(at) {
        Value::Nil => Ok(Vec::new()),
        other => value::scalar(other).map_or_else(|| raise("string argument expected"), Ok),
    }
}

fn encode_base64(lua: &Lua, args: &Args) -> Answer {
    let bare = matches!(args.get(1), Value::Boolean(true));
    one(lua, (if bare { BARE } else { PADDED }).encode(bytes(args, 0)?))
}

fn decode_base64(lua: &Lua, args: &Args) -> Answer {
    match FORGIVING.decode(&*args.text(0, "string argument only")?.as_bytes()) {
        Ok(text) => one(lua, lua.create_string(text)?),
        Err(_) => one(lua, Value::Nil),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

fn md5(lua: &Lua, args: &Args) -> Answer {
    one(lua, hex(&Md5::digest(bytes(args, 0)?)))
}

fn md5_bin(lua: &Lua, args: &Args) -> Answer {
    one(lua, lua.create_string(Md5::digest(bytes(args, 0)?))?)
}

fn sha1_bin(lua: &Lua, args: &Args) -> Answer {
    one(lua, lua.create_string(Sha1::digest(bytes(args, 0)?))?)
}

fn hmac_sha1(lua: &Lua, args: &Args) -> Answer {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &bytes(args, 0)?);
    one(lua, lua.create_string(hmac::sign(&key, &bytes(args, 1)?))?)
}

/// CRC-32 as in zlib, bit by bit: texts are short.
fn crc32(lua: &Lua, args: &Args) -> Answer {
    let step = |crc: u32, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
    let crc = bytes(args, 0)?.iter().fold(u32::MAX, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), step));
    one(lua, f64::from(!crc))
}

fn escape_uri(lua: &Lua, args: &Args) -> Answer {
    let mut one_name = args::Args::default();
    one_name.push(&bytes(args, 0)?, None);
    one(lua, one_name.encode())
}

/// `+` is a space; what is no escape stays.
fn unescape_uri(lua: &Lua, args: &Args) -> Answer {
    let spaced: Vec<u8> = bytes(args, 0)?.iter().map(|&byte| if byte == b'+' { b' ' } else { byte }).collect();
    one(lua, lua.create_string(percent_decode(&spaced).collect::<Vec<_>>())?)
}

fn encode_args(lua: &Lua, args: &Args) -> Answer {
    let Value::Table(table) = args.get(0) else { return raise("bad argument #1 to 'encode_args' (table expected)") };
    one(lua, arguments::encode(table)?)
}

fn decode_args(lua: &Lua, args: &Args) -> Answer {
    let text = args.text(0, "bad argument #1 to 'decode_args' (string expected)")?;
    let args = args::Args::parse_some(&text.as_bytes(), arguments::loose_limit(args, 1));
    one(lua, arguments::table(lua, &args)?)
}

/// As MySQL quotes a text.
fn quote_sql_str(lua: &Lua, args: &Args) -> Answer {
    let mut out = vec![b'\''];
    for byte in bytes(args, 0)? {
        match byte {
            0 => out.extend_from_slice(b"\\0"),
            0x08 => out.extend_from_slice(b"\\b"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x1a => out.extend_from_slice(b"\\Z"),
            b'\\' | b'\'' | b'"' => out.extend_from_slice(&[b'\\', byte]),
            _ => out.push(byte),
        }
    }
    out.push(b'\'');
    one(lua, lua.create_string(out)?)
}
