//! `ngx.re.sub` and `gsub`: other texts in the place of matches.

use super::{Call, call, failed, groups, position, range, text};
use crate::lua::api::call::{Answer, Args, Stop, many, raise};
use crate::lua::api::value;
use crate::lua::limits::{MEMORY, Patience};
use crate::pcre::Capture;
use mlua::{Function, Lua, Value};

/// A text that replaces a match, in parts.
enum Part {
    Text(Vec<u8>),
    Group(usize),
}

/// What takes a match's place.
enum Replacement {
    Parts(Vec<Part>),
    Function(Function),
}

/// A text under way.
#[derive(Default)]
struct Draft {
    out: Vec<u8>,
    /// How much of the subject is in it.
    copied: usize,
    /// Matches that were replaced.
    count: usize,
}

/// The new text and the number of matches that were replaced, no more than `most`.
pub(super) fn replace(lua: &Lua, args: &Args, most: usize) -> Answer {
    let name = if most == 1 { "sub" } else { "gsub" };
    let call = match call(args, 3, name)? {
        Ok(call) => call,
        Err(message) => return failed(lua, 2, &message),
    };
    let by = match args.get(2) {
        Value::Function(function) => Replacement::Function(function.clone()),
        _ => match parts(&text(args, 2, name)?) {
            Some(parts) => Replacement::Parts(parts),
            None => return failed(lua, 2, "failed to compile the replacement template"),
        },
    };
    match replaced(lua, &call, &by, most)? {
        Ok(Draft { out, count, .. }) => many([Value::String(lua.create_string(out)?), position(count)]),
        Err(message) => failed(lua, 2, &message),
    }
}

/// `Err` within: the engine gave up.
fn replaced(lua: &Lua, call: &Call, by: &Replacement, most: usize) -> Result<Result<Draft, String>, Stop> {
    let (mut draft, mut from, patience) = (Draft::default(), 0, Patience::default());
    while draft.count < most {
        let captures = match call.regex.captures_at(&call.subject, from) {
            Ok(Some(captures)) => captures,
            Ok(None) => break,
            Err(message) => return Ok(Err(message)),
        };
        let (start, end) = range(&captures);
        draft.out.extend_from_slice(call.subject.get(draft.copied..start).unwrap_or_default());
        by.write(lua, &call.subject, &captures, &mut draft.out)?;
        if draft.out.len() > MEMORY {
            return raise("not enough memory");
        }
        if patience.is_over() {
            return raise("the replacement took too long");
        }
        (draft.copied, draft.count, from) = (end, draft.count + 1, call.after((start, end)));
    }
    draft.out.extend_from_slice(call.subject.get(draft.copied..).unwrap_or_default());
    Ok(Ok(draft))
}

/// A replacement's text: `$1`, `${1}` and `$0` are groups, `$$` is a dollar sign. `None` for any other `$`.
fn parts(template: &[u8]) -> Option<Vec<Part>> {
    let (mut parts, mut rest) = (Vec::new(), template);
    while let Some(at) = rest.iter().position(|&byte| byte == b'$') {
        parts.push(Part::Text(rest[..at].to_vec()));
        let (part, after) = marked(&rest[at + 1..])?;
        parts.push(part);
        rest = after;
    }
    parts.push(Part::Text(rest.to_vec()));
    Some(parts)
}

/// What a `$` means, and what comes after it.
fn marked(text: &[u8]) -> Option<(Part, &[u8])> {
    if let Some(after) = text.strip_prefix(b"$") {
        return Some((Part::Text(b"$".to_vec()), after));
    }
    let braced = text.strip_prefix(b"{");
    let number = braced.unwrap_or(text);
    let end = number.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(number.len());
    let (digits, after) = number.split_at(end);
    let group = std::str::from_utf8(digits).ok()?.parse().ok()?;
    Some((Part::Group(group), if braced.is_some() { after.strip_prefix(b"}")? } else { after }))
}

// === impl Replacement ===

impl Replacement {
    fn write(&self, lua: &Lua, subject: &[u8], captures: &[Capture], out: &mut Vec<u8>) -> Result<(), Stop> {
        match self {
            Self::Parts(parts) => parts.iter().for_each(|part| part.write(subject, captures, out)),
            Self::Function(function) => {
                let table = lua.create_table()?;
                groups(lua, subject, captures, &table)?;
                let given: Value = function.call(table)?;
                match value::scalar(&given) {
                    Some(text) => out.extend_from_slice(&text),
                    None => {
                        let kind = value::kind(&given);
                        return raise(format!("the replacement function gave {kind}, expected string or number"));
                    }
                }
            }
        }
        Ok(())
    }
}

// === impl Part ===

impl Part {
    fn write(&self, subject: &[u8], captures: &[Capture], out: &mut Vec<u8>) {
        match self {
            Self::Text(text) => out.extend_from_slice(text),
            Self::Group(at) => {
                let range = captures.get(*at).and_then(|capture| capture.range);
                let text = range.and_then(|(start, end)| subject.get(start..end));
                out.extend_from_slice(text.unwrap_or_default());
            }
        }
    }
}
