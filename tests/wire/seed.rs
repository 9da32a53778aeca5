//! The file that this project began with, unmodified: it loads, it serves, and the key in it is in no log.

use crate::common::{Gateway, Head, LIMIT, Upstream, within};

const FILE: &str = include_str!("seed.yml");
const BEARER: &str = "Bearer eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoic2VydmljZV9yb2xlIn0.of-no-use";

/// Answers with the head that it got.
fn mirror() -> Upstream {
    Upstream::start(|peer, _| {
        loop {
            let head = peer.head()?;
            let body = peer.body(&head)?;
            let headers: String = head.headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
            let told = format!("{}\n{headers}\n{}", head.line, String::from_utf8_lossy(&body));
            peer.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{told}", told.len()))?;
        }
    })
}

/// The file names its upstream as a container network does; the command line says where that is.
fn serve(upstream: &Upstream) -> Gateway {
    let command = format!("exec \"$@\" --resolve rest:3000:127.0.0.1:{}", upstream.port());
    Gateway::with(FILE).through(&["sh", "-c", &command, "sh"]).start()
}

fn ask(gateway: &Gateway, request: &str) -> (Head, String) {
    let mut client = gateway.connect();
    client.send(request).unwrap();
    let head = client.head().unwrap();
    let body = client.body(&head).unwrap();
    (head, String::from_utf8(body).unwrap())
}

#[test]
fn rest_gets_the_key_in_place_of_the_client_s() {
    let upstream = mirror();
    let gateway = serve(&upstream);
    let request = "GET /rest/v1/archon_settings?select=* HTTP/1.1\r\nHost: localhost:54321\r\n\
                   Authorization: Bearer client\r\n\r\n";
    let (head, told) = ask(&gateway, request);
    assert_eq!(head.status(), 200);
    assert!(told.starts_with("GET /archon_settings?select=* HTTP/1.1\n"), "{told}");
    let bearers: Vec<_> = told.lines().filter(|line| line.to_ascii_lowercase().starts_with("authorization:")).collect();
    assert_eq!(bearers.len(), 1, "{told}");
    assert!(bearers[0].ends_with(BEARER), "{told}");
    assert_eq!(head.get("access-control-allow-origin"), Some("*"));
    assert!(head.get("x-kong-upstream-latency").is_some(), "{head:?}");
}

#[test]
fn graphql_goes_to_its_function_with_its_profile() {
    let upstream = mirror();
    let gateway = serve(&upstream);
    let request = "POST /graphql/v1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 13\r\n\r\n{\"query\":\"x\"}";
    let (head, told) = ask(&gateway, request);
    assert_eq!(head.status(), 200);
    assert!(told.starts_with("POST /rpc/graphql HTTP/1.1\n") && told.ends_with("{\"query\":\"x\"}"), "{told}");
    assert!(told.to_ascii_lowercase().contains("content-profile: graphql_public"), "{told}");
    assert!(told.contains(BEARER), "{told}");
}

#[test]
fn what_it_does_not_route_is_kong_s_404() {
    let upstream = mirror();
    let (status, body) = serve(&upstream).get("/auth/v1/token");
    assert_eq!((status, body.as_str()), (404, r#"{"message":"no Route matched with those values"}"#));
    assert_eq!(upstream.connections(), 0);
}

#[test]
fn no_log_tells_a_secret() {
    let upstream = mirror();
    let command = format!("exec \"$@\" --log-level debug --resolve rest:3000:127.0.0.1:{}", upstream.port());
    let gateway = Gateway::with(FILE).through(&["sh", "-c", &command, "sh"]).start();
    let request = "GET /rest/v1/x?apikey=query-key&a=b HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer own-key\r\n\
                   Referer: http://h/?access_token=referer-key\r\nCookie: sid=cookie-key\r\napikey: header-key\r\n\r\n";
    assert_eq!(ask(&gateway, request).0.status(), 200);
    assert!(within(LIMIT, || gateway.output().contains("a=b")), "no access line:\n{}", gateway.output());
    let output = gateway.output();
    for secret in ["of-no-use", "eyJ", "query-key", "own-key", "referer-key", "cookie-key", "header-key"] {
        assert!(!output.contains(secret), "{secret} is in the log:\n{output}");
    }
}

#[test]
fn an_upstream_that_is_down_does_not_fill_the_log() {
    let port = mirror().port();
    let command = format!("exec \"$@\" --resolve rest:3000:127.0.0.1:{port}");
    let gateway = Gateway::with(FILE).through(&["sh", "-c", &command, "sh"]).start();
    // The mirror is gone once it noticed; until then a request may still reach it.
    within(LIMIT, || gateway.get("/rest/v1/x").0 == 502);
    for _ in 0..200 {
        assert_eq!(gateway.get("/rest/v1/x").0, 502);
    }
    let warnings = gateway.output().matches(" WARN ").count();
    assert!((1..20).contains(&warnings), "{warnings} warnings:\n{}", gateway.output());
}
