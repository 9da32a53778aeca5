//! Changes request headers in place. `Host` is left alone, except that `replace` sets the upstream's.
//!
//! Kong sees only a request's first 100 headers; here every one counts, so that none slips by `remove`.

use super::changes::{Changes, Headers};
use crate::plugin::Ctx;
use http::header::{Entry, HOST};
use http::{HeaderMap, HeaderName, HeaderValue};

/// Removes, renames, replaces, adds, appends.
pub(super) fn change(changes: &Changes<Headers>, headers: &mut HeaderMap, cx: &mut Ctx) {
    for name in changes.remove.iter().filter(|name| *name != HOST) {
        headers.remove(name);
    }
    for (old, new) in changes.rename.iter().filter(|(old, _)| *old != HOST) {
        rename(old, new, headers, cx);
    }
    for (name, value) in &changes.replace {
        replace(name, value, headers, cx);
    }
    for (name, value) in changes.add.iter().filter(|(name, _)| *name != HOST) {
        if let Entry::Vacant(place) = headers.entry(name) {
            place.insert(value.clone());
        }
    }
    for (name, value) in changes.append.iter().filter(|(name, _)| *name != HOST) {
        headers.append(name, value.clone());
    }
}

/// All values move; those of the new name go.
fn rename(old: &HeaderName, new: &HeaderName, headers: &mut HeaderMap, cx: &mut Ctx) {
    let Entry::Occupied(found) = headers.entry(old) else { return };
    let values: Vec<_> = found.remove_entry_mult().1.collect();
    if new == HOST {
        cx.host = values.into_iter().next();
        return;
    }
    headers.remove(new);
    for value in values {
        headers.append(new, value);
    }
}

fn replace(name: &HeaderName, value: &HeaderValue, headers: &mut HeaderMap, cx: &mut Ctx) {
    if name == HOST {
        cx.host = Some(value.clone());
    } else if let Entry::Occupied(mut found) = headers.entry(name) {
        found.insert(value.clone());
    }
}
