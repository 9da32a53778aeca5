#![allow(clippy::unwrap_used)]

use crate::body::Body;
use crate::config::report::{Report, Source};
use crate::config::schema::{Field, Record};
use crate::config::value::Checked;
use crate::config::{load, open};
use crate::entity::{Compat, ConsumerId};
use crate::keys::fixtures;
use crate::plugin::{Build, Chain, Ctx, Entry, Flow, Plugin};
use crate::settings::reading::Edge;
use crate::settings::{Plugins, Settings};
use crate::snapshot::{Algorithm, HashOn, Hashing, Host, PathHandling, Snapshot};
use crate::world::World;
use futures_util::FutureExt;
use http::Request;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// Notes its name when it runs.
struct Probe(String);

/// The names noted.
#[derive(Clone, Default)]
struct Ran(Vec<String>);

impl Plugin for Probe {
    fn access(&self, _req: &mut Request<Body>, cx: &mut Ctx) -> Flow {
        cx.stash.get_or_insert_default::<Ran>().0.push(self.0.clone());
        Flow::Continue
    }
}

static CONFIG: Record = Record { fields: &[Field::string("id").required()], checks: &[] };

fn build(config: &Checked, _: &mut Build<'_>) -> Option<Arc<dyn Plugin>> {
    Some(Arc::new(Probe(config.str("id")?.to_owned())))
}

const fn probe(name: &'static str, priority: fn(Compat) -> i32, consumer_scope: bool) -> Entry {
    Entry { name, consumer_scope, route_scope: true, extension: false, priority, schema: || &CONFIG, build }
}

static TABLE: &[Entry] = &[probe("acl", |_| 950, true), probe("cors", |_| 2000, false), probe("jwt", |_| 950, true)];

fn probed(text: &str) -> Snapshot {
    let source = Source::new("kong.yml", text);
    let opened = open(&source, World::EMPTY, Edge::NOTHING);
    let (snapshot, report) = opened.compile_with(World::EMPTY, &Settings::default(), TABLE);
    assert!(!report.has_errors(), "{:?}", report.found);
    snapshot.unwrap()
}

fn loaded(text: &str) -> (Option<Snapshot>, Report) {
    load(&Source::new("kong.yml", text), World::EMPTY, &Settings::default())
}

fn snapshot(text: &str) -> Snapshot {
    let (snapshot, report) = loaded(text);
    assert!(!report.has_errors(), "{:?}", report.found);
    snapshot.unwrap()
}

fn ran(chain: &Chain, consumer: Option<u32>) -> Vec<String> {
    let mut cx = Ctx::new(Compat::Kong2, [127, 0, 0, 1].into(), false, Instant::now(), SystemTime::now());
    cx.consumer = consumer.map(ConsumerId);
    let mut req = Request::new(Body::Empty);
    assert!(chain.access(&mut req, &mut cx).now_or_never().unwrap().is_none());
    cx.stash.remove::<Ran>().unwrap_or_default().0
}

#[test]
fn credentials_are_their_consumers() {
    let text = "_format_version: '2.1'\n\
        consumers:\n- {username: a}\n- {username: b, keyauth_credentials: [{key: k}]}\n\
        keyauth_credentials: [{consumer: a, key: top}]\n\
        basicauth_credentials: [{consumer: b, username: u, password: p}]\n";
    let consumers = snapshot(text).consumers;
    let owner = |id| consumers.credential(id).map(|credential| credential.consumer);
    let ids = ["top", "k"].map(|key| consumers.keys.find(key.as_bytes()).unwrap());
    assert_eq!(ids.map(owner), [Some(ConsumerId(0)), Some(ConsumerId(1))]);
    let id = consumers.passwords.verify(b"u", b"p").unwrap();
    assert_eq!(owner(id), Some(ConsumerId(1)));
    assert!(!ids.contains(&id));
}

