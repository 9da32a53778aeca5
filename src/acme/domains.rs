//! Which names certificates are ordered for.

use std::net::IpAddr;

/// Longest name that DNS has (RFC 1035 §3.1), as text.
const LONGEST: usize = 253;
/// Longest label of it.
const LABEL: usize = 63;

/// Names, in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Domains {
    any: bool,
    names: Box<[Box<str>]>,
    /// `*.parent` as `.parent`.
    parents: Box<[Box<str>]>,
}

/// Whether an authority could certify a name that nobody wrote down: labels of letters, digits and hyphens, two at least,
/// of which the last is no number.
#[must_use]
pub fn is_public_name(name: &str) -> bool {
    let labels: Vec<_> = name.split('.').collect();
    let numeric = labels.last().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()));
    name.len() <= LONGEST && labels.len() > 1 && !numeric && labels.into_iter().all(is_label)
}

fn is_label(label: &str) -> bool {
    let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=LABEL).contains(&label.len()) && label.bytes().all(good) && !label.starts_with('-') && !label.ends_with('-')
}

// === impl Domains ===

impl Domains {
    /// From the patterns of a configuration; `any` allows all names. A pattern that no name of a TLS client can fit (an
    /// address, a port, a `*` at the end) counts for nothing, see [`is_usable`](Self::is_usable).
    pub fn new<'a>(patterns: impl Iterator<Item = &'a str>, any: bool) -> Self {
        let usable = patterns.filter(|pattern| Self::is_usable(pattern)).map(str::to_ascii_lowercase);
        let (parents, names): (Vec<_>, Vec<_>) = usable.partition(|pattern| pattern.starts_with('*'));
        let boxed = |texts: Vec<String>| texts.into_iter().map(String::into_boxed_str).collect();
        let parents = parents.into_iter().map(|pattern| pattern[1..].to_owned()).collect();
        Self { any, names: boxed(names), parents: boxed(parents) }
    }

    /// Whether a certificate can be ordered for a pattern, or for names that it stands for.
    #[must_use]
    pub fn is_usable(pattern: &str) -> bool {
        let name = pattern.strip_prefix("*.").unwrap_or(pattern);
        !name.contains(['*', ':']) && name.parse::<IpAddr>().is_err()
    }

    /// The names that are written down whole.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|name| &**name)
    }

    /// Whether more names than those may be had, once somebody asks for one.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.any || !self.parents.is_empty()
    }

    /// Whether there is no name at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.is_open() && self.names.is_empty()
    }

    /// Whether a name, in lower case, may have a certificate. As in Kong, `*.` stands for one label or more.
    #[must_use]
    pub fn allow(&self, name: &str) -> bool {
        self.any
            || self.names.iter().any(|own| **own == *name)
            || self.parents.iter().any(|parent| name.len() > parent.len() && name.ends_with(&**parent))
    }

    /// Whether a name that a client asks for, in lower case, is to be ordered because of that.
    #[must_use]
    pub fn welcome(&self, name: &str) -> bool {
        let written = self.names.iter().any(|own| **own == *name);
        self.is_open() && !written && is_public_name(name) && self.allow(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domains(patterns: &[&str], any: bool) -> Domains {
        Domains::new(patterns.iter().copied(), any)
    }

    #[test]
    fn names_and_parents() {
        let some = domains(&["A.test", "*.b.test"], false);
        assert_eq!(some.names().collect::<Vec<_>>(), ["a.test"]);
        for (name, allowed) in
            [("a.test", true), ("x.a.test", false), ("x.b.test", true), ("y.x.b.test", true), ("b.test", false)]
        {
            assert_eq!(some.allow(name), allowed, "{name}");
        }
        assert!(!some.allow("xb.test") && !some.allow(".b.test") && some.is_open());
        assert!(!domains(&["a.test"], false).is_open());
        assert!(domains(&[], true).allow("anything"));
    }

    #[test]
    fn what_no_client_can_ask_for_is_none() {
        let none = domains(&["10.0.0.1", "a.test:443", "a.*", "::1"], false);
        assert!(none.is_empty(), "{none:?}");
        assert!(!domains(&["a.test"], false).is_empty());
    }

    #[test]
    fn only_what_can_be_certified_is_welcome() {
        let any = domains(&[], true);
        for name in ["a.test", "xn--4ca.test", "a-b.c.d.test"] {
            assert!(any.welcome(name), "{name}");
        }
        let long = format!("{}.test", "a".repeat(64));
        for name in ["test", "a..test", ".a.test", "a.test.", "10.0.0.1", "a_b.test", "-a.test", "../x.test", &long, ""]
        {
            assert!(!any.welcome(name), "{name}");
        }
        assert!(!domains(&["a.test", "*.b.test"], false).welcome("a.test"), "it is ordered anyway");
    }
}
