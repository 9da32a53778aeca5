#![allow(clippy::unwrap_used)]

use super::field::NAMES;
use super::{Expression, Fault, Hit, MAX_DEPTH, MAX_TEXT};
use crate::route::{Ends, Query};
use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;
use proptest::sample::select;

/// A request that owns its texts.
#[derive(Clone, Debug)]
struct Request {
    method: &'static str,
    host: &'static str,
    path: &'static [u8],
    query: &'static str,
    headers: HeaderMap,
    tls: bool,
}

impl Request {
    fn to(path: &'static str) -> Self {
        let headers = [("x-a", "one"), ("x-a", "two"), ("x_b", "raw"), ("x-b", "plain"), ("x-c", "Ärger")];
        let headers = headers
            .into_iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap()));
        let path = path.as_bytes();
        Self {
            method: "GET",
            host: "Api.test:8001",
            path,
            query: "a=1&a=2&b&c=x%20y+z",
            headers: headers.collect(),
            tls: true,
        }
    }

    fn query(&self) -> Query<'_> {
        Query {
            method: self.method,
            host: Some(self.host.as_bytes()),
            path: self.path,
            headers: &self.headers,
            tls: self.tls,
            sni: self.tls.then_some("s.test"),
            port: 443,
            query: Some(self.query.as_bytes()),
            ends: Ends { client: "10.1.2.3".parse().ok(), client_port: Some(4000), server: "fd00::1".parse().ok() },
        }
    }
}

fn ask(text: &str, request: &Request) -> Option<Hit> {
    Expression::parse(text).unwrap().ask(&request.query())
}

fn is_true(text: &str, path: &'static str) -> bool {
    ask(text, &Request::to(path)).is_some()
}

