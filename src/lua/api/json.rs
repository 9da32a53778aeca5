//! JSON as `cjson` writes it.

use super::{json_decode, value};
use crate::lua::limits::{MEMORY, Patience};
use mlua::{Table, Value};

/// Deepest nesting, as in `cjson`.
const DEEPEST: usize = 1000;

/// A value as compact JSON.
///
/// # Errors
/// `cjson`'s words for what JSON cannot hold.
pub(super) fn encode(value: &Value) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    write(value, &mut out, &Patience::default(), 0)?;
    Ok(out)
}

fn write(given: &Value, out: &mut Vec<u8>, patience: &Patience, depth: usize) -> Result<(), String> {
    match given {
        Value::Nil => out.extend_from_slice(b"null"),
        null if *null == Value::NULL => out.extend_from_slice(b"null"),
        Value::String(text) => quote(&text.as_bytes(), out),
        Value::Number(number) if !number.is_finite() => {
            return Err("Cannot serialise number: must not be NaN or Infinity".to_owned());
        }
        Value::Table(_) if depth >= DEEPEST => {
            return Err(format!("Cannot serialise, excessive depth ({})", depth + 1));
        }
        // A table that holds one twice, which holds one twice, and so on, is small in memory alone.
        Value::Table(_) if out.len() > MEMORY || patience.is_over() => {
            return Err("Cannot serialise, table too large".to_owned());
        }
        Value::Table(table) => return self::table(table, out, patience, depth + 1),
        other => match value::scalar(other) {
            Some(text) => out.extend_from_slice(&text),
            None => return Err(format!("Cannot serialise {}: type not supported", value::kind(other))),
        },
    }
    Ok(())
}

fn table(table: &Table, out: &mut Vec<u8>, patience: &Patience, depth: usize) -> Result<(), String> {
    match length(table)? {
        Some(length) => array(table, length, out, patience, depth),
        None if table.raw_len() == 0 && json_decode::is_array(table) => array(table, 0, out, patience, depth),
        None => object(table, out, patience, depth),
    }
}

/// The length of a table whose keys are all whole numbers from 1; `None` for any other, and for an empty one.
fn length(table: &Table) -> Result<Option<i64>, String> {
    let (mut highest, mut count) = (0, 0);
    for pair in table.pairs::<Value, Value>() {
        let (key, _) = pair.map_err(|error| error.to_string())?;
        match value::int(&key).filter(|key| *key > 0) {
            Some(key) => (highest, count) = (key.max(highest), count + 1),
            None => return Ok(None),
        }
    }
    if highest > 10 && highest > count * 2 {
        return Err("Cannot serialise table: excessively sparse array".to_owned());
    }
    Ok((count > 0).then_some(highest))
}

fn array(table: &Table, length: i64, out: &mut Vec<u8>, patience: &Patience, depth: usize) -> Result<(), String> {
    out.push(b'[');
    for at in 1..=length {
        if at > 1 {
            out.push(b',');
        }
        let element: Value = table.raw_get(at).map_err(|error| error.to_string())?;
        write(&element, out, patience, depth)?;
    }
    out.push(b']');
    Ok(())
}

fn object(table: &Table, out: &mut Vec<u8>, patience: &Patience, depth: usize) -> Result<(), String> {
    out.push(b'{');
    let mut first = true;
    for pair in table.pairs::<Value, Value>() {
        let (key, element) = pair.map_err(|error| error.to_string())?;
        if !std::mem::take(&mut first) {
            out.push(b',');
        }
        quote(&name(&key)?, out);
        out.push(b':');
        write(&element, out, patience, depth)?;
    }
    out.push(b'}');
    Ok(())
}

fn name(key: &Value) -> Result<Vec<u8>, String> {
    match key {
        Value::Boolean(_) => None,
        other => value::scalar(other),
    }
    .ok_or_else(|| "Cannot serialise table: table key must be a number or string".to_owned())
}

/// Bytes above ASCII stay as they are, valid or not.
fn quote(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for &byte in text {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0..=0x1f | 0x7f => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}
