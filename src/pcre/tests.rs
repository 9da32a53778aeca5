#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::{Engine, LIMIT, Pcre, backtracking, check, literal_prefix, shared};
use proptest::prelude::*;

/// Patterns of the common subset, from a small alphabet so that they meet their subjects.
fn pattern() -> impl Strategy<Value = String> {
    let atom = prop_oneof![
        "[ab/.x]",
        Just("\\d".to_owned()),
        Just("\\w".to_owned()),
        Just("\\S".to_owned()),
        Just("\\b".to_owned()),
        Just("\\.".to_owned()),
        Just("[a-b/]".to_owned()),
        Just("[^/]".to_owned()),
        Just("[\\w-]".to_owned()),
        Just("^".to_owned()),
        Just("$".to_owned()),
        Just("(?i)".to_owned()),
    ];
    atom.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            3 => proptest::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.concat()),
            1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}|{b})")),
            1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a}|{b}")),
            1 => inner.clone().prop_map(|a| format!("(?:{a})")),
            2 => (inner.clone(), "[*+?]|\\{1,2\\}|\\{2\\}").prop_map(|(a, q)| format!("({a}){q}")),
            2 => (inner, "[*+?]\\??|\\{0,2\\}\\??").prop_map(|(a, q)| format!("(?:{a}){q}")),
        ]
    })
}

/// What PCRE2 itself says: the ranges of all groups.
fn exact(pattern: &str, subject: &[u8]) -> Option<Vec<Option<(usize, usize)>>> {
    let regex = backtracking(pattern).unwrap();
    let found = regex.captures(subject).unwrap()?;
    Some((0..found.len()).map(|i| found.get(i).map(|m| (m.start(), m.end()))).collect())
}

fn ours(pattern: &Pcre, subject: &[u8]) -> Option<Vec<Option<(usize, usize)>>> {
    Some(pattern.captures(subject)?.into_iter().map(|capture| capture.range).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, max_global_rejects: 100_000, ..ProptestConfig::default() })]

    #[test]
    fn both_engines_agree_on_the_common_subset(text in pattern(), subject in "[abAx/.1\n-]{0,10}") {
        prop_assume!(shared::scan(&text).is_some());
        let regex = Pcre::new(&text).unwrap();
        prop_assert!(!matches!(regex.engine, Engine::Backtracking(_)), "{} is in the subset", text);
        prop_assert_eq!(ours(&regex, subject.as_bytes()), exact(&text, subject.as_bytes()));
        let anchored = Pcre::anchored(&text).unwrap();
        let wrapped = format!("\\A(?:{text})");
        prop_assert_eq!(ours(&anchored, subject.as_bytes()), exact(&wrapped, subject.as_bytes()));
    }

    #[test]
    fn what_the_scan_takes_compiles_in_pcre(text in "[ab/()\\[\\]{}*+?|^$.\\\\dwsbz<>P:i,0-9-]{0,12}") {
        if shared::scan(&text).is_some() && regex::bytes::Regex::new(&text).is_ok() {
            prop_assert!(backtracking(&text).is_ok(), "{}", text);
            let subject = b"/ab-1a";
            prop_assert_eq!(ours(&Pcre::new(&text).unwrap(), subject), exact(&text, subject));
        }
    }

    #[test]
    fn a_match_starts_with_the_literal_prefix(text in pattern(), subject in "[ab/.x]{0,8}") {
        let prefix = literal_prefix(&text);
        if Pcre::anchored(&text).unwrap().is_match(subject.as_bytes()) {
            prop_assert!(subject.as_bytes().starts_with(&prefix), "{:?}", prefix);
        }
    }

    #[test]
    fn any_text_compiles_or_is_refused(text in "\\PC{0,16}") {
        let _ = literal_prefix(&text);
        if let Ok(regex) = Pcre::anchored(&text) {
            let _ = regex.captures(b"/some/path");
        }
    }
}

