//! The router against a naive one that follows Kong's rules list by list (`kong/routing.md` §3, §4).
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "route/expressed.rs"]
mod expressed;
#[path = "route/naive.rs"]
mod naive;

use gateway::entity::{Compat, RouteId};
use gateway::route::{Ends, Query, Router, Spec, shadows};
use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use uuid::Uuid;

#[rustfmt::skip]
const HOSTS: &[&str] = &[
    "a.test", "b.test", "x.a.test", "a.test:80", "a.test:8000", "a.test:443", "*.test", "*.a.test", "*.test:80",
    "*.a.test:8000", "a.*", "x.a.*", "a.*:443", "[::1]", "[::1]:80", "::1",
];
#[rustfmt::skip]
const PATHS: &[&str] = &[
    "/", "/a", "/a/", "/a/b", "/a/b/c", "/ab", "/b", "/%61", "/a%2Fb", "/a/[bc]", "/(a|b)/?", "/a/\\w+$", "/a|/b",
    "/b(?!c)", "/(?<n>a)(/b)?", "/[a-z]+", "/a.*", "/a/b[/]",
];
#[rustfmt::skip]
const REQUEST_HOSTS: &[&str] = &[
    "a.test", "b.test", "x.a.test", "y.x.a.test", "c.test", "A.test", "a.test:80", "a.test:8000", "a.test:443",
    "a.test:", "x.a.test:8000", "a.org", "a.org:443", "[::1]", "[::1]:80", "[::1]:8000", "::1", "a:b:c", "other", "",
];
const REQUEST_PATHS: &[&str] =
    &["/", "/a", "/a/", "/a/b", "/a/b/c", "/a/c/d", "/ab", "/abc", "/b", "/bc", "/b/c", "/a%2Fb", "/z", "/A", "/0"];

const VALUES: &[&[&str]] = &[&["1"], &["2", "v"], &["~*^v\\d"], &["~*^v\\d", "V"], &["~*("]];

/// A request that owns its texts.
#[derive(Debug, Clone)]
struct Request {
    method: &'static str,
    host: Option<&'static str>,
    path: &'static str,
    headers: HeaderMap,
    tls: bool,
    sni: Option<&'static str>,
    port: u16,
}

impl Request {
    fn query(&self) -> Query<'_> {
        Query {
            method: self.method,
            host: self.host.map(str::as_bytes),
            path: self.path.as_bytes(),
            headers: &self.headers,
            tls: self.tls,
            sni: self.sni,
            port: self.port,
            query: None,
            ends: Ends::default(),
        }
    }
}

fn some(pool: &'static [&'static str], most: usize) -> impl Strategy<Value = Vec<String>> {
    let some = subsequence(pool, 0..=most).prop_shuffle();
    prop_oneof![some.prop_map(|list| list.into_iter().map(str::to_owned).collect()), Just(Vec::new())]
}

fn header() -> impl Strategy<Value = (HeaderName, Vec<String>)> {
    let name = select(&["x-a", "x-b", "x-c"][..]).prop_map(HeaderName::from_static);
    let values = select(VALUES);
    (name, values.prop_map(|values| values.iter().map(|v| (*v).to_owned()).collect()))
}

fn headers() -> impl Strategy<Value = Vec<(HeaderName, Vec<String>)>> {
    prop_oneof![
        2 => Just(Vec::new()),
        1 => vec(header(), 1..3).prop_map(|mut list| {
            list.sort_by(|a, b| a.0.as_str().cmp(b.0.as_str()));
            list.dedup_by(|a, b| a.0 == b.0);
            list
        }),
    ]
}

fn spec(compat: Compat) -> impl Strategy<Value = Spec> {
    let paths = some(PATHS, 3).prop_map(move |paths| match compat {
        Compat::Kong2 => paths,
        // Look-around is not in Kong 3's expressions.
        Compat::Kong3 => paths.into_iter().filter(|p| !p.contains("?!")).map(|p| tilde(&p)).collect(),
    });
    let snis = match compat {
        Compat::Kong2 => some(&["s1.test", "s2.test."], 2).boxed(),
        Compat::Kong3 => some(&["s1.test", "s2.test.", "*.test", "s1.*"], 2).boxed(),
    };
    let kinds = (some(HOSTS, 3), paths, some(&["GET", "POST", "PUT"], 2), headers(), snis);
    (kinds, -1..3_i64, 0..3_i64, 0..4_u128).prop_map(
        |((hosts, paths, methods, headers, snis), priority, created, uuid)| {
            let (id, uuid) = (RouteId(0), Uuid::from_u128(uuid));
            let (regex_priority, created_at, expression) = (priority, created, None);
            Spec { id, uuid, hosts, paths, methods, headers, snis, regex_priority, created_at, expression }
        },
    )
}

