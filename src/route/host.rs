//! Hosts: how a `Host` header and a route's host are read, and which of the routes' hosts a request has
//! (`kong/routing.md` §3). Must not know routes: a host pattern is a number here.

use crate::entity::Compat;
use foldhash::fast::FixedState;
use std::collections::HashMap;

/// A distinct host (or SNI) pattern. Numbered in the order in which the routes, best first, name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key(pub(super) u32);

/// A `Host` header, taken apart. Kong 2 and 3 do it differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Authority<'a> {
    /// As sent.
    pub(super) raw: &'a [u8],
    /// Without port, and in Kong 2 without brackets.
    pub(super) bare: &'a [u8],
    /// Without port, with brackets: what wildcards see. `None` if no port can be told from it.
    pub(super) name: Option<&'a [u8]>,
    /// The port it names.
    pub(super) port: Option<&'a [u8]>,
}

/// A route's host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pattern<'a> {
    /// Equal to the host.
    Exact { text: &'a str, port: Option<&'a [u8]> },
    /// `*.suffix`.
    Suffix { text: &'a str, port: Option<&'a [u8]> },
    /// `prefix.*`.
    Prefix { text: &'a str, port: Option<&'a [u8]> },
}

/// Host patterns, to be found by a request's host.
#[derive(Debug, Default)]
pub(super) struct Hosts {
    exact: Texts,
    suffixes: Texts,
    prefixes: Texts,
    /// Exact hosts that end in a scheme's default port, without it: Kong 2 counts a request that leaves the port out as
    /// one whose host is known, though it does not match.
    defaulted: HashMap<Box<[u8]>, Vec<u32>, FixedState>,
}

/// By text: the port asked for, if one is.
type Texts = HashMap<Box<[u8]>, Vec<(Option<u32>, Key)>, FixedState>;

/// Which patterns a request's host matches.
#[derive(Debug, Default)]
pub(super) struct Hit {
    /// All of them, exact ones first.
    pub(super) keys: Keys,
    /// The pattern that is the header's whole text.
    pub(super) raw: Option<Key>,
    /// Whether Kong 2 takes the host for one that some route names exactly.
    pub(super) plain: bool,
    /// The wildcard of the best route among those that match.
    pub(super) wildcard: Option<Key>,
}

/// A short list without allocation, unless it is not short.
#[derive(Debug, Default)]
pub(super) struct Keys {
    near: [Option<Key>; 4],
    far: Vec<Key>,
}

// === impl Authority ===

impl<'a> Authority<'a> {
    pub(super) fn read(raw: &'a [u8], compat: Compat) -> Self {
        match compat {
            Compat::Kong2 => Self::read2(raw),
            Compat::Kong3 => Self::read3(raw),
        }
    }

    /// A name that is no `Host` header: an SNI.
    pub(super) fn whole(name: &'a str) -> Self {
        let raw = name.as_bytes();
        Self { raw, bare: raw, name: Some(raw), port: None }
    }

    fn read2(raw: &'a [u8]) -> Self {
        let whole = Self { raw, bare: raw, name: Some(raw), port: None };
        let end = match raw {
            [b'[', inner @ .., b']'] => return Self { bare: inner, ..whole },
            [b'[', ..] => match raw.windows(2).position(|pair| pair == b"]:") {
                Some(end) => end + 1,
                None => return whole,
            },
            _ => match raw.iter().position(|&b| b == b':') {
                Some(end) => end,
                None => return whole,
            },
        };
        let (name, port) = (&raw[..end], &raw[end + 1..]);
        let bare = name.strip_prefix(b"[").and_then(|name| name.strip_suffix(b"]")).unwrap_or(name);
        match port {
            [] => Self { raw, bare, name: Some(name), port: None },
            port if port.iter().all(u8::is_ascii_digit) => Self { raw, bare, name: Some(name), port: Some(port) },
            _ => Self { name: None, ..whole },
        }
    }

    fn read3(raw: &'a [u8]) -> Self {
        let whole = Self { raw, bare: raw, name: Some(raw), port: None };
        let Some(end) = raw.iter().position(|&b| b == b':') else { return whole };
        let (name, port) = (&raw[..end], &raw[end + 1..]);
        let digits = !port.is_empty() && port.iter().all(u8::is_ascii_digit);
        if digits { Self { raw, bare: name, name: Some(name), port: Some(port) } } else { whole }
    }
}