#[test]
fn the_engine_is_chosen_by_meaning() {
    for text in ["/a(b|c)?", "/v[0-9]+/.*", "/(?<id>\\d+)/(?P<b>x)", "/x{2,3}?", "(?i)/a", "/[^/]+", "/\\w+\\.json"] {
        assert!(Pcre::anchored(text).unwrap().is_linear(), "{text}");
    }
    assert!(matches!(Pcre::anchored("/a$").unwrap().engine, Engine::Dollar { .. }));
    for text in [
        "/(?!a)",
        "/(a)\\1",
        "/a++",
        "/(?>a)",
        "/[[:alpha:]]",
        "/\\h",
        "/é",
        "/(a*)*",
        "/a{,2}",
        "/[a&&b]",
        "/\\Qa\\E",
        "/\\x41",
    ] {
        assert!(matches!(Pcre::anchored(text).unwrap().engine, Engine::Backtracking(_)), "{text}");
    }
}

#[test]
fn what_looks_like_a_posix_class_is_left_to_pcre() {
    for text in ["[..]", "[.a.]", "[=a\\=]", "[:a:]"] {
        assert!(shared::scan(text).is_none(), "{text}");
        assert!(backtracking(text).is_err(), "{text}");
    }
    for text in ["[.]", "[:]", "[.a]", "[a.]", "[^.a.]", "[.:]"] {
        assert!(shared::scan(text).is_some() && backtracking(text).is_ok(), "{text}");
    }
}

#[test]
fn dollar_matches_before_a_final_line_feed() {
    let regex = Pcre::anchored("/exact$").unwrap();
    assert_eq!(regex.match_len(b"/exact"), Some(6));
    assert_eq!(regex.match_len(b"/exact\n"), Some(6));
    assert_eq!(regex.match_len(b"/exact\n\n"), None);
}

#[test]
fn anchored_means_every_alternative() {
    let regex = Pcre::anchored("a|b").unwrap();
    assert!(regex.is_match(b"bx") && !regex.is_match(b"xb"));
    assert_eq!(Pcre::new("b").unwrap().match_len(b"ab"), None);
}

#[test]
fn options_and_comments_do_not_break_the_anchor() {
    assert!(Pcre::anchored("(?x)/a # a comment").unwrap().is_match(b"/abc"));
    assert!(Pcre::anchored("(*UTF)/é").unwrap().is_match("/éa".as_bytes()));
    assert!(!Pcre::anchored("(*ANYCRLF)/b").unwrap().is_match(b"/a/b"));
}

#[test]
fn groups_have_names_and_may_take_no_part() {
    for text in ["/(?<n>x)?(y)?z", "/(?=z|y|x)(?<n>x)?(y)?z"] {
        let captures = Pcre::anchored(text).unwrap().captures(b"/yz!").unwrap();
        let ranges: Vec<_> = captures.iter().map(|c| (c.name.as_deref(), c.range)).collect();
        assert_eq!(ranges, [(None, Some((0, 3))), (Some("n"), None), (None, Some((1, 2)))]);
    }
}

#[test]
fn a_slow_pattern_is_given_up() {
    let regex = Pcre::anchored("/(?=a)(a+)+$(?!x)").unwrap();
    let subject = format!("/{}!", "a".repeat(2000));
    let start = std::time::Instant::now();
    assert!(!regex.is_match(subject.as_bytes()));
    assert!(start.elapsed() < std::time::Duration::from_secs(1), "{LIMIT} holds");
}

#[test]
fn mistakes_are_told_in_kongs_words() {
    let told = |text: &str| check(text).unwrap_err();
    assert_eq!(told("/a("), "pcre_compile() failed: missing ) in \"/a(\"");
    assert_eq!(told("/[a"), "pcre_compile() failed: missing terminating ] for character class in \"/[a\"");
    assert_eq!(told("/a)b"), "pcre_compile() failed: unmatched parentheses in \"/a)b\" at \")b\"");
    assert_eq!(Pcre::anchored("/a)b").unwrap_err(), told("/a)b"));
    assert!(check("/a").is_ok());
}

#[test]
fn literal_prefixes() {
    let cases: [(&str, &[u8]); 10] = [
        ("/users/(?<id>\\d+)", b"/users/"),
        ("/a\\.b/[x]", b"/a.b/"),
        ("/ab?", b"/a"),
        ("/ab+c", b"/ab"),
        ("/ab*c", b"/a"),
        ("/ab{2}", b"/a"),
        ("/a|/b", b""),
        ("/a(b|c)", b"/a"),
        ("/a[|]", b"/a"),
        ("^/x$", b"/x"),
    ];
    for (pattern, prefix) in cases {
        assert_eq!(literal_prefix(pattern), prefix, "{pattern}");
    }
}