/// Kong 3 marks expressions.
fn tilde(path: &str) -> String {
    if gateway::route::is_plain(path) { path.to_owned() } else { format!("~{path}") }
}

fn specs(compat: Compat) -> impl Strategy<Value = Vec<Spec>> {
    vec(spec(compat), 1..14).prop_map(|mut specs| {
        specs.iter_mut().zip(0..).for_each(|(spec, number)| spec.id = RouteId(number));
        specs
    })
}

fn request() -> impl Strategy<Value = Request> {
    let lines = vec((select(&["x-a", "x-b", "x-d"][..]), select(&["1", "2", "V", "v7", "V8", "9"][..])), 0..4);
    let headers = lines.prop_map(|lines| {
        let pairs = lines.into_iter().map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v)));
        pairs.fold(HeaderMap::new(), |mut map, (name, value)| {
            map.append(name, value);
            map
        })
    });
    let host = prop_oneof![9 => select(REQUEST_HOSTS).prop_map(Some), 1 => Just(None)];
    let sni = select(&[None, Some("s1.test"), Some("s2.test"), Some("s3.test"), Some("s1.org")][..]);
    let method = select(&["GET", "POST", "PATCH"][..]);
    (method, host, select(REQUEST_PATHS), headers, any::<bool>(), sni, select(&[80_u16, 443, 8000][..])).prop_map(
        |(method, host, path, headers, tls, sni, port)| {
            let sni = sni.filter(|_| tls);
            Request { method, host, path, headers, tls, sni, port }
        },
    )
}

fn check(specs: &[Spec], requests: &[Request], compat: Compat) -> Result<(), TestCaseError> {
    let router = Router::build(specs, compat).unwrap();
    for request in requests {
        let query = request.query();
        let found = router.find(&query);
        let expected = naive::find(specs, &query, compat);
        let told = found.as_ref().map(|found| (found.route, found.prefix));
        prop_assert_eq!(told, expected, "{:?}", request);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn kong_2(specs in specs(Compat::Kong2), requests in vec(request(), 8)) {
        check(&specs, &requests, Compat::Kong2)?;
    }

    #[test]
    fn kong_3(specs in specs(Compat::Kong3), requests in vec(request(), 8)) {
        check(&specs, &requests, Compat::Kong3)?;
    }
}

/// Routes, and behind or before some of them a narrower copy, so that many are in another's shadow.
fn shadowy(compat: Compat) -> impl Strategy<Value = Vec<Spec>> {
    let copies = vec((any::<proptest::sample::Index>(), any::<[bool; 7]>(), any::<bool>(), 0..3_i64), 0..8);
    (specs(compat), copies).prop_map(move |(mut specs, copies)| {
        for (which, cut, before, created) in copies {
            let mut copy = which.get(&specs).clone();
            narrow(&mut copy, cut, compat);
            copy.created_at = created;
            specs.insert(if before { 0 } else { specs.len() }, copy);
        }
        specs.iter_mut().zip(0..).for_each(|(spec, number)| spec.id = RouteId(number));
        specs
    })
}

fn narrow(copy: &mut Spec, cut: [bool; 7], compat: Compat) {
    let open = if compat == Compat::Kong3 { "~/a(/.*)?" } else { "/a(/.*)?" };
    for (list, cut) in [&mut copy.hosts, &mut copy.paths, &mut copy.methods, &mut copy.snis].into_iter().zip(cut) {
        list.truncate(if cut { 1 } else { list.len() });
    }
    copy.headers.truncate(if cut[5] { 1 } else { 2 });
    copy.headers.iter_mut().filter(|_| cut[6]).for_each(|(_, values)| values.truncate(1));
    match (cut[4], copy.paths.len()) {
        (true, 0) => copy.paths.push("/".to_owned()),
        (true, _) => copy.paths.push(open.to_owned()),
        (false, _) => {}
    }
}

/// No request reaches what is said to be in the shadow.
fn check_shadows(specs: &[Spec], requests: &[Request], compat: Compat) -> Result<(), TestCaseError> {
    let router = Router::build(specs, compat).unwrap();
    let mut paths: Vec<_> = specs.iter().map(|spec| spec.paths.len().max(1)).collect();
    for shadow in shadows(specs, compat) {
        paths[shadow.route] -= 1;
    }
    for request in requests {
        let found = router.find(&request.query());
        let reached = found.map(|found| specs.iter().position(|spec| spec.id == found.route).unwrap());
        prop_assert!(reached.is_none_or(|route| paths[route] > 0), "{:?} reaches {:?}", request, reached);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_request_gets_into_a_shadow_in_kong_2(specs in shadowy(Compat::Kong2), requests in vec(request(), 60)) {
        check_shadows(&specs, &requests, Compat::Kong2)?;
    }

    #[test]
    fn no_request_gets_into_a_shadow_in_kong_3(specs in shadowy(Compat::Kong3), requests in vec(request(), 60)) {
        check_shadows(&specs, &requests, Compat::Kong3)?;
    }
}

/// A route of Kong 2 with one path and nothing else; what a request for a path gets from it.
fn one(path: &str, request: &str, compat: Compat) -> Option<gateway::route::Match> {
    let (id, uuid, paths) = (RouteId(0), Uuid::nil(), vec![path.to_owned()]);
    let (hosts, methods, snis) = (Vec::new(), Vec::new(), Vec::new());
    let (regex_priority, created_at, expression) = (0, 0, None);
    let spec = Spec { id, uuid, hosts, paths, methods, headers: vec![], snis, regex_priority, created_at, expression };
    let headers = HeaderMap::new();
    let path = request.as_bytes();
    let (tls, sni, port, query, ends) = (false, None, 80, None, Ends::default());
    let query = Query { method: "GET", host: None, path, headers: &headers, tls, sni, port, query, ends };
    Router::build(&[spec], compat).unwrap().find(&query)
}

type Group<'a> = (Option<&'a str>, Option<(usize, usize)>);

fn ranges(found: &gateway::route::Match) -> Vec<Group<'_>> {
    found.captures.iter().map(|capture| (capture.name.as_deref(), capture.range)).collect()
}

