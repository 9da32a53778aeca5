#![allow(clippy::unwrap_used)]

mod differential;
mod by_lua;

use super::{Crash, Env, Seen, Template, parts};
use crate::body::Body;
use crate::entity::Compat;
use crate::plugin::context::Group;
use crate::plugin::testing::{context, request};
use crate::plugin::Ctx;
use http::Request;
use proptest::prelude::*;

/// A request with something in every place.
fn asked() -> (Request<Body>, Ctx) {
    let sent = [("host", "gw.test"), ("x-in", "banana"), ("x_both", "_"), ("x-both", "-"), ("x-two", "1"), ("x-two", "2")];
    let req = request("GET", "/?q=a%20b&flag&empty=&two=1&two=2&n=5", &sent, "");
    let mut cx = context(Compat::Kong2);
    let group = |name: Option<&str>, text: Option<&str>| Group {
        name: name.map(Into::into),
        text: text.map(|text| text.as_bytes().into()),
    };
    cx.captures = vec![group(None, Some("/u/bob")), group(Some("user"), Some("bob")), group(Some("n"), None)];
    (req, cx)
}

fn parse(text: &str) -> Result<Option<Template>, String> {
    Template::parse(text).map_err(|unknown| unknown.0)
}

/// What a template makes of that request; `None` for a crash.
fn render(text: &str) -> Option<String> {
    let (req, cx) = asked();
    let template = parse(text).unwrap().unwrap_or_else(|| panic!("{text} is constant"));
    template.render(&Env::new(&req, &cx, &Seen::default())).ok().map(|text| String::from_utf8(text).unwrap())
}

fn value(expression: &str) -> Option<String> {
    render(&format!("$({expression})"))
}

#[track_caller]
fn all(cases: &[(&str, &str)]) {
    for (expression, expected) in cases {
        assert_eq!(value(expression).as_deref(), Some(*expected), "{expression}");
    }
}

#[test]
fn text_around_expressions_is_literal() {
    let cases = [
        ("$('a')", "a"),
        ("a $5 (b) $('c') $(", "a $5 (b) c $("),
        ("$(1)$(2)-$(3)", "12-3"),
        ("$$('a'))", "$a)"),
        ("$(('(x)'))", "(x)"),
        ("$('$(x)')", "$(x)"),
        ("#if\n#$('é')\r\n", "#if\n#é\r\n"),
        ("$(x $('b')", "$(x b"),
    ];
    for (text, expected) in cases {
        assert_eq!(render(text).as_deref(), Some(expected), "{text}");
    }
    for text in ["", "a", "$", "$(", "$(a", "a$((b)", "(a)", "${HOME}", "$ (a)"] {
        assert_eq!(parse(text), Ok(None), "{text}");
    }
}

#[test]
fn values_are_written_as_lua_writes_them() {
    all(&[
        ("nil", ""),
        ("false", ""),
        ("true", "true"),
        ("''", ""),
        ("10", "10"),
        ("-5", "-5"),
        ("- 5", "-5"),
        ("1.50", "1.5"),
        (".5", "0.5"),
        ("5.", "5"),
        ("1e3", "1000"),
        ("1E-05", "1e-05"),
        ("9007199254740992", "9.007199254741e+15"),
        ("0xfF", "255"),
        ("headers['x-two']", "table: 0x00000000"),
    ]);
}

