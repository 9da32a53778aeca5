//! Routes with an expression beside routes with lists.

use super::{REQUEST_PATHS, Request, request, spec};
use gateway::entity::{Compat, RouteId};
use gateway::route::trace::{Criterion, Miss, Standings};
use gateway::route::{Asked, Match, Router, Spec, shadows};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use std::cmp::Reverse;

type Accepts = fn(&Request) -> bool;

/// Expressions, and what they mean.
const EXPRESSIONS: &[(&str, Accepts)] = &[
    (r#"http.path == "/a""#, |r| r.path == "/a"),
    (r#"http.path == "/a" || http.path == "/b/c""#, |r| matches!(r.path, "/a" | "/b/c")),
    (r#"http.path ^= "/a/""#, |r| r.path.starts_with("/a/")),
    (r#"http.method == "POST" && http.path ^= "/""#, |r| r.method == "POST" && r.path.starts_with('/')),
    (r#"http.method == "PATCH""#, |r| r.method == "PATCH"),
    (r#"!(http.path ^= "/a") && any(http.headers.x_a) == "1""#, |r| {
        !r.path.starts_with("/a") && r.headers.get_all("x-a").iter().any(|value| value == "1")
    }),
];

fn asking(text: &str, priority: i64, tls: Option<bool>) -> Option<Asked> {
    Some(Asked { text: text.to_owned(), priority, tls })
}

fn lists(id: u32, path: &str) -> Spec {
    Spec {
        id: RouteId(id),
        uuid: uuid::Uuid::nil(),
        hosts: Vec::new(),
        paths: vec![path.to_owned()],
        methods: Vec::new(),
        headers: Vec::new(),
        snis: Vec::new(),
        regex_priority: 0,
        created_at: 0,
        expression: None,
    }
}

fn expressed(id: u32, text: &str, priority: i64) -> Spec {
    Spec { paths: Vec::new(), expression: asking(text, priority, None), ..lists(id, "") }
}

fn to(path: &'static str) -> Request {
    Request { method: "GET", host: None, path, headers: http::HeaderMap::new(), tls: false, sni: None, port: 80 }
}

fn found(specs: &[Spec], request: &Request, compat: Compat) -> Option<Match> {
    Router::build(specs, compat).unwrap().find(&request.query())
}

/// As in the file of Supabase's newer stacks.
#[test]
fn an_expression_takes_its_path_and_a_prefix_what_is_below() {
    let specs = [lists(0, "/"), expressed(1, r#"http.path == "/rest/v1/""#, 0), lists(2, "/rest/v1/")];
    for compat in [Compat::Kong2, Compat::Kong3] {
        let of = |path| found(&specs, &to(path), compat).map(|found| (found.route.0, found.prefix));
        assert_eq!(of("/rest/v1/"), Some((1, Some(9))));
        assert_eq!(of("/rest/v1/todos"), Some((2, Some(9))));
        assert_eq!(of("/rest/v1"), Some((0, Some(1))));
    }
    assert_eq!(shadows(&specs, Compat::Kong2), []);
}

#[test]
fn the_higher_priority_goes_first_then_the_older_then_the_first_of_the_file() {
    let any = r#"http.path ^= "/""#;
    let of = |specs: &[Spec]| found(specs, &to("/a"), Compat::Kong3).unwrap().route.0;
    assert_eq!(of(&[expressed(0, any, 0), expressed(1, r#"http.path == "/a""#, 5), expressed(2, any, 9)]), 2);
    let old = Spec { created_at: -1, ..expressed(1, any, 0) };
    assert_eq!(of(&[expressed(0, any, 0), old, expressed(2, any, 0)]), 1);
    assert_eq!(of(&[expressed(0, any, 0), expressed(1, any, 0)]), 0);
}

#[test]
fn groups_are_of_a_text_of_their_own() {
    let specs = [expressed(0, r##"http.path ~ r#"^/v(\d)/"#"##, 0)];
    let found = found(&specs, &to("/v1/x"), Compat::Kong2).unwrap();
    assert_eq!(found.prefix, Some(4));
    let text = found.texts.unwrap();
    let groups: Vec<_> = found.captures.iter().map(|group| group.range.map(|(from, to)| &text[from..to])).collect();
    assert_eq!(groups, [Some(&b"/v1/"[..]), Some(b"1")]);
}

#[test]
fn a_trace_tells_of_expressions() {
    let specs = [
        lists(0, "/a"),
        expressed(1, r#"http.path == "/a""#, 1),
        expressed(2, r#"http.path ^= "/""#, 0),
        expressed(3, r#"http.path == "/b""#, 0),
        Spec { expression: asking(r#"http.path == "/a""#, 9, Some(true)), ..expressed(4, "", 0) },
    ];
    let trace = Router::build(&specs, Compat::Kong2).unwrap().trace(&to("/a").query());
    let standings = Standings::of(&specs, Compat::Kong2);
    let winner = trace.winner.unwrap();
    assert_eq!(standings.standing(winner).route(), RouteId(1));
    assert!(trace.tried.iter().all(|tried| *tried));
    let order: Vec<_> = standings.in_order().iter().map(|standing| standing.route().0).collect();
    assert_eq!(order, [4, 1, 2, 3, 0]);
    let rank = |id: u32| standings.by_rank().find(|standing| standing.route().0 == id).unwrap().rank;
    assert_eq!(trace.misses[rank(3)], [Miss::Expression]);
    assert_eq!(trace.misses[rank(4)], [Miss::Scheme]);
    assert_eq!(standings.criterion(winner, rank(2)), Criterion::Priority(1, 0));
    assert_eq!(standings.criterion(winner, rank(0)), Criterion::Expression);
}

#[test]
fn a_broken_one_is_told() {
    let errors = Router::build(&[lists(0, "/"), expressed(1, "http.path ==", 0)], Compat::Kong2).unwrap_err();
    assert_eq!((errors[0].route, &*errors[0].text), (RouteId(1), "http.path =="));
}

/// A route with an expression, and which.
fn some_expressed() -> impl Strategy<Value = (Spec, Accepts, Option<bool>)> {
    let tls = select(&[None, None, Some(true), Some(false)][..]);
    (select(EXPRESSIONS), 0..3_i64, 0..3_i64, tls).prop_map(|((text, accepts), priority, created_at, tls)| {
        (Spec { created_at, expression: asking(text, priority, tls), ..expressed(0, "", 0) }, accepts, tls)
    })
}

proptest! {
    #[test]
    fn finds_what_trying_one_after_the_other_does(
        expressed in vec(some_expressed(), 0..6), others in vec(spec(Compat::Kong2), 0..6),
        requests in vec((request(), select(REQUEST_PATHS)), 30),
    ) {
        // Theirs are the odd places.
        let mut specs: Vec<Spec> = Vec::new();
        let mut accepting = Vec::new();
        for n in 0..expressed.len().max(others.len()) {
            specs.extend(others.get(n).cloned());
            if let Some((spec, accepts, tls)) = expressed.get(n) {
                accepting.push((specs.len(), *accepts, *tls));
                specs.push(spec.clone());
            }
        }
        specs.iter_mut().zip(0..).for_each(|(spec, number)| spec.id = RouteId(number));
        let others: Vec<_> = specs.iter().filter(|spec| spec.expression.is_none()).cloned().collect();
        accepting.sort_by_key(|(at, ..)| {
            (Reverse(specs[*at].expression.as_ref().unwrap().priority), specs[*at].created_at, *at)
        });
        let (all, rest) = (Router::build(&specs, Compat::Kong2).unwrap(), Router::build(&others, Compat::Kong2).unwrap());
        let standings = Standings::of(&specs, Compat::Kong2);
        for (request, path) in requests {
            let request = Request { path, ..request };
            let mut first = accepting.iter().filter(|(_, _, tls)| tls.is_none_or(|tls| tls == request.tls));
            let expected = first.find(|(_, accepts, _)| accepts(&request)).map(|(at, ..)| specs[*at].id);
            let expected = expected.or_else(|| rest.find(&request.query()).map(|found| found.route));
            let query = request.query();
            prop_assert_eq!(all.find(&query).map(|found| found.route), expected, "{:?}", request);
            let traced = all.trace(&query).winner.map(|rank| standings.standing(rank).route());
            prop_assert_eq!(traced, expected);
        }
    }
}
