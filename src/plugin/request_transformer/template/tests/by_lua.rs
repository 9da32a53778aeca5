//! Templates that the VM renders.

use super::super::{Unusable, check, read};
use super::*;
use crate::config::report::Report;
use crate::plugin::Build;
use crate::plugin::testing::checked;
use crate::settings::{LuaMode, UntrustedLua};
use crate::world::World;
use http::Extensions;
use serde_json::json;
use std::sync::Arc;

/// A template as a file's.
fn template(text: &str, compat: Compat, rules: UntrustedLua) -> Template {
    let (mut report, mut shared) = (Report::default(), Extensions::new());
    shared.insert(Arc::new(rules));
    let (files, watch, path): (_, _, &[_]) = (World::EMPTY.file, &mut Vec::new(), &[]);
    let (shared, before, standing) = (&mut shared, &Extensions::new(), &String::new);
    let mut cx = Build { compat, report: &mut report, path, files, watch, shared, before, standing };
    read(&checked(&json!(text)), text, &mut cx).unwrap()
}

fn rendered(text: &str, compat: Compat, rules: UntrustedLua) -> Option<String> {
    let (req, cx) = asked();
    let made = template(text, compat, rules).render(&Env::new(&req, &cx, &Seen::default())).ok()?;
    Some(String::from_utf8(made).unwrap())
}

fn lua(expression: &str) -> Option<String> {
    let text = format!("$({expression})");
    assert!(parse(&text).is_err(), "{text} needs no Lua");
    rendered(&text, Compat::Kong2, UntrustedLua::default())
}

#[test]
fn any_expression_is_rendered() {
    for (expression, expected) in [
        ("10 * '2'", "20"),
        ("2 ^ 53", "9.007199254741e+15"),
        ("0.1 + 0.2", "0.3"),
        ("#headers.x_in", "6"),
        ("headers.x_in:gsub('a', 'b')", "bbnbnb"),
        ("headers.x_in:find('n')", "3"),
        ("('%s-%02d'):format('n', 7)", "n-07"),
        ("({'p', 'q'})[2]", "q"),
        ("type(headers.x_two) == 'table' and headers.x_two[1] .. '-first' or headers.x_two", "1-first"),
        ("headers['x-TWO'][2]", "2"),
        ("headers.x_both .. headers['x-both'] .. #'a'", "_-1"),
        ("query_params.two[2]", "2"),
        ("type(query_params.flag)", "boolean"),
        ("type(uri_captures[7])", "nil"),
        ("10 * (uri_captures.n or 1)", "10"),
        ("type(shared)", "table"),
        ("shared.none", ""),
        ("foo", ""),
        ("pairs", ""),
        ("headers", "table: 0x00000000"),
        ("type", "function: 0x00000000"),
        ("[[a]] .. [==[b]==]", "ab"),
    ] {
        assert_eq!(lua(expression).as_deref(), Some(expected), "{expression}");
    }
}

#[test]
fn what_kong_does_not_give_is_not_there() {
    for expression in ["foo(1)", "foo.bar", "tostring(1)", "kong.version", "ngx.time()", "os.time()", "headers[true]"] {
        assert_eq!(lua(expression), None, "{expression}");
    }
    assert_eq!(lua("(function() x = 1 end)()"), None);
    assert_eq!(lua("(function() while true do end end)()"), None);
    assert_eq!(lua("('x'):rep(1e9)"), None);
    assert_eq!(lua("1 + 1").as_deref(), Some("2"));
}

#[test]
fn kong_3_gives_what_its_settings_allow() {
    let rules = |mode| UntrustedLua {
        mode,
        requires: vec!["cjson".into()],
        environment: vec!["string.format".into(), "tonumber".into()],
    };
    let text = "$(string.format('%d', tonumber('7')))$(type(require('cjson').encode))";
    assert_eq!(rendered(text, Compat::Kong3, rules(LuaMode::Sandbox)).as_deref(), Some("7function"));
    assert_eq!(rendered(text, Compat::Kong2, rules(LuaMode::Sandbox)), None);
    assert_eq!(rendered("$(require('ffi'))", Compat::Kong3, rules(LuaMode::Sandbox)), None);
    assert_eq!(rendered("$(tostring(math.floor(2.5)))", Compat::Kong3, rules(LuaMode::On)).as_deref(), Some("2"));
    let off = template("$(headers.x_in)", Compat::Kong3, rules(LuaMode::Off));
    assert_eq!(off, Template::Unusable(Unusable::Off));
    assert_eq!(rendered("$(headers.x_in .. #'a')", Compat::Kong2, rules(LuaMode::Off)).as_deref(), Some("banana1"));
}

#[test]
fn values_of_body_and_query_are_checked_as_kong_checks_them() {
    for good in ["a", "$(", "$(headers.a)", "$(#headers.a)", "a\n#local x = 1\nb$(x)", "#-- text"] {
        assert_eq!(check(good), Ok(()), "{good}");
    }
    assert_eq!(check("é$(1)$(a b)").unwrap_err().at, 10..11);
    assert!(check("#fff").is_err());
    assert!(check("a\n#if x then\nb").is_err());
}

#[test]
fn headers_seen_natively_are_those_that_lua_sees() {
    let (mut req, cx) = asked();
    let mut seen = Seen::default();
    let template = template("$(#headers.x_in)", Compat::Kong2, UntrustedLua::default());
    assert_eq!(template.render(&Env::new(&req, &cx, &seen)), Ok(b"6".to_vec()));
    seen.keep_headers(req.headers(), None);
    req.headers_mut().insert("x-in", "new".parse().unwrap());
    assert_eq!(template.render(&Env::new(&req, &cx, &seen)), Ok(b"6".to_vec()));
    assert_eq!(template.render(&Env::new(&req, &cx, &Seen::default())), Ok(b"3".to_vec()));
}
