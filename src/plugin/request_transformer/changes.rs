//! The lists `remove`, `rename`, `replace`, `add` and `append` of headers, query or body, as read from a file.
//!
//! How an entry is split says [`pair`].

use super::Crash;
use super::list::List;
use super::template::Template;
use crate::config::value::Checked;
use crate::plugin::Build;
use crate::plugin::pair::{self, split};
use bytes::Bytes;
use http::{HeaderName, HeaderValue};

/// Where names and values live, and what they are there.
pub(super) trait Place {
    /// A name.
    type Name: Clone + std::fmt::Debug;
    /// A value.
    type Value: Clone + std::fmt::Debug;
    /// The list's name in a file.
    const FIELD: &'static str;
    /// A name that can exist there.
    fn name(text: &str) -> Option<Self::Name>;
    /// A value that can exist there.
    fn value(text: &str) -> Option<Self::Value>;
    /// What a template made, as a value.
    fn rendered(text: Vec<u8>) -> Result<Self::Value, Crash>;
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

/// Old names with new ones.
type Renames<P> = Box<[(<P as Place>::Name, <P as Place>::Name)]>;

/// All changes of one place, in the order in which they are made.
#[derive(Debug)]
pub(super) struct Changes<P: Place> {
    pub(super) remove: Box<[P::Name]>,
    pub(super) rename: Renames<P>,
    pub(super) replace: List<P>,
    pub(super) add: List<P>,
    pub(super) append: List<P>,
}

// === impl Place ===

impl Place for Headers {
    type Name = HeaderName;
    type Value = HeaderValue;
    const FIELD: &'static str = "headers";

    fn name(text: &str) -> Option<HeaderName> {
        HeaderName::try_from(text).ok()
    }

    fn value(text: &str) -> Option<HeaderValue> {
        pair::header_value(text)
    }

    /// OpenResty escapes control characters in a header that Lua sets, so that no value ends a line.
    fn rendered(text: Vec<u8>) -> Result<HeaderValue, Crash> {
        let clean = escape(text);
        let start = clean.iter().take_while(|b| is_blank(b)).count();
        let end = clean.iter().rposition(|b| !is_blank(b)).map_or(start, |last| last + 1);
        HeaderValue::from_maybe_shared(Bytes::from(clean).slice(start..end)).map_err(|_| Crash)
    }
}

impl Place for InQuery {
    type Name = Box<str>;
    type Value = Box<[u8]>;
    const FIELD: &'static str = "querystring";

    fn name(text: &str) -> Option<Box<str>> {
        Some(text.into())
    }

    fn value(text: &str) -> Option<Box<[u8]>> {
        Some(text.as_bytes().into())
    }

    fn rendered(text: Vec<u8>) -> Result<Box<[u8]>, Crash> {
        Ok(text.into())
    }
}

impl Place for InBody {
    type Name = Box<str>;
    type Value = Box<[u8]>;
    const FIELD: &'static str = "body";

    fn name(text: &str) -> Option<Box<str>> {
        Some(text.into())
    }

    fn value(text: &str) -> Option<Box<[u8]>> {
        Some(text.as_bytes().into())
    }

    fn rendered(text: Vec<u8>) -> Result<Box<[u8]>, Crash> {
        Ok(text.into())
    }
}

// === impl Changes ===

impl<P: Place> Changes<P> {
    /// Whether nothing is to be done.
    pub(super) fn is_empty(&self) -> bool {
        let Self { remove, rename, replace, add, append } = self;
        remove.is_empty() && rename.is_empty() && replace.is_empty() && add.is_empty() && append.is_empty()
    }

    /// Whether a template may look at headers.
    pub(super) fn reads_headers(&self) -> bool {
        [&self.replace, &self.add, &self.append].iter().any(|list| list.reads_headers())
    }
}

/// Reads the five lists of a place. `None` when something was reported; all of it was then.
pub(super) fn read<P: Place>(config: &Checked, cx: &mut Build<'_>) -> Option<Changes<P>> {
    let remove = entries::<P>(config, "remove").filter_map(|(_, name, _)| P::name(name)).collect();
    let rename = renames::<P>(config, cx);
    let replace = List::read(config, "replace", cx);
    let add = List::read(config, "add", cx);
    let append = List::read(config, "append", cx);
    Some(Changes { remove, rename: rename?, replace: replace?, add: add?, append: append? })
}

/// Reads `rename`. Kong would take a template for a new name, except for that of a header.
fn renames<P: Place>(config: &Checked, cx: &mut Build<'_>) -> Option<Renames<P>> {
    let mut good = true;
    for (item, _, new) in entries::<P>(config, "rename") {
        if !matches!(Template::parse(new), Ok(None)) {
            cx.reject_ours("unsupported-template", item.span, "a new name cannot be a template yet");
            good = false;
        }
    }
    let names = entries::<P>(config, "rename").filter_map(|(_, old, new)| P::name(old).zip(P::name(new)));
    good.then(|| names.collect())
}

fn is_blank(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// With `%XX` for control characters.
fn escape(text: Vec<u8>) -> Vec<u8> {
    let is_bad = |byte: &u8| byte.is_ascii_control() && *byte != b'\t';
    if !text.iter().any(is_bad) {
        return text;
    }
    text.iter().flat_map(|byte| if is_bad(byte) { format!("%{byte:02X}").into_bytes() } else { vec![*byte] }).collect()
}

/// An item with its name and its value.
type Entry<'a> = (&'a Checked, &'a str, &'a str);

/// The items of a list, split.
pub(super) fn entries<'a, P: Place>(config: &'a Checked, step: &str) -> impl Iterator<Item = Entry<'a>> {
    let items = config.get(step).map_or(&[][..], |lists| lists.list(P::FIELD));
    items.iter().filter_map(|item| {
        let (name, value) = split(item.as_str()?);
        Some((item, name, value))
    })
}
