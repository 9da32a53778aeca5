//! What a client says of its signature: `hmac username="…", algorithm="…", headers="…", signature="…"`, in this order.

use http::{HeaderMap, HeaderName, header};
use regex::bytes::Regex;
use std::sync::LazyLock;

/// A header with a signature, or without.
pub(super) struct Shown<'a> {
    /// Which header was looked at last.
    pub(super) header: HeaderName,
    /// What it says; `None` if it is no such text.
    pub(super) params: Option<Params<'a>>,
}

/// The parts, as they were sent.
pub(super) struct Params<'a> {
    pub(super) username: &'a [u8],
    pub(super) algorithm: &'a [u8],
    /// Names of what was signed, with one blank between.
    headers: &'a [u8],
    /// Base64.
    pub(super) signature: &'a [u8],
}

/// Kong's reading: the text may stand anywhere, and a value goes on to the last place where it can end.
static FORM: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let form = r#"(?-u)[Hh]mac\s*username="(.+)",\s*algorithm="(.+)",\s*headers="(.+)",\s*signature="(.+)""#;
    Regex::new(form).ok()
});

/// Headers that are looked at, in this order.
pub(super) const HEADERS: [HeaderName; 2] = [header::PROXY_AUTHORIZATION, header::AUTHORIZATION];

// === impl Shown ===

impl<'a> Shown<'a> {
    /// The first header that has such a text, or else the last.
    pub(super) fn of(headers: &'a HeaderMap) -> Self {
        let read = |header: HeaderName| {
            let params = headers.get(&header).and_then(|value| Params::read(value.as_bytes()));
            Shown { header, params }
        };
        let [first, last] = HEADERS.map(read);
        if first.params.is_some() { first } else { last }
    }
}

// === impl Params ===

impl<'a> Params<'a> {
    fn read(value: &'a [u8]) -> Option<Self> {
        let found = FORM.as_ref()?.captures(value)?;
        let (_, [username, algorithm, headers, signature]) = found.extract();
        Some(Self { username, algorithm, headers, signature })
    }

    /// Names of what was signed.
    pub(super) fn headers(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.headers.split(|byte| *byte == b' ')
    }

    /// Whether one of them has several lines: a signature is over the first, so anybody could have added the others.
    pub(super) fn is_in_part(&self, headers: &HeaderMap) -> bool {
        let lines = |name: &[u8]| Some(headers.get_all(std::str::from_utf8(name).ok()?).iter().count());
        self.headers().filter_map(lines).any(|lines| lines > 1)
    }

    /// Whether a header is among them.
    pub(super) fn lists(&self, name: &HeaderName) -> bool {
        self.headers().any(|listed| listed.eq_ignore_ascii_case(name.as_str().as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(value: &str) -> Option<[String; 4]> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let found = Params::read(value.as_bytes())?;
        Some([found.username, found.algorithm, found.headers, found.signature].map(text))
    }

    #[test]
    fn its_parts_are_found_in_their_order() {
        let parts = Some(["al", "a", "date x", "s="].map(str::to_owned));
        for value in [
            r#"hmac username="al", algorithm="a", headers="date x", signature="s=""#,
            r#"Hmacusername="al",algorithm="a",headers="date x",   signature="s=""#,
            r#"x hmac username="al", algorithm="a", headers="date x", signature="s=", more"#,
        ] {
            assert_eq!(read(value), parts, "{value}");
        }
        let odd = read(r#"hmac username="a"b", algorithm="a", headers="d", signature="s", x="y""#).unwrap();
        assert_eq!((&*odd[0], &*odd[3]), (r#"a"b"#, r#"s", x="y"#));
        for value in [
            "",
            "hmac",
            r#"HMAC username="al", algorithm="a", headers="date", signature="s""#,
            r#"hmac algorithm="a", username="al", headers="date", signature="s""#,
            r#"hmac username="", algorithm="a", headers="date", signature="s""#,
        ] {
            assert_eq!(read(value), None, "{value}");
        }
    }

    #[test]
    fn proxy_authorization_goes_first_if_it_has_one() {
        let good = r#"hmac username="al", algorithm="a", headers="date", signature="s""#;
        let shown = |proxy: &str, own: &str| {
            let pairs = [(header::PROXY_AUTHORIZATION, proxy), (header::AUTHORIZATION, own)];
            let headers = pairs.into_iter().map(|(name, value)| (name, value.parse().unwrap())).collect();
            let shown = Shown::of(&headers);
            (shown.header.as_str().to_owned(), shown.params.is_some())
        };
        assert_eq!(shown(good, good), ("proxy-authorization".to_owned(), true));
        assert_eq!(shown("Basic x", good), ("authorization".to_owned(), true));
        assert_eq!(shown("Basic x", "Basic y"), ("authorization".to_owned(), false));
    }
}
