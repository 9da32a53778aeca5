//! What is evaluated natively is what Lua makes of it: any expression, about any request.

use super::*;
use crate::lua::template::Template as ByLua;
use std::sync::Arc;

/// A request with some of everything.
#[derive(Clone, Debug)]
struct Asked {
    headers: Vec<(&'static str, String)>,
    query: String,
    captures: Vec<(Option<&'static str>, Option<String>)>,
}

fn asked() -> impl Strategy<Value = Asked> {
    let name = prop::sample::select(vec!["x-in", "x_in", "x-two", "authorization", "apikey", "host"]);
    let headers = prop::collection::vec((name, "[a-zA-Z0-9 ]{0,12}"), 0..5);
    let query = "((q|flag|two|n|a b)(=([a-zA-Z0-9]|%20|%ff|\\+){0,5})?&?){0,5}";
    let group = (prop::sample::select(vec![None, Some("user"), Some("n")]), prop::option::of("[a-z0-9/]{0,5}"));
    (headers, query, prop::collection::vec(group, 0..4))
        .prop_map(|(headers, query, captures)| Asked { headers, query: query.replace(' ', "+"), captures })
}

fn expression() -> impl Strategy<Value = String> {
    let key = prop::sample::select(vec!["x_in", "X_In", "x_two", "authorization", "host", "q", "flag", "two", "n", "user"]);
    let table = prop::sample::select(vec!["headers", "query_params", "uri_captures"]);
    let dotted = (table.clone(), key.clone()).prop_map(|(table, key)| format!("{table}.{key}"));
    let quoted = (table, key).prop_map(|(table, key)| format!("{table}['{key}']"));
    let numbered = (-1..5).prop_map(|at| format!("uri_captures[{at}]"));
    let text = "('[a-zA-Z0-9 $#%]{0,6}'|\"(\\\\[abfnrtv\\\\]|\\\\x[0-9a-f]{2}|\\\\[0-9]{2}|[a-z]){0,3}\")";
    let number = "(-?[0-9]{1,17}|-?[0-9]{1,6}\\.[0-9]{1,6}|[0-9]\\.?e-?[0-9]{1,2}|0x[0-9a-fA-F]{1,8}|\\.[0-9]{1,3})";
    let word = prop::sample::select(vec!["nil", "true", "false"]).prop_map(str::to_owned);
    let leaf = prop_oneof![3 => dotted, 2 => quoted, 1 => numbered, 2 => text, 2 => number, 1 => word];
    leaf.prop_recursive(6, 48, 3, |inner| {
        let op = prop::sample::select(vec![" and ", " or ", " == ", " ~= ", " .. "]);
        let method = prop_oneof![
            Just(":lower()".to_owned()),
            Just(":upper()".to_owned()),
            (-8..8).prop_map(|from| format!(":sub({from})")),
            (-8..8, -8..8).prop_map(|(from, to)| format!(":sub({from}, {to})")),
        ];
        prop_oneof![
            4 => (inner.clone(), op, inner.clone()).prop_map(|(left, op, right)| format!("{left}{op}{right}")),
            2 => inner.clone().prop_map(|inner| format!("({inner})")),
            2 => (inner.clone(), method).prop_map(|(inner, method)| format!("({inner}){method}")),
            1 => inner.prop_map(|inner| format!("not {inner}")),
        ]
    })
}

fn of(asked: &Asked) -> (Request<Body>, Ctx) {
    let headers: Vec<_> = asked.headers.iter().map(|(name, value)| (*name, value.trim())).collect();
    let req = request("GET", &format!("/?{}", asked.query), &headers, "");
    let mut cx = context(Compat::Kong2);
    let group = |(name, text): &(Option<&'static str>, Option<String>)| Group {
        name: name.map(Into::into),
        text: text.as_ref().map(|text| text.as_bytes().into()),
    };
    cx.captures = asked.captures.iter().map(group).collect();
    (req, cx)
}

proptest! {
    #[test]
    fn native_and_lua_say_the_same(asked in asked(), expressions in prop::collection::vec(expression(), 1..3)) {
        let text: String = expressions.iter().map(|expression| format!("a$({expression})\n")).collect();
        let native = parse(&text).unwrap().unwrap();
        prop_assert!(matches!(native, Template::Native(_)));
        let lua = ByLua::new(parts(&text), Compat::Kong2, Arc::default()).unwrap();
        let (req, cx) = of(&asked);
        let (one, other) = (Seen::default(), Seen::default());
        let native = native.render(&Env::new(&req, &cx, &one));
        let lua = lua.render(&Env::new(&req, &cx, &other));
        prop_assert_eq!(native.as_ref().ok(), lua.as_ref().ok(), "{:?} {:?}", text, lua);
        prop_assert_eq!(one.is_empty(), other.is_empty());
    }
}
