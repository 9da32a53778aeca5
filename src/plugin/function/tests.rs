#![allow(clippy::unwrap_used)]

use super::{PostFunction, PreFunction};
use crate::body::Body;
use crate::entity::Compat;
use crate::plugin::testing::{access, build, context, lines, plugin, request, text};
use crate::plugin::{Chain, Ctx, Head, Piece, Plugin, Rare, Slot};
use http::Response;
use serde_json::json;
use std::sync::Arc;

/// A context, a plugin with these chunks in a phase, and what a request's headers are afterwards.
fn sent(chunks: &[&str]) -> Result<Vec<String>, (u16, Vec<String>, String)> {
    let mut req = request("GET", "/a/b?q=1&flag", &[("x-in", "in"), ("host", "gw.test")], "");
    let plugin = plugin::<PreFunction>(&json!({ "access": chunks }));
    match access(&plugin, &mut req, &mut context(Compat::Kong2)) {
        None => Ok(lines(req.headers())),
        Some(res) => Err(answer(res)),
    }
}

fn answer(res: Response<Body>) -> (u16, Vec<String>, String) {
    (res.status().as_u16(), lines(res.headers()), text(res.into_body()))
}

/// What a chunk makes of an expression.
fn value(expression: &str) -> String {
    let chunk = format!("return kong.response.exit(200, tostring({expression}))");
    sent(&[&chunk]).unwrap_err().2
}

#[test]
fn a_chunk_changes_the_request() {
    let chunk = "kong.service.request.set_header('X-Set', kong.request.get_header('X_In') .. 1) \
                 kong.service.request.clear_header('x-in')";
    assert_eq!(sent(&[chunk]).unwrap(), ["host: gw.test", "x-set: in1"]);
    assert_eq!(value("kong.request.get_path()"), "/a/b");
    assert_eq!(value("kong.request.get_query_arg('flag')"), "true");
    assert_eq!(value("kong.request.get_query_arg('none')"), "nil");
    assert_eq!(value("kong.request.get_method()"), "GET");
}

#[test]
fn an_exit_ends_the_request_and_no_pcall_stops_it() {
    let exits = [
        "return kong.response.exit(418, 'teapot')",
        "pcall(function() pcall(kong.response.exit, 418, 'teapot') end) kong.service.request.set_header('x', 'y')",
        "xpcall(function() kong.response.exit(418, 'teapot') end, function() return 1 end) error('not here')",
        "coroutine.wrap(function() kong.response.exit(418, 'teapot') end)() error('not here')",
        "coroutine.resume(coroutine.create(function() kong.response.exit(418, 'teapot') end)) error('not here')",
        "('x'):gsub('x', function() kong.response.exit(418, 'teapot') end) error('not here')",
        "table.sort({2, 1, 3}, function() kong.response.exit(418, 'teapot') end) error('not here')",
    ];
    for exit in exits {
        let answered = sent(&[exit, "error('no second chunk')"]).unwrap_err();
        assert_eq!((answered.0, &*answered.2), (418, "teapot"), "{exit}");
    }
}

#[test]
fn what_was_said_is_the_answer() {
    let (status, _, body) = sent(&["ngx.status = 201 ngx.say('a', 1, {'b', {2}}, nil, ngx.null) ngx.exit(200)"]).unwrap_err();
    assert_eq!((status, &*body), (201, "a1b2nilnull\n"));
    assert_eq!(sent(&["ngx.exit(403)"]).unwrap_err().0, 403);
    assert_eq!(sent(&["ngx.exit(0) error('x')"]).unwrap().len(), 2);
    let (_, headers, body) = sent(&["kong.response.exit(400, {message = 'a/b', n = {1, 2.5}}, {['X-E'] = {1, 2}})"]).unwrap_err();
    assert_eq!(headers, ["content-type: application/json; charset=utf-8", "x-e: 1", "x-e: 2"]);
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body, json!({ "message": "a/b", "n": [1, 2.5] }));
}