#[test]
fn groups_are_told() {
    let found = one("/c/(?<name>[^/]+)/([0-9]*)(x)?", "/c/bob/7/rest", Compat::Kong2).unwrap();
    assert_eq!(found.prefix, Some(8));
    assert_eq!(
        ranges(&found),
        [(None, Some((0, 13))), (Some("name"), Some((3, 6))), (None, Some((7, 8))), (None, None)]
    );
    let found = one("~/c/(?<name>[^/]+)", "/c/bob/7", Compat::Kong3).unwrap();
    assert_eq!(ranges(&found), [(None, Some((0, 6))), (Some("name"), Some((3, 6)))]);
    assert_eq!(one("/n/[^/]+", "/n/x", Compat::Kong2).unwrap().captures, []);
}

/// What Kong 2 appends to an expression belongs to its last alternative.
#[test]
fn the_prefix_of_another_alternative_is_not_known() {
    assert_eq!(one("/a|/b", "/b/x", Compat::Kong2).unwrap().prefix, Some(2));
    assert_eq!(one("/a|/b", "/a/x", Compat::Kong2).unwrap().prefix, None);
    assert_eq!(one("/(a|b)", "/a/x", Compat::Kong2).unwrap().prefix, Some(2));
    assert_eq!(one("~/a|/b", "/a/x", Compat::Kong3).unwrap().prefix, Some(2));
}

#[test]
fn escapes_in_an_expression_are_decoded_in_kong_2() {
    assert_eq!(one("/%6B%2Ea+", "/k.aa", Compat::Kong2).unwrap().prefix, Some(5));
    assert!(one("/%6B%2Ea+", "/kxa", Compat::Kong2).is_none());
    assert_eq!(one("/x%2fy+", "/x%2Fyy", Compat::Kong2).unwrap().prefix, Some(7));
    assert_eq!(one("/caf%C3%A9(/.*)?", "/café", Compat::Kong2).unwrap().prefix, Some(6));
}

#[test]
fn every_broken_expression_is_told() {
    let (uuid, paths) = (Uuid::nil(), vec!["/a(".to_owned(), "/ok".to_owned(), "/[b".to_owned()]);
    let (hosts, methods, snis) = (Vec::new(), Vec::new(), Vec::new());
    let spec = Spec {
        id: RouteId(3),
        uuid,
        hosts,
        paths,
        methods,
        headers: vec![],
        snis,
        regex_priority: 0,
        created_at: 0,
        expression: None,
    };
    let errors = Router::build(&[spec], Compat::Kong2).unwrap_err();
    let told: Vec<_> = errors.iter().map(|error| (error.route, error.text.as_str())).collect();
    assert_eq!(told, [(RouteId(3), "/a("), (RouteId(3), "/[b")]);
    assert_eq!(errors[0].message, "pcre_compile() failed: missing ) in \"/a(\"");
}
