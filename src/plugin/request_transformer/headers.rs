//! Changes request headers in place. `Host` is left alone, except that `replace` sets the upstream's.
//!
//! Kong sees only a request's first 100 headers; here every one counts, so that none slips by `remove`.

use super::Crash;
use super::changes::{Changes, Headers};
use super::list::Pair;
use super::template::{Env, Seen};
use crate::body::Body;
use crate::plugin::Ctx;
use http::header::{Entry, HOST};
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use std::borrow::Cow;

/// Removes, renames, replaces, adds, appends. Templates see the headers before all of that, and so do those of later
/// steps if there are any (`keep`).
pub(super) fn change(
    changes: &Changes<Headers>,
    req: &mut Request<Body>,
    cx: &mut Ctx,
    seen: &mut Seen,
    keep: bool,
) -> Result<(), Crash> {
    if changes.is_empty() {
        return Ok(());
    }
    let env = Env::new(req, cx, seen);
    let sets = Sets {
        replace: changes.replace.render(&env)?,
        add: changes.add.render(&env)?,
        append: changes.append.render(&env)?,
    };
    if keep {
        seen.keep_headers(req.headers(), cx.host.as_ref());
    }
    move_names(changes, req.headers_mut(), cx);
    sets.apply(req.headers_mut(), cx);
    Ok(())
}

/// The lists with values, rendered.
struct Sets<'a> {
    replace: Cow<'a, [Pair<Headers>]>,
    add: Cow<'a, [Pair<Headers>]>,
    append: Cow<'a, [Pair<Headers>]>,
}

impl Sets<'_> {
    fn apply(&self, headers: &mut HeaderMap, cx: &mut Ctx) {
        for (name, value) in &*self.replace {
            replace(name, value, headers, cx);
        }
        for (name, value) in self.add.iter().filter(|(name, _)| *name != HOST) {
            if let Entry::Vacant(place) = headers.entry(name) {
                place.insert(value.clone());
            }
        }
        for (name, value) in self.append.iter().filter(|(name, _)| *name != HOST) {
            headers.append(name, value.clone());
        }
    }
}

fn move_names(changes: &Changes<Headers>, headers: &mut HeaderMap, cx: &mut Ctx) {
    for name in changes.remove.iter().filter(|name| *name != HOST) {
        headers.remove(name);
    }
    for (old, new) in changes.rename.iter().filter(|(old, _)| *old != HOST) {
        rename(old, new, headers, cx);
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