/// A worker's stack and memory end sooner than such a table.
#[test]
fn a_table_without_end_is_an_error() {
    let doubling = "local t = {('x'):rep(1000)} for _ = 1, 60 do t = {t, t} end";
    for chunk in [
        "local t = {} t[1] = t ngx.print(t)".to_owned(),
        "local t = {} t[1] = t ngx.say('a', {t})".to_owned(),
        "local t = {} t.t = t kong.response.exit(200, t)".to_owned(),
        format!("{doubling} ngx.print(t)"),
        format!("{doubling} kong.response.exit(200, t)"),
    ] {
        assert_eq!(sent(&[&chunk]).unwrap_err().0, 500, "{chunk}");
    }
    for chunk in ["kong.response.exit(200, t)", "pcall(ngx.print, t) error('caught')", "kong.log.inspect(t) ngx.exit(500)"] {
        let (begin, wide) = (std::time::Instant::now(), "local t = {} for _ = 1, 7 do local n = {} for i = 1, 99 do n[i] = t end t = n end ");
        assert_eq!(sent(&[&format!("{wide}{chunk}")]).unwrap_err().0, 500, "{chunk}");
        assert!(begin.elapsed().as_secs() < 5, "{chunk}");
    }
    assert_eq!(sent(&["ngx.print({{{{1}, 2}}})"]).unwrap_err().2, "12");
}

#[test]
fn errors_are_kongs_answer_to_a_crash() {
    for chunk in ["error('boom')", "local x = nil; return x.y", "kong.service.request.set_header('x', nil)", "error({})"] {
        let answered = sent(&[chunk]).unwrap_err();
        assert_eq!((answered.0, &*answered.2), (500, "{\"message\":\"An unexpected error occurred\"}"), "{chunk}");
    }
    let message = "select(2, pcall(function() kong.response.exit(1) end))";
    assert_eq!(value(message), "[string \"pre-function access 1\"]:1: code must be a number between 100 and 599");
}

#[test]
fn a_runaway_chunk_costs_only_its_own_request() {
    let chunks = [
        "while true do end",
        "while true do pcall(function() while true do end end) end",
        "local s = 'x' while true do s = s .. s end",
        "local s = 'x' while true do pcall(function() s = s .. s end) end",
        "string.rep('x', 1e9)",
        "local t = {} while true do t[#t + 1] = {} end",
        "local function f() return 1 + f() end f()",
        "local function f() ('x'):gsub('x', f) end f()",
        "local function f() table.sort({1, 2, 3}, f) return true end f()",
        "local co co = coroutine.wrap(function() while true do coroutine.yield() end end) while true do co() end",
        "local function f() coroutine.wrap(f)() end f()",
        "local function f() pcall(f) end f() while true do end",
        "string.find(('a'):rep(5000), '.-.-.-.-b')",
        "pcall(string.match, ('a'):rep(5000), '.-.-.-.-b') error('not here')",
        "for _ in ('a'):rep(5000):gmatch('.-.-.-.-b') do end",
        "('a'):rep(5000):gsub('.-.-.-.-b', '')",
        "string.find(('a'):rep(60), ('a?'):rep(60) .. ('a'):rep(60))",
        "local t = {} for i = 1, 5e5 do t[i] = -i end while true do table.sort(t) end",
    ];
    for chunk in chunks {
        assert_eq!(sent(&[chunk]).unwrap_err().0, 500, "{chunk}");
        assert_eq!(value("1 + 1"), "2");
    }
}

#[test]
fn the_sandbox_has_what_kongs_has() {
    for absent in ["io", "loadstring", "setmetatable", "getmetatable", "print", "debug", "jit", "os.execute", "string.dump"] {
        assert_eq!(value(absent), "nil", "{absent}");
    }
    assert_eq!(value("type(os.time())"), "number");
    assert_eq!(value("_G.tostring == tostring"), "true");
    let protected = value("select(2, pcall(function() math.x = 1 end))");
    assert!(protected.ends_with("Can not modify math.x. Protected by the sandbox."), "{protected}");
    assert!(value("select(2, pcall(require, 'cjson'))").ends_with("require 'cjson' not allowed within sandbox"));
}

#[test]
fn globals_stay_with_their_chunk_and_a_returned_function_is_kept() {
    let count = "n = (n or 0) + 1 kong.service.request.set_header('x-n', n)";
    let kept = "local n = 0 return function() n = n + 1 kong.service.request.set_header('x-f', n) end";
    let plugin = plugin::<PreFunction>(&json!({ "access": [count, "n = 'other'", kept] }));
    for times in ["1", "2", "3"] {
        let mut req = request("GET", "/", &[], "");
        assert!(access(&plugin, &mut req, &mut context(Compat::Kong2)).is_none());
        assert_eq!(lines(req.headers()), [format!("x-f: {times}"), format!("x-n: {times}")]);
    }
}