// === impl Pattern ===

impl<'a> Pattern<'a> {
    pub(super) fn read(host: &'a str, compat: Compat) -> Self {
        let authority = Authority::read(host.as_bytes(), compat);
        let port = authority.port;
        let text = port.and_then(|port| host.get(..host.len() - port.len() - 1)).unwrap_or(host);
        match (text.strip_prefix('*'), text.strip_suffix('*')) {
            (Some(text), _) => Self::Suffix { text, port },
            (None, Some(text)) => Self::Prefix { text, port },
            // Kong 2 compares the header's text.
            (None, None) if compat == Compat::Kong2 => Self::Exact { text: host, port: None },
            (None, None) => Self::Exact { text, port },
        }
    }

    pub(super) fn is_exact(&self) -> bool {
        matches!(self, Self::Exact { .. })
    }

    /// Whether it is a wildcard that asks for a port.
    pub(super) fn is_wildcard_with_port(&self) -> bool {
        matches!(self, Self::Suffix { port: Some(_), .. } | Self::Prefix { port: Some(_), .. })
    }
}

// === impl Hosts ===

impl Hosts {
    /// Adds a route's host under a number.
    pub(super) fn add(&mut self, pattern: Pattern<'_>, key: Key) {
        let (texts, text, port) = match pattern {
            Pattern::Exact { text, port } => (&mut self.exact, text, port),
            Pattern::Suffix { text, port } => (&mut self.suffixes, text, port),
            Pattern::Prefix { text, port } => (&mut self.prefixes, text, port),
        };
        texts.entry(text.as_bytes().into()).or_default().push((port.map(number), key));
        if let Pattern::Exact { text, port: None } = pattern {
            self.add_defaulted(text);
        }
    }