#[test]
fn what_plugins_call_secrets_is_known_once() {
    let text = "_format_version: '2.1'\nplugins:\n- {name: key-auth, config: {key_names: [X_Pass, apikey]}}\n\
        services:\n- {name: s, host: h, plugins: [{name: key-auth}]}\n";
    assert_eq!(snapshot(text).secrets.iter().map(|name| &**name).collect::<Vec<_>>(), ["apikey", "x-pass", "x_pass"]);
}

/// Kong's eight levels; each case leaves out the most specific one that is left.
#[test]
fn the_most_specific_instance_runs() {
    let levels = [
        ("rsc", "route: r, service: s, consumer: c"),
        ("rc", "route: r, consumer: c"),
        ("sc", "service: s, consumer: c"),
        ("rs", "route: r, service: s"),
        ("c", "consumer: c"),
        ("r", "route: r"),
        ("s", "service: s"),
        ("global", "enabled: true"),
    ];
    for first in 0..levels.len() {
        let plugins =
            levels[first..].iter().map(|(id, scope)| format!("- {{name: acl, {scope}, config: {{id: {id}}}}}\n"));
        let text = format!(
            "_format_version: '2.1'\nconsumers: [{{username: other}}, {{username: c}}]\nservices:\n- {{name: s, host: h, \
             routes: [{{name: r, paths: [/]}}]}}\nplugins:\n{}",
            plugins.collect::<String>()
        );
        let snapshot = probed(&text);
        let chain = &snapshot.routes[0].chain;
        assert_eq!(ran(chain, Some(1)), [levels[first].0]);
        let without = levels[first..].iter().find(|(id, _)| !id.contains('c')).unwrap().0;
        assert_eq!(ran(chain, None), [without]);
        assert_eq!(ran(chain, Some(0)), [without]);
        assert_eq!(ran(&snapshot.global, None), ["global"]);
    }
}

/// Without an instance for a route, a service's stands behind a consumer's all the same.
#[test]
fn a_consumers_instance_goes_before_a_services() {
    let snapshot = probed(
        "_format_version: '2.1'\nconsumers: [{username: c, plugins: [{name: acl, config: {id: c}}]}]\nservices:\n- name: s\n  \
         host: h\n  routes: [{name: r, paths: [/]}]\n  plugins: [{name: acl, config: {id: s}}]\n",
    );
    let chain = &snapshot.routes[0].chain;
    assert_eq!((ran(chain, Some(0)), ran(chain, None)), (vec!["c".to_owned()], vec!["s".to_owned()]));
}

/// What there is once for each consumer must not be there again for each route.
#[test]
fn routes_share_the_instances_of_consumers() {
    let consumer = |at| format!("- {{username: c{at}, plugins: [{{name: acl, config: {{id: c{at}}}}}]}}\n");
    let route = |at| format!("- {{name: r{at}, paths: [/{at}], plugins: [{{name: acl, config: {{id: r{at}}}}}]}}\n");
    let (consumers, routes): (String, String) = ((0..50).map(consumer).collect(), (0..40).map(route).collect());
    let snapshot = probed(&format!("_format_version: '2.1'\nconsumers:\n{consumers}routes:\n{routes}"));
    let special = |at: usize| &snapshot.routes[at].chain.slots()[0].special;
    assert!((0..40).all(|at| special(at).len() == 1 && Arc::ptr_eq(&special(at)[0], &special(0)[0])));
    assert_eq!(
        (ran(&snapshot.routes[7].chain, Some(3)), ran(&snapshot.routes[7].chain, None)),
        (vec!["c3".to_owned()], vec!["r7".to_owned()])
    );
}

#[test]
fn plugins_run_by_priority_and_then_by_name_descending() {
    let snapshot = probed(
        "_format_version: '2.1'\nplugins:\n- {name: acl, config: {id: acl}}\n- {name: jwt, config: {id: jwt}}\n\
         - {name: cors, config: {id: cors}}\n",
    );
    assert_eq!(ran(&snapshot.global, None), ["cors", "jwt", "acl"]);
}

