//! The lists `remove`, `rename`, `replace`, `add` and `append` of headers, query or body, as read from a file.
//!
//! An entry is split at its first colons, without trimming (`kong/plugins.md` §3, "Entry splitting").

use crate::config::report::{Diagnostic, Step};
use crate::config::value::Checked;
use crate::entity::Compat;
use crate::plugin::Build;
use http::{HeaderName, HeaderValue};

/// Where names and values live, and what they are there.
pub(super) trait Place {
    /// A name.
    type Name: std::fmt::Debug;
    /// A value.
    type Value: std::fmt::Debug;
    /// The list's name in a file.
    const FIELD: &'static str;
    /// A name that can exist there.
    fn name(text: &str) -> Option<Self::Name>;
    /// A value that can exist there.
    fn value(text: &str) -> Option<Self::Value>;
}

/// Request headers.
#[derive(Debug)]
pub(super) enum Headers {}

/// Arguments of the query.
#[derive(Debug)]
pub(super) enum InQuery {}

/// Members or arguments in the body.
#[derive(Debug)]
pub(super) enum InBody {}

/// A name and what it gets.
type Pair<P> = (<P as Place>::Name, <P as Place>::Value);

/// All changes of one place, in the order in which they are made.
#[derive(Debug)]
pub(super) struct Changes<P: Place> {
    pub(super) remove: Box<[P::Name]>,
    pub(super) rename: Box<[(P::Name, P::Name)]>,
    pub(super) replace: Box<[Pair<P>]>,
    pub(super) add: Box<[Pair<P>]>,
    pub(super) append: Box<[Pair<P>]>,
}

// === impl Place ===

impl Place for Headers {
    type Name = HeaderName;
    type Value = HeaderValue;
    const FIELD: &'static str = "headers";

    fn name(text: &str) -> Option<HeaderName> {
        HeaderName::try_from(text).ok()
    }

    /// Blanks around a header's value are no part of it (RFC 9110 §5.5).
    fn value(text: &str) -> Option<HeaderValue> {
        HeaderValue::from_bytes(text.trim_matches([' ', '\t']).as_bytes()).ok()
    }
}

impl Place for InQuery {
    type Name = Box<str>;
    type Value = Box<str>;
    const FIELD: &'static str = "querystring";

    fn name(text: &str) -> Option<Box<str>> {
        Some(text.into())
    }

    fn value(text: &str) -> Option<Box<str>> {
        Some(text.into())
    }
}

impl Place for InBody {
    type Name = Box<str>;
    type Value = Box<str>;
    const FIELD: &'static str = "body";

    fn name(text: &str) -> Option<Box<str>> {
        Some(text.into())
    }

    fn value(text: &str) -> Option<Box<str>> {
        Some(text.into())
    }
}

// === impl Changes ===

impl<P: Place> Changes<P> {
    /// Whether nothing is to be done.
    pub(super) fn is_empty(&self) -> bool {
        let Self { remove, rename, replace, add, append } = self;
        remove.is_empty() && rename.is_empty() && replace.is_empty() && add.is_empty() && append.is_empty()
    }
}

/// Reads the five lists of a place. `None` when something was reported; all of it was then.
pub(super) fn read<P: Place>(config: &Checked, cx: &mut Build<'_>) -> Option<Changes<P>> {
    let remove = entries::<P>(config, "remove").filter_map(|(_, name, _)| P::name(name)).collect();
    let rename = entries::<P>(config, "rename").filter_map(|(_, old, new)| P::name(old).zip(P::name(new))).collect();
    let replace = valued::<P>(config, "replace", cx);
    let add = valued::<P>(config, "add", cx);
    let append = valued::<P>(config, "append", cx);
    Some(Changes { remove, rename, replace: replace?, add: add?, append: append? })
}

/// Name and value of an entry. Neither has a colon at the border.
pub(super) fn split(entry: &str) -> (&str, &str) {
    entry.split_once(':').map_or((entry, ""), |(name, rest)| (name, rest.trim_start_matches(':')))
}

/// Whether Kong would evaluate it.
pub(super) fn is_template(text: &str) -> bool {
    text.contains("$(")
}

/// Reports a template.
pub(super) fn reject_template(at: &Checked, cx: &mut Build<'_>) {
    let message = "templates ($(…)) in request-transformer are not supported yet";
    cx.report.push(Diagnostic::error("unsupported-template", at.span, message).label("this is Lua"));
}

type Entry<'a> = (&'a Checked, &'a str, &'a str);

fn entries<'a, P: Place>(config: &'a Checked, step: &str) -> impl Iterator<Item = Entry<'a>> {
    let items = config.get(step).map_or(&[][..], |lists| lists.list(P::FIELD));
    items.iter().filter_map(|item| {
        let (name, value) = split(item.as_str()?);
        Some((item, name, value))
    })
}

/// Names with values. An entry without value is without effect.
fn valued<P: Place>(config: &Checked, step: &str, cx: &mut Build<'_>) -> Option<Box<[Pair<P>]>> {
    let mut all = Some(Vec::new());
    for (number, (item, name, value)) in entries::<P>(config, step).enumerate().filter(|(_, e)| !e.2.is_empty()) {
        let pair = P::name(name).zip(P::value(value)).filter(|_| !is_template(value));
        match (pair, &mut all) {
            (Some(pair), Some(all)) => all.push(pair),
            (Some(_), None) => {}
            (None, _) => {
                reject::<P>(item, value, [step, P::FIELD], number, cx);
                all = None;
            }
        }
    }
    all.map(Into::into)
}

/// Kong 3 looks at header values when it loads them, Kong 2 does not.
fn reject<P: Place>(item: &Checked, value: &str, field: [&str; 2], number: usize, cx: &mut Build<'_>) {
    if is_template(value) {
        return reject_template(item, cx);
    }
    let message = "a header's value may hold no control characters";
    match cx.compat {
        Compat::Kong2 => cx.reject_ours("bad-header-value", item.span, message),
        Compat::Kong3 => {
            let [step, list] = field.map(|key| Step::Key(key.into()));
            let kong = format!("'{value}' is not a valid header");
            cx.reject("bad-header-value", item.span, &[step, list, Step::Entry(number)], message, kong);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn an_entry_is_split_at_its_first_colons_without_trimming() {
        let cases = [
            ("a", ("a", "")),
            ("a:", ("a", "")),
            ("X-A: b", ("X-A", " b")),
            ("h2:value:2", ("h2", "value:2")),
            ("a::b", ("a", "b")),
            ("a:b:", ("a", "b:")),
        ];
        for (entry, expected) in cases {
            assert_eq!(split(entry), expected);
        }
    }
}