#[test]
fn every_field_and_every_operator() {
    for (text, expected) in [
        (r#"http.method == "GET""#, true),
        (r#"http.method != "GET""#, false),
        (r#"http.host == "Api.test""#, true),
        (r#"lower(http.host) == "api.test""#, true),
        (r#"http.host == "api.test""#, false),
        (r#"http.path == "/v1/Users/7/""#, true),
        (r#"http.path == "/v1/Users/7""#, false),
        (r#"http.path ^= "/v1""#, true),
        (r#"http.path ^= "/v2""#, false),
        (r#"http.path =^ "7/""#, true),
        (r#"http.path contains "sers""#, true),
        (r#"http.path contains "users""#, false),
        (r#"http.path ~ "/\\d/$""#, true),
        (r##"http.path ~ r#"^/v\d/"#"##, true),
        (r##"http.path ~ r#"^\d"#"##, false),
        (r#"lower(http.path) ^= "/v1/users""#, true),
        (r#"http.path.segments.0 == "v1""#, true),
        (r#"http.path.segments.2 == "7""#, true),
        (r#"http.path.segments.3 != "x""#, false),
        (r#"http.path.segments.0_1 == "v1/Users""#, true),
        (r#"http.path.segments.1_3 != "x""#, false),
        ("http.path.segments.len == 3", true),
        ("http.path.segments.len >= 4", false),
        (r#"net.protocol == "https""#, true),
        (r#"tls.sni == "s.test""#, true),
        ("net.port == 8001", true),
        ("net.dst.port == 0x1f41", true),
        ("net.dst.port == 017501", true),
        ("net.dst.port > 8001", false),
        ("net.dst.port >= 8001 && net.dst.port <= 8001 && net.dst.port < 9000 && net.dst.port > -1", true),
        ("net.dst.port != 8001", false),
        ("net.src.ip == 10.1.2.3", true),
        ("net.src.ip != 10.1.2.3", false),
        ("net.src.ip in 10.0.0.0/8", true),
        ("net.src.ip not in 10.0.0.0/8", false),
        ("net.src.ip in fd00::/8", false),
        ("net.src.ip not in fd00::/8", true),
        ("net.src.port == 4000", true),
        ("net.dst.ip == fd00::1", true),
        ("net.dst.ip in fd00::/8", true),
        (r#"http.queries.b == """#, true),
        (r#"http.queries.c == "x y z""#, true),
        (r#"http.queries.d == """#, false),
    ] {
        assert_eq!(is_true(text, "/v1/Users/7/"), expected, "{text}");
    }
}

#[test]
fn of_several_values_all_count_or_with_any_one() {
    for (text, expected) in [
        (r#"http.headers.x_a == "one""#, false),
        (r#"any(http.headers.x_a) == "one""#, true),
        (r##"http.headers.x_a ~ r#"^(one|two)$"#"##, true),
        (r#"http.headers.x_a != "three""#, true),
        (r#"any(http.headers.x_a) != "one""#, true),
        (r#"any(http.queries.a) == "2""#, true),
        (r#"http.queries.a == "2""#, false),
        (r#"http.headers.X_A == "one""#, false),
        (r#"any(lower(http.headers.x_a)) contains "w""#, true),
        (r#"lower(any(http.headers.x_c)) == "ärger""#, true),
        (r#"http.headers.x_b == "raw""#, true),
        // What is not there is as nothing says, and so is not the other either.
        (r#"http.headers.x_none == "a""#, false),
        (r#"http.headers.x_none != "a""#, false),
        (r#"!(http.headers.x_none == "a")"#, true),
    ] {
        assert_eq!(is_true(text, "/"), expected, "{text}");
    }
}

#[test]
fn or_binds_tighter_than_and() {
    let (no, yes) = (r#"http.path == "/x""#, r#"http.path == "/""#);
    for (text, expected) in [
        (format!("{no} && {yes} || {yes}"), false),
        (format!("({no} && {yes}) || {yes}"), true),
        (format!("{yes} || {no} && {no}"), false),
        (format!("!({no}) && !({no} || {no})"), true),
        (format!("{no}||{yes}&&{yes}||{no}"), true),
        (format!("!(!(({yes})))"), true),
    ] {
        assert_eq!(is_true(&text, "/"), expected, "{text}");
    }
}

#[test]
fn segments_are_those_between_slashes() {
    let count = |path| (0..9).find(|n| is_true(&format!("http.path.segments.len == {n}"), path));
    assert_eq!(["/", "/a", "/a/", "/a/b", "/a//b", ""].map(count), [0, 1, 1, 2, 3, 0].map(Some));
}

#[test]
fn texts_have_escapes_unless_they_are_raw() {
    for (text, path) in
        [(r#""\"\\\n\r\t""#, "\"\\\n\r\t"), (r##"r#"\n"a"#"##, "\\n\"a"), (r##"r#""#"##, ""), (r#""ä""#, "ä")]
    {
        let request = Request { path: path.as_bytes(), ..Request::to("/") };
        assert!(ask(&format!("http.path == {text}"), &request).is_some(), "{text}");
    }
}

#[test]
fn a_path_that_is_no_utf_8_is_compared_all_the_same() {
    let request = Request { path: b"/A\xff", ..Request::to("/") };
    for text in [r#"http.path ^= "/A""#, r#"lower(http.path) ^= "/a""#, r#"http.path != "/A""#, r#"http.path ~ "^/A""#]
    {
        assert!(ask(text, &request).is_some(), "{text}");
    }
    assert_eq!(ask(r#"http.path ~ "^/A.$""#, &request), None);
}

#[test]
fn the_last_comparison_of_the_path_says_what_was_matched() {
    let prefix = |text: &str| ask(text, &Request::to("/v1/users")).unwrap().prefix;
    assert_eq!(prefix(r#"http.path == "/v1/users""#), Some(9));
    assert_eq!(prefix(r#"http.path ^= "/v1""#), Some(3));
    assert_eq!(prefix(r#"http.path ^= "/v1" && http.path ^= "/""#), Some(1));
    assert_eq!(prefix(r##"http.path ~ r#"^/v\d+/"#"##), Some(4));
    assert_eq!(prefix(r#"http.path contains "v1""#), None);
    assert_eq!(prefix(r#"http.method == "GET""#), None);
    // Kong keeps what an `&&` matched that came to nothing.
    assert_eq!(prefix(r#"(http.path ^= "/v1" && http.method == "PUT") || http.method == "GET""#), Some(3));
}

#[test]
fn groups_of_all_that_matched_are_kept() {
    let groups = |text: &str| {
        let (groups, texts) = ask(text, &Request::to("/v1/users/7")).unwrap().groups();
        let text = |range: (usize, usize)| String::from_utf8(texts[range.0..range.1].to_vec()).unwrap();
        groups.into_iter().map(|group| (group.name.map(String::from), group.range.map(text))).collect::<Vec<_>>()
    };
    let some = |text: &str| Some(text.to_owned());
    let path = r##"http.path ~ r#"^/v1/(?<what>\w+)/(\d)"#"##;
    assert_eq!(groups(path), [(None, some("/v1/users/7")), (some("what"), some("users")), (None, some("7"))]);
    let both = format!(r##"{path} && any(http.headers.x_a) ~ r#"^(o)"#"##);
    assert_eq!(groups(&both), [(None, some("o")), (None, some("o")), (None, some("7"))]);
    assert_eq!(groups(r#"http.path ~ "^/(x)?v1/(.)""#), []);
    assert_eq!(groups(r#"http.path ~ "^/v1""#), []);
}

#[test]
fn how_a_path_begins_is_known_where_it_is_said() {
    let prefixes = |text: &str| {
        let expression = Expression::parse(text).unwrap();
        let texts = expression.prefixes().into_iter().map(|text| String::from_utf8(text.to_vec()).unwrap());
        texts.collect::<Vec<_>>()
    };
    assert_eq!(prefixes(r#"http.path == "/a""#), ["/a"]);
    assert_eq!(prefixes(r#"http.method == "GET" && http.path ^= "/a""#), ["/a"]);
    assert_eq!(prefixes(r#"http.path ^= "/a" || http.path == "/b""#), ["/a", "/b"]);
    assert_eq!(prefixes(r#"http.path ^= "/a" || http.method == "GET""#), [""]);
    assert_eq!(prefixes(r#"!(http.path ^= "/a")"#), [""]);
    assert_eq!(prefixes(r#"lower(http.path) ^= "/a""#), [""]);
}

fn fault(text: &str) -> Fault {
    Expression::parse(text).unwrap_err()
}

/// A text, the part of it that is told of, what is told, and the label or the help.
const FAULTS: &[(&str, &str, &str, &str)] = &[
    ("", "", "a comparison is missing here", "write one such as `http.path == \"/\"`"),
    (r#"http.path = "/a""#, "=", "`=` is no operator", "write `==`"),
    (r#"http.path =~ "/a""#, "=~", "`=~` is no operator", "write `~`"),
    (r#"http.path == '/a'"#, "'/a'", "a text stands in double quotes", "write `\"…\"`"),
    (r#"http.path == /a"#, "/a", "`/a` is no value", "a text stands in quotes: `\"/a\"`"),
    (r#"http.path == a"#, "a", "`a` is no value", "a text stands in quotes: `\"a\"`"),
    (r#"http.pth == "/a""#, "http.pth", "there is no field `http.pth`", "did you mean `http.path`?"),
    (
        r#"http.header.x == "/a""#,
        "http.header.x",
        "there is no field `http.header.x`",
        "did you mean `http.headers.NAME`?",
    ),
    (r#"http.headers.x-a == "/a""#, "http.headers.x-a", "`http.headers.x-a` is no name", "write `http.headers.x_a`"),
    (
        r#"http.path == "/\d""#,
        "\\d",
        "`\\d` is no escape",
        "write `\\\\` for a backslash, or `r#\"…\"#`, in which a backslash means itself",
    ),
    (r#"http.path == "/a"#, "\"/a", "this text has no end", "`\"` is missing behind it"),
    (r##"http.path == r#"/a""##, "r#\"/a\"", "this text has no end", "`\"#` is missing behind it"),
    (r#"http.path == "/a" and tls.sni == "b""#, "and", "`and` is no operator", "write `&&`"),
    (
        r#"http.path == "/a" tls.sni == "b""#,
        "tls.sni",
        "two comparisons need something between them",
        "write `&&` or `||` before this",
    ),
    (r#"http.path == "/a" & tls.sni == "b""#, "&", "`&` is no operator", "write `&&`"),
    (r#"! http.path == "/a""#, "!", "`!` stands before parentheses only", "write `!( … )`"),
    (r#"not (http.path == "/a")"#, "not", "`not` is no operator here", "write `!( … )`"),
    (r#"(http.path == "/a""#, "(", "this `(` is not closed", ""),
    (r#"http.path == "/a")"#, ")", "this `)` closes nothing", ""),
    (r#"upper(http.path) == "/a""#, "upper", "there is no function `upper`", "`lower` and `any` are all"),
    ("http.path == 1", "1", "`http.path` is a text, and this is a number", "write `\"1\"`"),
    (r#"net.port == "80""#, "\"80\"", "`net.port` is a number, and this is a text", "write it without quotes"),
    (
        r#"http.path > "a""#,
        ">",
        "`>` is not for `http.path`, which is a text",
        "texts are compared by `==`, `!=`, `^=`, `=^`, `~` and `contains`",
    ),
    (
        "net.port ^= 8",
        "^=",
        "`^=` is not for `net.port`, which is a number",
        "numbers are compared by `==`, `!=`, `>`, `>=`, `<` and `<=`",
    ),
    ("net.src.ip in 10.0.0.1", "10.0.0.1", "`in` needs a network, and this is an address", "write `10.0.0.1/32`"),
    ("net.src.ip == 10.0.0.0/8", "==", "`==` needs an address, and a network follows", "write `in`"),
    (
        "net.src.ip in 10.0.0.1/8",
        "10.0.0.1/8",
        "`10.0.0.1/8` is an address within a network, not a network",
        "did you mean `10.0.0.0/8`?",
    ),
    ("lower(net.port) == 8", "lower", "`lower` is for texts, and `net.port` is a number", ""),
    ("net.port == 99999999999999999999", "99999999999999999999", "`99999999999999999999` is too large", ""),
    (r#"http.path ~ "(""#, "\"(\"", "this is no regular expression: unclosed group", ""),
    (
        r#"http.path ~ "a(?!b)""#,
        "\"a(?!b)\"",
        "this is no regular expression: look-around, including look-ahead and look-behind, is not supported",
        "expressions are those of Rust's `regex`, which has neither look-around nor back-references",
    ),
    (
        r#"http.path.segments.01 == "a""#,
        "http.path.segments.01",
        "`http.path.segments.01` is no segment of the path",
        "write `http.path.segments.0` for the first, `http.path.segments.0_2` for the first three, or `http.path.segments.len`",
    ),
    (r#"http.path =="#, "==", "`==` needs a value behind it", "behind this"),
    (r#"http.path"#, "http.path", "a comparison is missing here", "behind this"),
    (
        r#"http.path "/a""#,
        "\"/a\"",
        "this is no operator",
        "operators are `==`, `!=`, `^=` (begins with), `=^` (ends with), `~` (regular expression), `contains`, `>`, `>=`, `<`, `<=`, `in` and `not in`",
    ),
    (r#"net.src.ip not 10.0.0.1"#, "not", "`not` is no operator", "write `not in` or `!=`"),
    (
        r#""/a" == http.path"#,
        "\"/a\"",
        "a comparison begins with a field, not with a text",
        "write the field first: `http.path == \"/\"`",
    ),
    (r#"== "/a""#, "==", "`==` needs a field before it", ""),
    ("ä", "ä", "`ä` means nothing outside of a text", ""),
];

#[test]
fn faults_are_told_at_their_place() {
    for (text, place, message, hint) in FAULTS {
        let fault = fault(text);
        let told = fault.label.clone().or(fault.help.clone()).unwrap_or_default();
        assert_eq!((&text[fault.at.clone()], &*fault.message, &*told), (*place, *message, *hint), "{text}");
    }
}

#[test]
fn segments_are_numbers_in_order() {
    for name in ["len0", "len_a", "", "abc", "a_c", "1_2_3", "1_", "_1", "2_1", "1_1", "01_2", "001_2", "1_03", "+1"] {
        assert!(Expression::parse(&format!("http.path.segments.{name} == \"foo\"")).is_err(), "{name}");
    }
    for name in ["0", "1", "20_30", "0_1"] {
        assert!(Expression::parse(&format!("http.path.segments.{name} == \"foo\"")).is_ok(), "{name}");
    }
}

#[test]
fn there_are_limits() {
    let nested = |depth: usize| format!("{}http.path == \"/\"{}", "(".repeat(depth), ")".repeat(depth));
    assert!(Expression::parse(&nested(MAX_DEPTH)).is_ok());
    assert!(fault(&nested(MAX_DEPTH + 1)).message.starts_with("more than 64 parentheses"));
    assert!(fault(&nested(20_000)).message.starts_with("more than 64 parentheses"));
    let calls = format!("{}http.path{} == \"/\"", "any(".repeat(10_000), ")".repeat(10_000));
    assert!(Expression::parse(&calls).is_ok());
    assert!(fault(&"a".repeat(MAX_TEXT + 1)).message.contains("are too long"));
    let long = vec![r#"http.path == "/""#; 3_000].join(" && ");
    assert!(is_true(&long, "/"));
    assert!(fault(r#"http.path ~ "(\\w{1000}){1000}""#).message.contains("no regular expression"));
}

// What the evaluator says, against the meaning of the texts it was made of.

/// An expression as made, and what it means.
#[derive(Clone, Debug)]
enum Meant {
    Path(&'static str, &'static str),
    Method(bool, &'static str),
    Segments(&'static str, i64),
    Argument(bool, &'static str),
    All(Vec<Meant>),
    Any(Vec<Meant>),
    Not(Box<Meant>),
}

impl Meant {
    /// Every part in parentheses, so that nothing binds tighter than anything.
    fn text(&self) -> String {
        let joined = |parts: &[Self], by: &str| {
            parts.iter().map(|part| format!("({})", part.text())).collect::<Vec<_>>().join(by)
        };
        match self {
            Self::Path(operator, text) => format!("http.path {operator} \"{text}\""),
            Self::Method(same, text) => format!("http.method {} \"{text}\"", if *same { "==" } else { "!=" }),
            Self::Segments(operator, number) => format!("http.path.segments.len {operator} {number}"),
            Self::Argument(any, text) => {
                format!("{} == \"{text}\"", if *any { "any(http.queries.a)" } else { "http.queries.a" })
            }
            Self::All(parts) => joined(parts, " && "),
            Self::Any(parts) => joined(parts, " || "),
            Self::Not(part) => format!("!({})", part.text()),
        }
    }

    fn is_true(&self, request: &Request) -> bool {
        let path = std::str::from_utf8(request.path).unwrap();
        match self {
            Self::Path("==", text) => path == *text,
            Self::Path("^=", text) => path.starts_with(text),
            Self::Path("=^", text) => path.ends_with(text),
            Self::Path("contains", text) => path.contains(text),
            Self::Path(_, text) => path != *text,
            Self::Method(same, text) => (request.method == *text) == *same,
            Self::Segments(operator, number) => {
                let count = i64::try_from(path.split('/').filter(|part| !part.is_empty()).count()).unwrap();
                match *operator {
                    "==" => count == *number,
                    ">" => count > *number,
                    _ => count <= *number,
                }
            }
            Self::Argument(any, text) => {
                let mut values = request.query.split('&').filter_map(|pair| pair.strip_prefix("a="));
                let there = request.query.contains("a=");
                there && if *any { values.any(|value| value == *text) } else { values.all(|value| value == *text) }
            }
            Self::All(parts) => parts.iter().all(|part| part.is_true(request)),
            Self::Any(parts) => parts.iter().any(|part| part.is_true(request)),
            Self::Not(part) => !part.is_true(request),
        }
    }
}

const PATHS: &[&str] = &["/", "/a", "/a/", "/a/b", "/ab", "/b/a", "a"];

fn meant() -> impl Strategy<Value = Meant> {
    let one = prop_oneof![
        3 => (select(&["==", "!=", "^=", "=^", "contains"][..]), select(PATHS)).prop_map(|(o, t)| Meant::Path(o, t)),
        1 => (any::<bool>(), select(&["GET", "PUT"][..])).prop_map(|(same, text)| Meant::Method(same, text)),
        1 => (select(&["==", ">", "<="][..]), 0..3_i64).prop_map(|(o, n)| Meant::Segments(o, n)),
        1 => (any::<bool>(), select(&["1", "2"][..])).prop_map(|(any, text)| Meant::Argument(any, text)),
    ];
    one.prop_recursive(4, 24, 4, |inner| {
        let some = || proptest::collection::vec(inner.clone(), 1..4);
        let not = inner.clone().prop_map(|part| Meant::Not(Box::new(part)));
        prop_oneof![some().prop_map(Meant::All), some().prop_map(Meant::Any), not]
    })
}

/// A text of words that mean something here, in no sensible order.
fn babble() -> impl Strategy<Value = String> {
    let words: Vec<&str> =
        ["==", "!=", "~", "^=", "=^", "in", "not", "contains", "&&", "||", "!", "(", ")", "\"a\"", "r#\"b\"#"]
            .into_iter()
            .chain(["any", "lower", "80", "-1", "10.0.0.0/8", "::1", "\"", "r#\"", "\\", "'", "http.headers.a", "ä"])
            .chain(NAMES)
            .collect();
    proptest::collection::vec(select(words), 0..12).prop_map(|words| words.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn means_what_it_says(meant in meant(), path in select(PATHS), method in select(&["GET", "PUT"][..]),
                          query in select(&["", "a=1", "a=1&a=2", "b=1"][..])) {
        let request = Request { method, path: path.as_bytes(), query, ..Request::to("/") };
        let text = meant.text();
        let expression = Expression::parse(&text).unwrap();
        let hit = expression.ask(&request.query());
        prop_assert_eq!(hit.is_some(), meant.is_true(&request), "{}", text);
        // Who would not be asked about a path does not accept it.
        let asked = expression.prefixes().iter().any(|prefix| request.path.starts_with(prefix));
        prop_assert!(asked || hit.is_none(), "{}", text);
    }

    #[test]
    fn no_text_makes_it_panic(text in prop_oneof![babble(), "\\PC{0,60}", "[ -~]{0,60}"]) {
        match Expression::parse(&text) {
            Ok(expression) => { let _ = expression.ask(&Request::to("/a/b").query()); }
            Err(fault) => prop_assert!(text.get(fault.at).is_some()),
        }
    }
}
