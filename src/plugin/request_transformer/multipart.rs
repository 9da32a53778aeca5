//! Changes the parts of a `multipart/form-data` body. Kong renames before it removes here, and never appends. A changed
//! part moves to the end.

use super::Crash;
use super::changes::{Changes, InBody};
use super::template::Env;
use crate::plugin::payload::multipart::{Part, encode, read};
use http::HeaderValue;

/// The new body; `None` when nothing changed or the body cannot be read.
pub(super) fn change(
    changes: &Changes<InBody>,
    body: &[u8],
    content_type: Option<&HeaderValue>,
    env: &Env<'_>,
) -> Result<Option<Vec<u8>>, Crash> {
    let Some((mut parts, boundary)) = content_type.and_then(|header| read(body, header)) else { return Ok(None) };
    let changed = apply(changes, &mut parts, !body.is_empty(), env)?;
    Ok(changed.then(|| encode(&parts, boundary)))
}

fn apply(changes: &Changes<InBody>, parts: &mut Vec<Part>, content: bool, env: &Env<'_>) -> Result<bool, Crash> {
    let mut changed = false;
    if content {
        for (old, new) in &changes.rename {
            changed |= rename(parts, old, new);
        }
        changes.remove.iter().for_each(|name| parts.retain(|part| !part.is(name)));
        changed |= !changes.remove.is_empty();
        for (name, value) in &*changes.replace.render(env)? {
            changed |= take(parts, name).map(|_| parts.push(Part::simple(name, value))).is_some();
        }
    }
    for (name, value) in &*changes.add.render(env)? {
        if !parts.iter().any(|part| part.is(name)) {
            parts.push(Part::simple(name, value));
            changed = true;
        }
    }
    Ok(changed)
}

fn rename(parts: &mut Vec<Part>, old: &str, new: &str) -> bool {
    let Some(found) = take(parts, old) else { return false };
    parts.retain(|part| !part.is(new));
    parts.push(Part::simple(new, &found.content));
    true
}

/// Takes all parts of a name out; yields the last, which Kong goes by.
fn take(parts: &mut Vec<Part>, name: &str) -> Option<Part> {
    parts.extract_if(.., |part| part.is(name)).last()
}
