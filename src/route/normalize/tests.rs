#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::{BadPath, Target, escape, normalize, normalize_route_path};
use proptest::prelude::*;
use std::borrow::Cow;

fn split(raw: &str) -> Option<(&str, Option<&str>)> {
    let target = Target::split(raw.as_bytes())?;
    let text = |bytes| std::str::from_utf8(bytes).unwrap();
    Some((text(target.path), target.query.map(text)))
}

#[test]
fn targets_are_split() {
    let cases = [
        ("/q", ("/q", None)),
        ("/q?", ("/q", Some(""))),
        ("/q??", ("/q", Some(""))),
        ("/q?a=b?c", ("/q", Some("a=b?c"))),
        ("/q?a=b#c", ("/q", Some("a=b"))),
        ("/q?#c", ("/q", None)),
        ("/a#b?c=d", ("/a#b", None)),
        ("/a#b?", ("/a#b", Some(""))),
        ("/?x", ("/", Some("x"))),
        ("http://keep.test/abs?x=/../y", ("/abs", Some("x=/../y"))),
        ("http://keep.test", ("/", None)),
        ("http://keep.test?x", ("/", Some("x"))),
    ];
    for (raw, expected) in cases {
        assert_eq!(split(raw), Some(expected), "{raw}");
    }
    for raw in ["", "*", "abc", "?x=1", "host:443", "://x/", "http:///x"] {
        assert_eq!(split(raw), None, "{raw}");
    }
}

#[test]
fn paths_are_normalised() {
    let cases = [
        ("/%6B%6f%6e%67", "/kong"),
        ("/a%2fb", "/a%2Fb"),
        ("/%2E", "/"),
        ("/a/b/c/./../../g", "/a/g"),
        ("/p/..", "/"),
        ("/a//b//", "/a/b/"),
        ("/a//..", "/a/"),
        ("/a/./b", "/a/b"),
        ("/a/b/.", "/a/b/"),
        ("/..x", "/..x"),
        ("/a/...", "/a/..."),
        ("/.hidden", "/.hidden"),
        ("/p/%2E%2E/y", "/y"),
        ("/pct%2525", "/pct%2525"),
        ("/%7Etilde", "/~tilde"),
        ("/a%2F..", "/a%2F.."),
        ("/endel%C3%B8st", "/endeløst"),
        ("//", "/"),
        ("/a#b%zz", "/a#b%zz"),
    ];
    for (path, expected) in cases {
        assert_eq!(normalize(path.as_bytes()).unwrap(), expected.as_bytes(), "{path}");
    }
}

#[test]
fn a_normal_path_is_borrowed() {
    assert!(matches!(normalize(b"/api/v1/users/42"), Ok(Cow::Borrowed(_))));
}

#[test]
fn nginx_refuses_some() {
    for path in ["/..", "/../", "/./.././../", "/a/../../b", "/%2E%2E/a", "//..", "/a%2F../..", "/a/..%2F.."] {
        assert_eq!(normalize(path.as_bytes()), Err(BadPath::AboveRoot), "{path}");
    }
    for path in ["/a%", "/a%z", "/a%zz", "/a%G0b", "/a%2"] {
        assert_eq!(normalize(path.as_bytes()), Err(BadPath::Escape), "{path}");
    }
    assert_eq!(normalize(b"/nul%00byte"), Err(BadPath::Nul));
}

#[test]
fn a_route_path_is_never_refused() {
    assert_eq!(&*normalize_route_path(b"/../a%zz//b"), b"/a%zz/b");
}

#[test]
fn what_must_be_escaped_is() {
    assert_eq!(escape(b"/a b\"<>\\^`{|}\x7f\n\xc3\xa9"), "/a%20b%22%3C%3E%5C%5E%60%7B%7C%7D%7F%0A%C3%A9");
    let plain = "/!#$&'()*+,:;=?@[]-._~%41aZ9";
    assert!(matches!(escape(plain.as_bytes()), Cow::Borrowed(text) if text == plain));
}

proptest! {
    /// Once normal, always normal; and sending the normal form arrives at itself.
    #[test]
    fn normalising_twice_changes_nothing(path in "/([a%2EeFf/.#~ ]|%2[EeFf0]|%41){0,12}") {
        if let Ok(normal) = normalize(path.as_bytes()) {
            prop_assert!(normal.starts_with(b"/") && !normal.windows(2).any(|pair| pair == b"//"));
            let sent = escape(&normal);
            // A `%` after `#` may be no escape at all.
            if !path.contains('#') {
                let again = normalize(sent.as_bytes());
                prop_assert_eq!(again.as_deref(), Ok(&*normal));
            }
        }
    }

    #[test]
    fn no_bytes_panic(raw in proptest::collection::vec(any::<u8>(), 0..40)) {
        if let Some(target) = Target::split(&raw) {
            let _ = normalize(target.path).map(|path| escape(&path).into_owned());
        }
        let _ = normalize_route_path(&raw);
    }
}