#[test]
fn literals_have_luas_escapes() {
    all(&[
        (r#""it's""#, "it's"),
        (r#"'say "it"'"#, r#"say "it""#),
        (r"'\'\\\''", r"'\'"),
        (r"'\65\066\0677\x41\t\a\b\f\v\r\n'", "ABC7A\t\u{7}\u{8}\u{c}\u{b}\r\n"),
        ("'a\\\nb'", "a\nb"),
        ("'é'", "é"),
    ]);
    let (req, cx) = asked();
    let bytes = parse(r"$('\255\xfe')").unwrap().unwrap().render(&Env::new(&req, &cx, &Seen::default()));
    assert_eq!(bytes, Ok(vec![0xff, 0xfe]));
}

#[test]
fn operators_bind_as_in_lua() {
    all(&[
        ("nil and 1 or 2", "2"),
        ("1 and nil or 2", "2"),
        ("1 or nil and 2", "1"),
        ("false or nil", ""),
        ("0 and ''", ""),
        ("0 and 'zero is true'", "zero is true"),
        ("not nil", "true"),
        ("not not 0", "true"),
        ("not 1 == 2", ""),
        ("not (1 == 2)", "true"),
        ("1 == 1 == true", "true"),
        ("1 ~= 2 and 'x' or 'y'", "x"),
        ("'a'..'b' == 'ab'", "true"),
        ("'a'..1 ..2", "a12"),
        ("1.5 ..''", "1.5"),
        ("nil == false", ""),
        ("nil == nil", "true"),
        ("1 == '1'", ""),
        ("0x10 == 16", "true"),
        ("(1)or(2)", "1"),
        ("('x'==\"x\")and('y')", "y"),
        ("true\t\r\n\u{b}or nil", "true"),
    ]);
}

#[test]
fn the_right_side_counts_only_when_it_is_needed() {
    all(&[("true or 'a'..nil", "true"), ("nil and nil..'a'", ""), ("headers.none and headers.none:upper()", "")]);
}

#[test]
fn methods_work_on_texts() {
    all(&[
        ("headers.x_in:upper()", "BANANA"),
        ("('ÀBC'):lower()", "Àbc"),
        ("headers.x_in:sub(2)", "anana"),
        ("headers.x_in:sub(2, 3)", "an"),
        ("headers.x_in:sub(-2)", "na"),
        ("headers.x_in:sub(-3, -2)", "an"),
        ("headers.x_in:sub(0, 2)", "ba"),
        ("headers.x_in:sub(-99, 99)", "banana"),
        ("headers.x_in:sub(4, 3)", ""),
        ("headers.x_in:sub(7)", ""),
        ("headers.x_in:sub(1, -99)", ""),
        ("headers.x_in:sub(1, 0)", ""),
        ("headers.x_in:sub(1.9, 2.9)", "ba"),
        ("headers.x_in:sub(1, 1e300)", "banana"),
        ("headers.x_in:sub(-1e300, 1)", "b"),
        ("headers.x_in:upper():sub(2,4) : lower ( )", "ana"),
        ("(headers.none or 'X'):lower()..'y'", "xy"),
    ]);
}

#[test]
fn requests_are_looked_up() {
    all(&[
        ("headers.host", "gw.test"),
        ("headers['x-in']", "banana"),
        ("headers[\"X-In\"]", "banana"),
        ("headers.X_IN", "banana"),
        ("headers.x_both", "_"),
        ("headers.X_Both", "-"),
        ("headers['x-both']", "-"),
        ("headers.absent", ""),
        ("headers['no name']", ""),
        ("query_params.q", "a b"),
        ("query_params['flag']", "true"),
        ("query_params.empty == ''", "true"),
        ("query_params.Q", ""),
        ("query_params.two == query_params.two", "true"),
        ("query_params.two == headers.two", ""),
        ("query_params.n == 5", ""),
        ("uri_captures[0]", "/u/bob"),
        ("uri_captures[1]", "bob"),
        ("uri_captures.user", "bob"),
        ("uri_captures['user']", "bob"),
        ("uri_captures.n or 'none'", "none"),
        ("uri_captures.n == false", "true"),
        ("uri_captures.absent == nil", "true"),
        ("uri_captures[3]", ""),
        ("uri_captures[1.5]", ""),
        ("uri_captures[-1]", ""),
        ("uri_captures[1e300]", ""),
        ("uri_captures['1']", ""),
    ]);
}

#[test]
fn what_lua_cannot_do_crashes() {
    for expression in [
        "'a'..nil",
        "nil..'a'",
        "true..''",
        "headers.x_two..''",
        "query_params.flag..'!'",
        "headers.none:upper()",
        "headers.x_two:lower()",
        "query_params.flag:sub(1)",
        "(1):upper()",
        "uri_captures.n:lower()",
        "'a'..(nil or false)",
    ] {
        assert_eq!(value(expression), None, "{expression}");
    }
}

#[test]
fn other_lua_is_refused_by_its_first_word() {
    for (text, word) in [
        ("$(type(headers.x))", "`type`"),
        ("$(foo)", "`foo`"),
        ("$()", "the end of the expression"),
        ("$(headers)", "the end of the expression"),
        ("$(headers.x[1])", "`[`"),
        ("$(headers.end)", "`end`"),
        ("$(headers[1])", "a number"),
        ("$(headers.x:gsub('a', 'b'))", "`gsub`"),
        ("$(headers.x:sub())", "`)`"),
        ("$(headers.x:sub(1, 2, 3))", "`,`"),
        ("$('secret':upper())", "`:`"),
        ("$('a' 'secret')", "a text"),
        ("$(1 + 2)", "`+`"),
        ("$(1 < 2)", "`<`"),
        ("$(-headers.x)", "`headers`"),
        ("$(- -1)", "`-`"),
        ("$(1 --1)", "`--`"),
        ("$(a = 1)", "`=`"),
        ("$('a'...'b')", "`...`"),
        ("$(#headers.x)", "`#`"),
        ("$([[a]])", "`[[`"),
        ("$(é)", "`é`"),
        ("$('a)", "a text without end"),
        ("$('a\nb')", "a text without end"),
        (r"$('\q')", r"the escape `\q`"),
        (r"$('\x+1')", r"the escape `\x`"),
        (r"$('\300')", r"the escape `\3`"),
        ("$(1..2)", "the number `1..2`"),
        ("$(1e)", "the number `1e`"),
        ("$(1LL)", "the number `1LL`"),
        ("$(0x1.8p3)", "the number `0x1.8p3`"),
        ("$(')')", "a text without end"),
        ("$(1 or)", "the end of the expression"),
        ("$(and)", "`and`"),
        ("$({1})", "`{`"),
        ("$(('a')", "constant"),
    ] {
        let found = parse(text).map(|template| assert_eq!(template, None)).err();
        assert_eq!(found.as_deref().unwrap_or("constant"), word, "{text}");
    }
}

#[test]
fn depth_has_a_limit() {
    let nested = |n: usize| parse(&format!("$({}1{})", "(".repeat(n), ")".repeat(n)));
    assert!(nested(200).is_ok());
    for text in [
        format!("$({}1{})", "(".repeat(100_000), ")".repeat(100_000)),
        format!("$({}1)", "not ".repeat(100_000)),
        format!("$(1{})", " or 1".repeat(100_000)),
        format!("$(1{})", " .. 1".repeat(100_000)),
        format!("$(headers.x{})", ":lower()".repeat(100_000)),
    ] {
        assert_eq!(parse(&text), Err("more than 250 operators".to_owned()));
    }
}

#[test]
fn headers_are_seen_as_they_first_were() {
    let (mut req, cx) = asked();
    let mut seen = Seen::default();
    let template = parse("$(headers.x_in)").unwrap().unwrap();
    let render = |req: &Request<Body>, seen: &Seen| template.render(&Env::new(req, &cx, seen));
    seen.keep_headers(req.headers(), None);
    assert!(seen.is_empty());
    assert_eq!(render(&req, &seen), Ok(b"banana".to_vec()));
    assert!(!seen.is_empty());
    seen.keep_headers(req.headers(), None);
    req.headers_mut().insert("x-in", "new".parse().unwrap());
    assert_eq!(render(&req, &seen), Ok(b"banana".to_vec()));
    assert_eq!(render(&req, &Seen::default()), Ok(b"new".to_vec()));
}

#[test]
fn the_upstreams_host_is_the_host() {
    let (req, mut cx) = asked();
    let template = parse("$(headers.Host)").unwrap().unwrap();
    cx.host = Some("other.test".parse().unwrap());
    let mut seen = Seen::default();
    assert_eq!(template.render(&Env::new(&req, &cx, &seen)), Ok(b"other.test".to_vec()));
    seen.keep_headers(req.headers(), cx.host.as_ref());
    cx.host = None;
    assert_eq!(template.render(&Env::new(&req, &cx, &seen)), Ok(b"other.test".to_vec()));
}

#[test]
fn only_templates_with_headers_read_headers() {
    for (text, reads) in [
        ("$(headers.a)", true),
        ("$(not (1 == headers.a:lower()))", true),
        ("x$(query_params.a or uri_captures[1])", false),
        ("$(1)", false),
    ] {
        assert_eq!(parse(text).unwrap().unwrap().reads_headers(), reads, "{text}");
    }
}

// === any input ===

/// Words of the language, in any order.
const WORDS: &str = r"(headers|query_params|uri_captures|\.x_in|\['two'\]|\[1\]|:sub\(|:lower\(\)|\(|\)|nil|true| and | or |not | == |~=|\.\.|'a'|'|\\|-|1|,|\$\(){0,30}";

proptest! {
    #[test]
    fn any_text_is_read(text in any::<String>(), inside in any::<String>(), words in WORDS) {
        for text in [text, format!("$({inside})"), format!("$({words})"), words] {
            if let Ok(Some(template)) = parse(&text) {
                let (req, cx) = asked();
                let _: Result<Vec<u8>, Crash> = template.render(&Env::new(&req, &cx, &Seen::default()));
            }
        }
    }

    #[test]
    fn any_text_can_be_a_literal(text in any::<Vec<u8>>()) {
        let escaped: String = text.iter().map(|byte| format!("\\{byte:03}")).collect();
        let (req, cx) = asked();
        let template = parse(&format!("$('{escaped}')")).unwrap().unwrap();
        prop_assert_eq!(template.render(&Env::new(&req, &cx, &Seen::default())), Ok(text));
    }

    #[test]
    fn any_part_can_be_cut_out(text in "[a-z]{0,9}", from in -12..12_i64, to in -12..12_i64) {
        let length = text.len() as i64;
        let place = |at: i64| if at < 0 { length + 1 + at } else { at };
        let expected: String = (1..=length).zip(text.chars()).filter(|(at, _)| (place(from)..=place(to)).contains(at))
            .map(|(_, c)| c).collect();
        prop_assert_eq!(value(&format!("('{text}'):sub({from}, {to})")), Some(expected));
    }
}
