#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::PathHandling::{V0, V1};
use super::{forwarded_prefix, upstream_path};
use crate::route::normalize::normalize;

/// Service path, route path (none: a host match), request path; then v0 stripped, v0 kept, v1 stripped, v1 kept.
type Row = (&'static str, Option<&'static str>, &'static str, [&'static str; 4]);

/// Kong's own table (`kong/routing.md` §5).
#[rustfmt::skip]
const TABLE: &[Row] = &[
    ("/", Some("/"), "/", ["/", "/", "/", "/"]),
    ("/", Some("/"), "/route", ["/route", "/route", "/route", "/route"]),
    ("/", Some("/"), "/route/", ["/route/", "/route/", "/route/", "/route/"]),
    ("/", Some("/"), "/routereq", ["/routereq", "/routereq", "/routereq", "/routereq"]),
    ("/", Some("/"), "/route/req", ["/route/req", "/route/req", "/route/req", "/route/req"]),
    ("/", Some("/route"), "/route", ["/", "/route", "/", "/route"]),
    ("/", Some("/route"), "/route/", ["/", "/route/", "/", "/route/"]),
    ("/", Some("/route"), "/routereq", ["/req", "/routereq", "/req", "/routereq"]),
    ("/", Some("/route/"), "/route/", ["/", "/route/", "/", "/route/"]),
    ("/", Some("/route/"), "/route/req", ["/req", "/route/req", "/req", "/route/req"]),
    ("/srv", Some("/rou"), "/roureq", ["/srv/req", "/srv/roureq", "/srvreq", "/srvroureq"]),
    ("/srv/", Some("/rou"), "/rou", ["/srv", "/srv/rou", "/srv/", "/srv/rou"]),
    ("/service", Some("/"), "/", ["/service", "/service", "/service", "/service"]),
    ("/service", Some("/"), "/route", ["/service/route", "/service/route", "/serviceroute", "/serviceroute"]),
    ("/service", Some("/"), "/route/", ["/service/route/", "/service/route/", "/serviceroute/", "/serviceroute/"]),
    ("/service", Some("/"), "/routereq", ["/service/routereq", "/service/routereq", "/serviceroutereq", "/serviceroutereq"]),
    ("/service", Some("/"), "/route/req", ["/service/route/req", "/service/route/req", "/serviceroute/req", "/serviceroute/req"]),
    ("/service", Some("/route"), "/route", ["/service", "/service/route", "/service", "/serviceroute"]),
    ("/service", Some("/route"), "/route/", ["/service/", "/service/route/", "/service/", "/serviceroute/"]),
    ("/service", Some("/route"), "/routereq", ["/service/req", "/service/routereq", "/servicereq", "/serviceroutereq"]),
    ("/service", Some("/route/"), "/route/", ["/service/", "/service/route/", "/service", "/serviceroute/"]),
    ("/service", Some("/route/"), "/route/req", ["/service/req", "/service/route/req", "/servicereq", "/serviceroute/req"]),
    ("/service/", Some("/"), "/route/", ["/service/route/", "/service/route/", "/service/route/", "/service/route/"]),
    ("/service/", Some("/"), "/", ["/service/", "/service/", "/service/", "/service/"]),
    ("/service/", Some("/"), "/route", ["/service/route", "/service/route", "/service/route", "/service/route"]),
    ("/service/", Some("/"), "/routereq", ["/service/routereq", "/service/routereq", "/service/routereq", "/service/routereq"]),
    ("/service/", Some("/"), "/route/req", ["/service/route/req", "/service/route/req", "/service/route/req", "/service/route/req"]),
    ("/service/", Some("/route"), "/route", ["/service", "/service/route", "/service/", "/service/route"]),
    ("/service/", Some("/route"), "/route/", ["/service/", "/service/route/", "/service/", "/service/route/"]),
    ("/service/", Some("/route"), "/routereq", ["/service/req", "/service/routereq", "/service/req", "/service/routereq"]),
    ("/service/", Some("/route/"), "/route/", ["/service/", "/service/route/", "/service/", "/service/route/"]),
    ("/service/", Some("/route/"), "/route/req", ["/service/req", "/service/route/req", "/service/req", "/service/route/req"]),
    ("/", None, "/", ["/", "/", "/", "/"]),
    ("/", None, "/route", ["/route", "/route", "/route", "/route"]),
    ("/", None, "/route/", ["/route/", "/route/", "/route/", "/route/"]),
    ("/service", None, "/", ["/service", "/service", "/service", "/service"]),
    ("/service", None, "/route", ["/service/route", "/service/route", "/serviceroute", "/serviceroute"]),
    ("/service", None, "/route/", ["/service/route/", "/service/route/", "/serviceroute/", "/serviceroute/"]),
    ("/service/", None, "/", ["/service/", "/service/", "/service/", "/service/"]),
    ("/service/", None, "/route", ["/service/route", "/service/route", "/service/route", "/service/route"]),
    ("/service/", None, "/route/", ["/service/route/", "/service/route/", "/service/route/", "/service/route/"]),
    ("/service", Some("/route"), "/route./req", ["/service/req", "/service/route./req", "/servicereq", "/serviceroute./req"]),
    ("/service/", Some("/route"), "/route./req", ["/service/req", "/service/route./req", "/service/req", "/service/route./req"]),
    ("/service", Some("/route"), "/route%2E/req", ["/service/req", "/service/route./req", "/servicereq", "/serviceroute./req"]),
    ("/service/", Some("/route"), "/route%2E/req", ["/service/req", "/service/route./req", "/service/req", "/service/route./req"]),
    ("/service", Some("/route"), "/route%2e/req", ["/service/req", "/service/route./req", "/servicereq", "/serviceroute./req"]),
    ("/service/", Some("/route"), "/route%2e/req", ["/service/req", "/service/route./req", "/service/req", "/service/route./req"]),
    ("/service", Some("/route"), "/route../req", ["/service/req", "/service/route../req", "/servicereq", "/serviceroute../req"]),
    ("/service/", Some("/route"), "/route../req", ["/service/req", "/service/route../req", "/service/req", "/service/route../req"]),
    ("/service", Some("/route"), "/route%2E%2E/req", ["/service/req", "/service/route../req", "/servicereq", "/serviceroute../req"]),
    ("/service/", Some("/route"), "/route%2E%2E/req", ["/service/req", "/service/route../req", "/service/req", "/service/route../req"]),
    ("/service", Some("/route"), "/route%2e%2E/req", ["/service/req", "/service/route../req", "/servicereq", "/serviceroute../req"]),
    ("/service/", Some("/route"), "/route%2e%2E/req", ["/service/req", "/service/route../req", "/service/req", "/service/route../req"]),
];