#[test]
fn what_is_disabled_or_for_streams_or_elsewhere_does_not_run() {
    let snapshot = probed(
        "_format_version: '2.1'\nservices:\n- {name: a, host: a, routes: [{name: a, paths: [/a]}], plugins: [{name: acl, \
         config: {id: a}}]}\n- {name: b, host: b, routes: [{name: b, paths: [/b]}]}\nconsumers: [{username: c, plugins: \
         [{name: cors, config: {id: never}}]}]\nplugins:\n- {name: cors, enabled: false, config: {id: never}}\n- {name: jwt, \
         protocols: [tcp], config: {id: never}}\n",
    );
    assert_eq!(ran(&snapshot.routes[0].chain, Some(0)), ["a"]);
    assert!(snapshot.routes[1].chain.is_empty() && snapshot.global.is_empty());
}

#[test]
fn a_consumer_may_have_what_others_have_not() {
    let snapshot = probed(
        "_format_version: '2.1'\nroutes: [{name: r, paths: [/]}]\nconsumers: [{username: c, plugins: [{name: acl, config: \
         {id: c}}]}]\n",
    );
    assert_eq!(ran(&snapshot.routes[0].chain, None), Vec::<String>::new());
    assert_eq!(ran(&snapshot.routes[0].chain, Some(0)), ["c"]);
}

#[test]
fn services_routes_and_consumers() {
    let snapshot = snapshot(
        "_format_version: '2.1'\nservices:\n- name: a\n  url: https://A.test/base\n  connect_timeout: 5\n  routes:\n  - name: \
         r\n    paths: [/r]\n    protocols: [https]\n    https_redirect_status_code: 301\n    strip_path: false\n    \
         path_handling: v1\n- {name: b, protocol: http, host: '::1', port: 81}\nroutes: [{name: alone, paths: \
         [/]}]\nconsumers: [{username: bob, custom_id: '7'}]\n",
    );
    let [a, b] = &*snapshot.services else { panic!() };
    assert_eq!((&a.host, a.port, &*a.path), (&Host::Name("a.test".into()), 443, "/base"));
    assert_eq!((a.authority.to_str().unwrap(), a.connect_timeout), ("A.test", Duration::from_millis(5)));
    assert!(a.tls.as_ref().is_some_and(|tls| !tls.verify) && b.tls.is_none());
    assert_eq!((&b.host, b.authority.to_str().unwrap()), (&Host::Address("::1".parse().unwrap()), "[::1]:81"));
    assert_eq!((b.retries, b.read_timeout), (5, Duration::from_secs(60)));
    let [r, alone] = &*snapshot.routes else { panic!() };
    assert_eq!(r.https_only.map(|status| status.as_u16()), Some(301));
    assert!(!r.strip_path && r.path_handling == PathHandling::V1 && r.service.is_some());
    assert!(alone.strip_path && alone.service.is_none() && alone.https_only.is_none());
    assert_eq!(snapshot.consumers.get(crate::entity::ConsumerId(0)).unwrap().custom_id.as_deref(), Some("7"));
    assert_eq!(r.identity.to_string(), "r");
}

#[test]
fn upstreams_have_their_targets_in_order() {
    let snapshot = snapshot(
        "_format_version: '2.1'\nservices: [{name: s, host: u, port: 99}]\nupstreams:\n- name: u\n  host_header: h.test\n  \
         targets:\n  - {target: late, weight: 0}\n  - {target: '1.2.3.4:81', created_at: 5}\n- name: v\n  targets: [{target: \
         late}, {target: '[::1]:443'}, {target: late, weight: 7}]\n",
    );
    assert!(matches!(snapshot.services[0].host, Host::Upstream(_)));
    let [u, v] = &*snapshot.upstreams else { panic!() };
    let shown: Vec<_> = u.targets.iter().map(|t| (&*t.name, t.port, t.weight)).collect();
    assert_eq!(shown, [("1.2.3.4", 81, 100), ("late", 8000, 0)]);
    assert_eq!(u.targets[0].authorities.each_ref().map(|a| a.to_str().unwrap()), ["h.test:81", "h.test:81"]);
    assert_eq!(v.targets.len(), 2, "the same target again replaces the first");
    let six = v.targets.iter().find(|target| target.port == 443).unwrap();
    assert_eq!(six.authorities.each_ref().map(|a| a.to_str().unwrap()), ["[::1]:443", "[::1]"]);
}