    fn add_defaulted(&mut self, text: &str) {
        for port in [80, 443] {
            if let Some(name) = text.strip_suffix(&format!(":{port}")) {
                self.defaulted.entry(name.as_bytes().into()).or_default().push(port);
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.suffixes.is_empty() && self.prefixes.is_empty()
    }

    /// Which patterns match. `port` is the one that counts if the header names none.
    pub(super) fn find(&self, host: Authority<'_>, port: u32) -> Hit {
        let mut hit = Hit::default();
        let default = port;
        let port = host.port.map_or(port, number);
        hit.raw = hit.add(self.exact.get(host.raw), port);
        let bare = if host.bare == host.raw { hit.raw } else { hit.add(self.exact.get(host.bare), port) };
        hit.plain = match host.port {
            _ if bare.is_some() => true,
            Some(_) => hit.raw.is_some(),
            None => self.is_defaulted(host, default),
        };
        if let Some(name) = host.name {
            hit.wildcard = self.wildcards(name, port, &mut hit);
        }
        hit
    }

    fn is_defaulted(&self, host: Authority<'_>, port: u32) -> bool {
        if self.defaulted.is_empty() {
            return false;
        }
        let ports = match host.name {
            Some(name) => self.defaulted.get(name),
            // Kong takes a text with odd colons for an IPv6 address that lost its brackets.
            None => self.defaulted.get(&[b"[", host.raw, b"]"].concat()[..]),
        };
        ports.is_some_and(|ports| ports.contains(&port))
    }

    /// Adds the wildcards that match; the best of them.
    fn wildcards(&self, name: &[u8], port: u32, hit: &mut Hit) -> Option<Key> {
        let mut best: Option<Key> = None;
        let dots = || (0..name.len()).filter(|&at| name[at] == b'.');
        let mut add = |found| best = hit.add(found, port).into_iter().chain(best).min();
        if !self.suffixes.is_empty() {
            // At least one byte stands for the star.
            dots().filter(|&at| at > 0).for_each(|at| add(self.suffixes.get(&name[at..])));
        }
        if !self.prefixes.is_empty() {
            // What stands for the star may be the port, which is there at least by default.
            dots().for_each(|at| add(self.prefixes.get(&name[..=at])));
        }
        best
    }
}

// === impl Hit ===

impl Hit {
    /// Adds the patterns of one text that a port allows; the best of them.
    fn add(&mut self, found: Option<&Vec<(Option<u32>, Key)>>, port: u32) -> Option<Key> {
        let mut best: Option<Key> = None;
        for &(asked, key) in found.into_iter().flatten() {
            if asked.is_none_or(|asked| asked == port) {
                self.keys.push(key);
                best = best.into_iter().chain([key]).min();
            }
        }
        best
    }

    /// The pattern that narrows Kong 2's first choice (`hits.host`, or else the header's text).
    pub(super) fn narrowing(&self) -> Option<Key> {
        self.wildcard.filter(|_| !self.plain).or(self.raw)
    }

    /// Whether Kong 2 takes the host for one it knows.
    pub(super) fn is_known(&self) -> bool {
        self.plain || self.wildcard.is_some()
    }
}

// === impl Keys ===

impl Keys {
    fn push(&mut self, key: Key) {
        match self.near.iter_mut().find(|place| place.is_none()) {
            Some(place) => *place = Some(key),
            None => self.far.push(key),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Key> {
        self.near.iter().map_while(|key| *key).chain(self.far.iter().copied())
    }
}

/// Saturates: no port is that large.
fn number(digits: &[u8]) -> u32 {
    digits.iter().fold(0, |sum: u32, digit| sum.saturating_mul(10).saturating_add(u32::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::{Authority, Hosts, Key, Pattern};
    use crate::entity::Compat::{self, Kong2, Kong3};

    fn matches(pattern: &str, host: &str, compat: Compat, port: u32) -> bool {
        let mut hosts = Hosts::default();
        hosts.add(Pattern::read(pattern, compat), Key(7));
        let hit = hosts.find(Authority::read(host.as_bytes(), compat), port);
        hit.keys.iter().eq([Key(7)])
    }

    #[test]
    fn hosts_match_as_in_kong_2() {
        let yes = [
            ("a.com", "a.com"),
            ("a.com", "a.com:8000"),
            ("a.com", "a.com:"),
            ("a.com:8080", "a.com:8080"),
            ("*.a.com", "b.c.a.com"),
            ("*.a.com", "b.a.com:1"),
            ("*.a.com:80", "b.a.com"),
            ("a.*", "a.com"),
            ("a.*", "a.com:123"),
            ("a.*:80", "a.com:80"),
            ("[::1]:80", "[::1]:80"),
            ("::1", "[::1]:80"),
        ];
        for (pattern, host) in yes {
            assert!(matches(pattern, host, Kong2, 80), "{pattern} {host}");
        }
        let no = [
            ("a.com", "A.com"),
            ("a.com", "a.com."),
            ("a.com:80", "a.com"),
            ("a.com:80", "a.com:81"),
            ("*.a.com", "a.com"),
            ("*.a.com", ".a.com"),
            ("*.a.com:80", "b.a.com:81"),
            ("*.a.com:443", "b.a.com"),
            ("a.*", "b.a.c"),
            ("[::1]:80", "[::1]"),
        ];
        for (pattern, host) in no {
            assert!(!matches(pattern, host, Kong2, 80), "{pattern} {host}");
        }
    }

    #[test]
    fn kong_3_compares_the_port_it_was_reached_at() {
        assert!(matches("a.com:80", "a.com", Kong3, 80));
        assert!(!matches("a.com:80", "a.com", Kong3, 8000));
        assert!(matches("a.com:80", "a.com:80", Kong3, 8000));
        assert!(matches("*.a.com:443", "b.a.com", Kong3, 443));
    }

    #[test]
    fn a_left_out_default_port_makes_a_host_known_that_does_not_match() {
        let mut hosts = Hosts::default();
        hosts.add(Pattern::read("a.com:80", Kong2), Key(0));
        let find = |host: &'static str, port| hosts.find(Authority::read(host.as_bytes(), Kong2), port);
        assert!(find("a.com", 80).is_known() && find("a.com", 80).keys.iter().next().is_none());
        assert!(!find("a.com", 443).is_known());
    }

    #[test]
    fn many_matches_are_all_kept() {
        let mut hosts = Hosts::default();
        let patterns = ["*.e", "*.d.e", "*.c.d.e", "a.*", "a.b.*", "a.b.c.d.e", "a.b.c.*"];
        for (key, pattern) in (0..).zip(patterns) {
            hosts.add(Pattern::read(pattern, Kong2), Key(key));
        }
        let hit = hosts.find(Authority::read(b"a.b.c.d.e", Kong2), 80);
        assert_eq!(hit.keys.iter().count(), patterns.len());
        assert_eq!((hit.wildcard, hit.narrowing()), (Some(Key(0)), Some(Key(5))));
    }
}
