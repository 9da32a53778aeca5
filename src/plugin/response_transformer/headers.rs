//! Changes an answer's headers. Whether one is there is judged by how the answer came, not by earlier steps.

use super::listed;
use crate::config::report::Diagnostic;
use crate::config::value::Checked;
use crate::plugin::Build;
use crate::plugin::pair::{header_value, split};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue};

/// A header line.
type Line = (HeaderName, HeaderValue);

/// All changes, in the order in which they are made.
#[derive(Debug)]
pub(super) struct Headers {
    remove: Box<[HeaderName]>,
    /// Old names with new ones.
    rename: Box<[(HeaderName, HeaderName)]>,
    replace: Box<[Line]>,
    add: Box<[Line]>,
    append: Box<[Line]>,
}

// === impl Headers ===

impl Headers {
    /// Reads the five lists. `None` when something was reported; all of it was then.
    pub(super) fn read(config: &Checked, cx: &mut Build<'_>) -> Option<Self> {
        // Kong passes over what stands behind a colon here.
        let remove = entries(config, "remove").filter_map(|(_, old, _)| name(old)).collect();
        let rename = renames(config, cx);
        let [replace, add, append] = ["replace", "add", "append"].map(|list| lines(config, list, cx));
        Some(Self { remove, rename: rename?, replace: replace?, add: add?, append: append? })
    }

    /// Removes, renames, replaces, adds, appends.
    pub(super) fn change(&self, headers: &mut HeaderMap) {
        let renamed: Vec<_> = self.rename.iter().filter_map(|(old, new)| found(headers, old, new)).collect();
        let replace = self.replace.iter().filter(|(name, _)| headers.contains_key(name));
        let add = self.add.iter().filter(|(name, _)| !headers.contains_key(name));
        let set: Vec<&Line> = replace.chain(add).collect();
        for name in &self.remove {
            headers.remove(name);
        }
        for (old, new, values) in renamed {
            headers.remove(new);
            headers.extend(values.into_iter().map(|value| (new.clone(), value)));
            headers.remove(old);
        }
        for (name, value) in set {
            headers.insert(name, value.clone());
        }
        for (name, value) in &self.append {
            append(name, value, headers);
        }
    }

    /// What is done, without values; `None` if nothing is.
    pub(super) fn described(&self) -> Option<String> {
        listed([
            ("removes", self.remove.iter().map(HeaderName::as_str).collect()),
            ("renames", self.rename.iter().map(|(old, _)| old.as_str()).collect()),
            ("replaces", names(&self.replace)),
            ("adds", names(&self.add)),
            ("appends", names(&self.append)),
        ])
    }
}

fn names(lines: &[Line]) -> Vec<&str> {
    lines.iter().map(|(name, _)| name.as_str()).collect()
}

/// All values of a name that is there, for its new name.
fn found<'a>(
    headers: &HeaderMap,
    old: &'a HeaderName,
    new: &'a HeaderName,
) -> Option<(&'a HeaderName, &'a HeaderName, Vec<HeaderValue>)> {
    let values: Vec<_> = headers.get_all(old).iter().cloned().collect();
    (!values.is_empty()).then_some((old, new, values))
}

/// One more line, except of what there is only one of.
fn append(name: &HeaderName, value: &HeaderValue, headers: &mut HeaderMap) {
    if name == CONTENT_TYPE {
        headers.insert(name, value.clone());
    } else {
        headers.append(name, value.clone());
    }
}

/// A name as OpenResty takes it in answers: `_` is `-`.
fn name(text: &str) -> Option<HeaderName> {
    HeaderName::try_from(text.replace('_', "-")).ok()
}

/// The items of a list, each with its name and its value.
fn entries<'a>(config: &'a Checked, step: &str) -> impl Iterator<Item = (&'a Checked, &'a str, &'a str)> {
    let items = config.get(step).map_or(&[][..], |lists| lists.list("headers"));
    items.iter().filter_map(|item| {
        let (name, value) = split(item.as_str()?);
        Some((item, name, value))
    })
}

fn renames(config: &Checked, cx: &mut Build<'_>) -> Option<Box<[(HeaderName, HeaderName)]>> {
    let mut good = true;
    let mut names = Vec::new();
    for (item, old, new) in entries(config, "rename").filter(|(_, _, new)| !new.is_empty()) {
        let Some(new) = usable(item, new, cx) else {
            good = false;
            continue;
        };
        names.extend(name(old).zip(new));
    }
    good.then(|| names.into())
}

/// Lines to set. An entry without value is without effect.
fn lines(config: &Checked, step: &str, cx: &mut Build<'_>) -> Option<Box<[Line]>> {
    let mut good = true;
    let mut lines = Vec::new();
    for (item, name, value) in entries(config, step).filter(|(_, _, value)| !value.is_empty()) {
        let value = header_value(value);
        if value.is_none() {
            cx.reject_ours("bad-header-value", item.span, "a header's value may hold no control characters");
        }
        match (usable(item, name, cx), value) {
            (Some(name), Some(value)) => lines.extend(name.map(|name| (name, value))),
            _ => good = false,
        }
    }
    good.then(|| lines.into())
}

/// A name that can be set. Inside, `None` for one that the body's framing decides; outside, for what is no name.
fn usable(item: &Checked, text: &str, cx: &mut Build<'_>) -> Option<Option<HeaderName>> {
    let Some(name) = name(text) else {
        cx.reject_ours("bad-header-value", item.span, format!("`{}` is no name of a header", text.escape_debug()));
        return None;
    };
    if name == CONTENT_LENGTH || name == TRANSFER_ENCODING {
        let message = format!("`{name}` cannot be set: it says how the body is sent");
        cx.report.push(Diagnostic::warning("no-effect", item.span, message));
        return Some(None);
    }
    Some(Some(name))
}
