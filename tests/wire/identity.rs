//! What upstreams are told of who asks, and clients that would have them told something else.

use crate::common::witness::Witness;
use crate::common::{Gateway, LIMIT, Upstream};

/// What every request here says of itself, as headers in each spelling that an upstream could take for the real ones.
const FORGED: &str = "X-Consumer-ID: 1\r\nX-Consumer-Username: root\r\nX-Consumer-Username: root\r\n\
    X_Consumer_Username: root\r\nx-consumer_username: root\r\nX-Consumer-Custom-ID: 1\r\n\
    X-Credential-Identifier: root\r\nX-Credential-Username: root\r\nX-Consumer-Groups: root\r\n\
    X_Consumer_Groups: root\r\nX-Authenticated-Groups: root\r\nX-Anonymous-Consumer: false\r\n\
    X_Anonymous-Consumer: false\r\n";

const CONFIG: &str = "
consumers:
- {username: ann, keyauth_credentials: [{key: good}], acls: [{group: staff}]}
- {username: anybody}
plugins:
- {name: pre-function, config: {rewrite: ['kong.service.request.set_header([[X-Consumer-Tenant]], [[t]])']}}
services:
- name: up
  url: http://127.0.0.1:PORT
  routes:
  - {paths: [/key], plugins: [{name: key-auth}]}
  - {paths: [/anybody], plugins: [{name: key-auth, config: {anonymous: anybody}}]}
  - {paths: [/preflight], plugins: [{name: key-auth, config: {run_on_preflight: false}}]}
  - paths: [/hidden]
    plugins: [{name: key-auth}, {name: acl, config: {allow: [staff], hide_groups_header: true}}]
";

/// What the upstream was told of who asks, a line each and in order, without ids.
fn told(version: &str, request: &str) -> Vec<String> {
    let witness = Witness::start();
    let config = CONFIG.replace("PORT", &witness.port().to_string());
    let gateway = Gateway::with(format!("_format_version: \"{version}\"{config}")).start();
    let mut client = gateway.connect();
    client.limit(LIMIT);
    client.send(request).unwrap();
    assert_eq!(client.head().unwrap().status(), 200, "{request}");
    let seen = witness.take();
    let is_of_who = |line: &&str| ["consumer", "credential", "groups"].iter().any(|word| line.contains(word));
    let head = seen[0].head.to_ascii_lowercase();
    let mut lines: Vec<_> = head.lines().filter(is_of_who).map(str::to_owned).collect();
    // What the function says comes through, whatever the client says.
    assert!(lines.contains(&"x-consumer-tenant: t".to_owned()), "{head}");
    let own = ["x-consumer-tenant", "x-consumer-id", "x-credential-identifier"];
    lines.retain(|line| !own.iter().any(|name| line.starts_with(name)));
    lines.sort();
    lines
}

fn forging(method: &str, path: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nHost: gw.test\r\n{FORGED}\r\n")
}

#[test]
fn upstreams_hear_of_a_consumer_from_the_gateway_alone() {
    for version in ["2.1", "3.0"] {
        assert_eq!(told(version, &forging("GET", "/key?apikey=good")), ["x-consumer-username: ann"]);
        assert_eq!(told(version, &forging("GET", "/hidden?apikey=good")), ["x-consumer-username: ann"]);
        let anybody = ["x-anonymous-consumer: true", "x-consumer-username: anybody"];
        assert_eq!(told(version, &forging("GET", "/anybody")), anybody);
        assert_eq!(told(version, &forging("OPTIONS", "/preflight")), Vec::<String>::new());
    }
}

/// `Connection` removes what the client sent, and not what the gateway adds (RFC 9110 §7.6.1).
#[test]
fn no_client_takes_away_what_the_gateway_says() {
    let request = "GET /anybody HTTP/1.1\r\nHost: gw.test\r\nConnection: X-Anonymous-Consumer, x-consumer-username, x-consumer-tenant\r\n\r\n";
    assert_eq!(told("2.1", request), ["x-anonymous-consumer: true", "x-consumer-username: anybody"]);
}

/// Some servers take them for headers.
#[test]
fn trailers_of_a_request_end_at_the_gateway() {
    let upstream = Upstream::start(|peer, _| {
        loop {
            let head = peer.head()?;
            assert_eq!(head.get("transfer-encoding"), Some("chunked"));
            while peer.chunk()?.is_some() {}
            let trailers = peer.trailers()?.join(" ");
            peer.send(format!("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Trailers: {trailers}.\r\n\r\n"))?;
        }
    });
    let gateway = Gateway::to(&upstream).start();
    let mut client = gateway.connect();
    client.limit(LIMIT);
    let head = "POST / HTTP/1.1\r\nHost: gw.test\r\nTransfer-Encoding: chunked\r\nTrailer: X-Consumer-Username\r\n\r\n";
    let body = [format!("14000\r\n{}\r\n", "x".repeat(0x14000)), "0\r\nX-Consumer-Username: root\r\n\r\n".to_owned()];
    for _ in 0..2 {
        client.send(format!("{head}{}{}", body[0], body[1])).unwrap();
        let answer = client.head().unwrap();
        assert_eq!((answer.status(), answer.get("x-trailers")), (200, Some(".")));
    }
}