#[test]
fn tables_of_the_request_reach_later_phases() {
    let pre = json!({
        "access": ["kong.ctx.shared.a = 'shared' kong.ctx.plugin.b = 'own' ngx.ctx.c = 'ngx'"],
        "header_filter": ["ngx.status = kong.ctx.plugin.b == 'own' and 202 or 500"],
    });
    let post = json!({
        "access": ["kong.service.request.set_header('x', kong.ctx.shared.a .. ngx.ctx.c .. type(kong.ctx.plugin.b))"],
    });
    let slot = |name, plugin: Arc<dyn Plugin>| Slot { name, base: Some(plugin), special: Vec::new() };
    let chain = Chain::new(vec![
        slot("pre-function", Arc::new(plugin::<PreFunction>(&pre))),
        slot("post-function", Arc::new(plugin::<PostFunction>(&post))),
    ]);
    let (mut req, mut cx): (_, Ctx) = (request("GET", "/", &[], ""), context(Compat::Kong2));
    assert!(crate::plugin::testing::block_on(chain.access(&mut req, &mut cx)).is_none());
    assert_eq!(lines(req.headers()), ["x: sharedngxnil"]);
    let mut res = Response::default();
    chain.response(&mut res, &mut cx);
    assert_eq!(res.status(), 202);
}

#[test]
fn functions_are_the_legacy_name_of_access() {
    let chunk = "kong.service.request.set_header('x', 1)";
    let mut req = request("GET", "/", &[], "");
    let plugin = build::<PostFunction>(&json!({ "functions": [chunk] }), Compat::Kong2).0.unwrap();
    assert!(access(&plugin, &mut req, &mut context(Compat::Kong2)).is_none());
    assert_eq!(lines(req.headers()), ["x: 1"]);
}

/// What a request with this context has in a table that every phase shares.
fn shared(cx: &mut Ctx, expression: &str) -> String {
    let chunk = format!("kong.response.exit(200, tostring(kong.ctx.shared.{expression}))");
    let reader = plugin::<PreFunction>(&json!({ "access": [chunk] }));
    text(access(&reader, &mut request("GET", "/", &[], ""), cx).unwrap().into_body())
}

#[test]
fn a_global_function_runs_before_there_is_a_route() {
    let rewrite = |chunk: &str| {
        let plugin = plugin::<PreFunction>(&json!({ "rewrite": [chunk] }));
        assert!(plugin.phases().rewrite);
        let (mut req, mut cx) = (request("GET", "/", &[], ""), context(Compat::Kong2));
        plugin.rewrite(&mut req, &mut cx).map(answer).ok_or_else(|| lines(req.headers()))
    };
    assert_eq!(rewrite("kong.service.request.set_header('x', 'y')"), Err(vec!["x: y".to_owned()]));
    assert_eq!(rewrite("kong.response.exit(418, 'a')").unwrap().2, "a");
    assert_eq!(rewrite("error('x')").unwrap().0, 500);
}

#[test]
fn functions_run_for_each_piece_and_at_the_end() {
    let config = json!({
        "body_filter": ["kong.ctx.shared.n = (kong.ctx.shared.n or 0) + 1", "error('only logged')", "kong.ctx.shared.n = 0"],
        "log": ["kong.ctx.shared.log = kong.request.get_header('x-in') kong.response.set_header('x', 'y')"],
    });
    let (plugin, mut cx) = (plugin::<PreFunction>(&config), context(Compat::Kong2));
    assert!(plugin.keeps_head());
    assert_eq!(plugin.phases(), Rare { rewrite: false, body: true, answered: true });
    cx.head = Some(Box::new(Head::of(&request("GET", "/", &[("x-in", "in")], ""))));
    let mut piece = Piece { data: "a".into(), last: false };
    plugin.body(&mut piece, &mut cx);
    plugin.body(&mut piece, &mut cx);
    assert_eq!(piece, Piece { data: "a".into(), last: false });
    plugin.log(&mut cx);
    assert_eq!(shared(&mut cx, "n"), "2");
    assert_eq!(shared(&mut cx, "log"), "in");
    assert_eq!(cx.head.unwrap().headers.len(), 1);
}

#[test]
fn nothing_comes_after_the_end_that_a_function_sets() {
    let config = json!({ "body_filter": ["kong.response.set_raw_body('all')"] });
    let (plugin, mut cx) = (plugin::<PreFunction>(&config), context(Compat::Kong2));
    for (last, left) in [(false, "all"), (false, ""), (true, "")] {
        let mut piece = Piece { data: "a".into(), last };
        plugin.body(&mut piece, &mut cx);
        assert_eq!(piece, Piece { data: left.into(), last });
    }
}

#[test]
fn a_function_for_certificates_is_warned_of() {
    let (plugin, report) = build::<PreFunction>(&json!({ "certificate": ["error('x')"] }), Compat::Kong2);
    assert!(plugin.is_some());
    assert_eq!(report.found[0].code, "idle-function");
}