fn indented(pem: &str) -> String {
    pem.lines().map(|line| format!("      {line}\n")).collect()
}

#[test]
fn certificates_are_found_by_name_and_must_match() {
    let (one, two) = (fixtures::pem(&fixtures::leaf(&["a.test"])), fixtures::pem(&fixtures::leaf(&["b.test"])));
    let text = |cert: &str, key: &str| {
        let id = "3b0c9ef0-0000-4000-8000-000000000000";
        format!(
            "_format_version: '2.1'\ncertificates:\n- id: {id}\n  cert: |\n{}  key: |\n{}  snis: [{{name: A.test}}]\nservices: \
             [{{name: s, url: 'https://h', client_certificate: {id}}}]\n",
            indented(cert),
            indented(key)
        )
    };
    let good = snapshot(&text(&one, &one));
    assert_eq!(good.certificates.names.get("a.test"), Some(&0));
    assert_eq!(good.certificates.pairs[0].len(), 1);
    let shown = good.services[0].tls.as_ref().unwrap().client.as_ref().unwrap();
    assert_eq!(shown.0, good.certificates.pairs[0][0].chain);
    let (none, report) = loaded(&text(&one, &two));
    assert!(none.is_none());
    assert!(report.found[0].message.ends_with("the certificate does not match the key"), "{:?}", report.found);
}

#[test]
fn authorities_are_found_by_id() {
    let text = "_format_version: '2.1'\nservices: [{name: s, url: 'https://h', tls_verify: true, ca_certificates: \
                [3b0c9ef0-0000-4000-8000-000000000000]}]\n";
    assert_eq!(loaded(text).1.found[0].code, "no-such-certificate");
}

#[test]
fn routes_of_a_disabled_service_are_not_routed_to() {
    let text = |enabled: bool| {
        format!(
            "_format_version: '2.1'\nservices: [{{name: s, host: h, enabled: {enabled}, routes: [{{name: r, paths: [/]}}]}}]"
        )
    };
    assert_eq!(super::specs_of(&text(true)), 1);
    assert_eq!(super::specs_of(&text(false)), 0);
}

#[test]
fn a_variable_is_text_where_text_is_wanted() {
    let env = |name: &str| (name == "N").then(|| "8080".to_owned());
    let text = "_format_version: '2.1'\nservices: [{name: '${N}', host: h, port: '${N}'}]";
    let (snapshot, report) =
        load(&Source::new("kong.yml", text), World { env: &env, ..World::EMPTY }, &Settings::default());
    assert_eq!(report.found, []);
    let service = &snapshot.unwrap().services[0];
    assert_eq!((service.identity.name.as_deref(), service.port), (Some("8080"), 8080));
}

#[test]
fn only_enabled_plugins_may_be_named() {
    let settings = Settings { plugins: Plugins::Only(vec!["jwt".to_owned()]), ..Settings::default() };
    let text = "_format_version: '2.1'\nplugins: [{name: cors}]";
    let (_, report) = load(&Source::new("kong.yml", text), World::EMPTY, &settings);
    assert_eq!(report.found[0].code, "no-such-plugin");
}

proptest::proptest! {
    /// Words of the format in any order, so that the text gets past the reader.
    #[test]
    fn no_document_makes_it_panic(words in proptest::collection::vec(proptest::sample::select(WORDS), 0..60)) {
        let text = words.concat();
        let (snapshot, report) = loaded(&text);
        proptest::prop_assert_eq!(snapshot.is_none(), report.has_errors());
        let source = Source::new("kong.yml", text.as_str());
        let _ = crate::config::render::human(&report, &source, false, 80);
        let _ = crate::config::kong_print::render(&report);
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,200}") {
        for name in ["kong.yml", "kong.json", "setting"] {
            let _ = load(&Source::new(name, text.as_str()), World::EMPTY, &Settings::default());
        }
    }
}