#[test]
fn the_truth_table_holds() {
    for &(base, route, request, expected) in TABLE {
        let path = normalize(request.as_bytes()).unwrap();
        let prefix = route.map(str::len);
        assert!(route.is_none_or(|route| path.starts_with(route.as_bytes())));
        let ways = [(V0, true), (V0, false), (V1, true), (V1, false)];
        let got = ways.map(|(handling, strip)| upstream_path(base, &path, prefix, strip, handling));
        assert_eq!(got, expected, "{base} {route:?} {request}");
    }
}

#[test]
fn the_result_is_escaped() {
    assert_eq!(upstream_path("/base%20path/x", b"/p/a b", Some(2), true, V0), "/base%20path/x/a%20b");
    assert_eq!(upstream_path("", b"/p", Some(2), true, V0), "/");
}

#[test]
fn the_stripped_prefix_is_told() {
    assert_eq!(forwarded_prefix(b"/a b/c", Some(4), true), Some(&b"/a b"[..]));
    assert_eq!(forwarded_prefix(b"/a", Some(2), false), None);
    assert_eq!(forwarded_prefix(b"/a", Some(1), true), None);
    assert_eq!(forwarded_prefix(b"/a", Some(0), true), None);
    assert_eq!(forwarded_prefix(b"/a", None, true), None);
}