const WORDS: &[&str] = &[
    "_format_version: '2.1'\n",
    "services: ",
    "routes: ",
    "plugins: ",
    "consumers: ",
    "upstreams: ",
    "targets: ",
    "snis: ",
    "certificates: ",
    "{",
    "}",
    "[",
    "]",
    ", ",
    "name: ",
    "a",
    "b",
    "cors",
    "host: ",
    "url: ",
    "http://a.test/b",
    "paths: ",
    "/x",
    "service: ",
    "config: ",
    "id: ",
    "null",
    "1",
    "-1",
    "true",
    "\n",
    "  ",
    "- ",
    "&a ",
    "*a",
    "<<: ",
    "${X}",
    "$",
    "'",
    "\"",
    "key: ",
    "target: ",
    "hosts: ",
    "*",
    "headers: ",
    "protocols: ",
    "grpc",
    "tags: ",
    "é",
];

#[test]
fn upstreams_say_how_a_target_is_chosen() {
    let of = |fields: &str| {
        let text = format!("_format_version: '3.0'\nupstreams: [{{name: u, slots: 2000, {fields}}}]");
        snapshot(&text).upstreams[0].algorithm.clone()
    };
    assert_eq!(of("algorithm: round-robin"), Algorithm::RoundRobin);
    assert_eq!(of("algorithm: least-connections"), Algorithm::LeastConnections);
    assert_eq!(of("algorithm: latency"), Algorithm::Latency);
    let hashing = |on, fallback| Algorithm::Hashing(Hashing { on, fallback, slots: 2000 });
    let header = |name: &str| HashOn::Header(name.parse().unwrap());
    let two = of("hash_on: header, hash_on_header: X-A, hash_fallback: header, hash_fallback_header: x-b");
    assert_eq!(two, hashing(header("x-a"), header("x-b")), "whatever `algorithm` says by default");
    assert_eq!(of("algorithm: consistent-hashing"), hashing(HashOn::Nothing, HashOn::Nothing));
    let cookie = || HashOn::Cookie("c".into(), "/".into());
    let fallback = of("hash_on: query_arg, hash_on_query_arg: q, hash_fallback: cookie, hash_on_cookie: c");
    assert_eq!(fallback, hashing(HashOn::Query("q".into()), cookie()));
    let capture = of("hash_on: uri_capture, hash_on_uri_capture: id, hash_fallback: path");
    assert_eq!(capture, hashing(HashOn::Capture("id".into()), HashOn::Path));
}

#[test]
fn upstreams_say_what_is_checked() {
    let text = "_format_version: '3.0'\nupstreams:\n- name: u\n  healthchecks:\n    threshold: 12.5\n    active:\n      type: \
                https\n      https_sni: a.test\n      headers: {x-a: ['1', '2']}\n      timeout: 0.5\n      healthy: \
                {interval: 1.5, successes: 2}\n    passive: {unhealthy: {tcp_failures: 3, http_statuses: [418]}}\n- name: other";
    let snapshot = snapshot(text);
    let (checks, active) = (snapshot.upstreams[0].board.checks(), snapshot.upstreams[0].board.checks().active.clone());
    let active = active.unwrap();
    assert_eq!((checks.threshold, checks.passive.tcp_failures, checks.passive.successes), (12.5, 3, 0));
    assert!(checks.passive.unhealthy.contains(418) && !checks.passive.unhealthy.contains(500));
    assert_eq!((active.timeout, active.healthy_every), (Duration::from_millis(500), Duration::from_millis(1500)));
    assert_eq!((active.unhealthy_every, active.limits.successes, active.headers.len()), (Duration::ZERO, 2, 2));
    assert!(active.limits.healthy.contains(302) && active.limits.unhealthy.contains(404), "Kong's defaults");
    assert!(snapshot.upstreams[0].checked_by.as_ref().unwrap().verify);
    assert!(!snapshot.upstreams[1].board.checks().are_on() && snapshot.upstreams[1].checked_by.is_none());
}
