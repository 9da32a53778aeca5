//! A file in the shape that Supabase's has, filled in from the environment: keys that may be blank, a Lua expression in
//! one variable, realtime with the key in the query, uploads, and functions that take long.

use crate::common::gateway::Builder;
use crate::common::{Gateway, Head, Peer, Upstream};
use crate::tunnels::shouting;
use std::time::Duration;

/// What the shell in front of Kong makes of `LUA_AUTH_EXPR`: an opaque key becomes a token, a token stays.
const EXPRESSION: &str = "$((headers.authorization ~= nil and headers.authorization:sub(1, 10) ~= 'Bearer sb_' and \
                          headers.authorization) or (headers.apikey == 'sb_secret: \"1\" #x' and 'Bearer t.s.1') or \
                          (headers.apikey == 'sb_publishable_1' and 'Bearer t.a.1') or headers.apikey)";

fn gateway(upstream: &Upstream) -> Builder {
    let config = format!(
        r#"_format_version: "2.1"
_transform: true
consumers:
  - username: anon
    keyauth_credentials:
      - key: $ANON_KEY
      - key: "$PUBLISHABLE_KEY"
      - key: $NEVER_SET_KEY
      - key: $BLANK_KEY
      - key:
  - username: service_role
    keyauth_credentials:
      - key: '$SERVICE_KEY'
      - key: >-
          $SECRET_KEY
services:
  - name: rest
    url: http://127.0.0.1:{port}/
    routes: [{{name: rest, strip_path: true, paths: [/rest/v1/]}}]
    plugins:
      - {{name: cors}}
      - {{name: key-auth, config: {{hide_credentials: false}}}}
      - name: request-transformer
        config:
          add:
            headers: ["Authorization: $LUA_AUTH_EXPR"]
          replace:
            headers:
              - |-
                Authorization: $LUA_AUTH_EXPR
  - name: realtime
    url: http://127.0.0.1:{port}/socket
    protocol: ws
    routes: [{{name: realtime, strip_path: true, paths: [/realtime/v1/]}}]
    plugins: [{{name: cors}}, {{name: key-auth, config: {{hide_credentials: false}}}}]
  - name: storage
    url: http://127.0.0.1:{port}/
    routes: [{{name: storage, strip_path: true, paths: [/storage/v1/]}}]
    plugins: [{{name: cors}}]
  - name: functions
    url: http://127.0.0.1:{port}/
    read_timeout: 150000
    routes: [{{name: functions, strip_path: true, paths: [/functions/v1/]}}]
    plugins: [{{name: cors}}]
"#,
        port = upstream.port()
    );
    Gateway::with(config)
        .set("ANON_KEY", "t.a.0")
        .set("PUBLISHABLE_KEY", "sb_publishable_1")
        .set("SERVICE_KEY", "t.s.0")
        .set("SECRET_KEY", "sb_secret: \"1\" #x")
        .set("BLANK_KEY", "")
        .set("LUA_AUTH_EXPR", EXPRESSION)
}

/// Answers with what came as `Authorization`.
fn telling(peer: &mut Peer, _: usize) -> std::io::Result<()> {
    let head = peer.head()?;
    let came = head.get("authorization").unwrap_or("none").to_owned();
    peer.send(format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{came}", came.len()))
}

fn ask(gateway: &Gateway, target: &str, headers: &str) -> (Head, String) {
    let mut client = gateway.connect();
    client.send(format!("GET {target} HTTP/1.1\r\nHost: gw.test\r\n{headers}\r\n")).unwrap();
    let head = client.head().unwrap();
    let body = client.body(&head).unwrap();
    (head, String::from_utf8_lossy(&body).into_owned())
}

#[test]
fn every_key_that_is_set_opens_and_none_that_is_not() {
    let upstream = Upstream::start(telling);
    let gateway = gateway(&upstream).start();
    for (key, token) in [
        ("t.a.0", "t.a.0"),
        ("sb_publishable_1", "Bearer t.a.1"),
        ("t.s.0", "t.s.0"),
        ("sb_secret: \"1\" #x", "Bearer t.s.1"),
    ] {
        let (head, came) = ask(&gateway, "/rest/v1/todos", &format!("apikey: {key}\r\n"));
        assert_eq!((head.status(), &*came), (200, token), "{key}");
    }
    for key in ["", "$NEVER_SET_KEY", "$BLANK_KEY", "$ANON_KEY", "NEVER_SET_KEY"] {
        let (head, _) = ask(&gateway, "/rest/v1/todos", &format!("apikey: {key}\r\n"));
        assert_eq!(head.status(), 401, "{key}");
    }
    assert!(gateway.output().contains("empty-key"), "{}", gateway.output());
}

#[test]
fn a_token_of_the_clients_own_stays() {
    let upstream = Upstream::start(telling);
    let gateway = gateway(&upstream).start();
    let headers = "apikey: sb_publishable_1\r\nAuthorization: Bearer of.a.user\r\n";
    assert_eq!(ask(&gateway, "/rest/v1/todos", headers).1, "Bearer of.a.user");
    let headers = "apikey: sb_publishable_1\r\nAuthorization: Bearer sb_publishable_1\r\n";
    assert_eq!(ask(&gateway, "/rest/v1/todos", headers).1, "Bearer t.a.1");
}

#[test]
fn realtime_takes_its_key_from_the_query() {
    let upstream = Upstream::start(|peer, number| {
        let head = peer.head()?;
        if !head.line.starts_with("GET /socket/websocket?apikey=t.a.0&vsn=1.0.0 ") {
            return peer.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        }
        peer.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")?;
        let word = peer.until(b";")?;
        peer.send(format!("{number}:{};", String::from_utf8_lossy(&word)))
    });
    let gateway = gateway(&upstream).start();
    let open = |target: &str| {
        let mut client = gateway.connect();
        client
            .send(format!(
                "GET {target} HTTP/1.1\r\nHost: gw.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
            ))
            .unwrap();
        client
    };
    let mut client = open("/realtime/v1/websocket?apikey=t.a.0&vsn=1.0.0");
    assert_eq!(client.head().unwrap().status(), 101);
    client.send("join;").unwrap();
    assert!(client.until(b";").unwrap().ends_with(b":join"));
    assert_eq!(open("/realtime/v1/websocket?apikey=wrong&vsn=1.0.0").head().unwrap().status(), 401);
}

#[test]
fn an_upload_of_many_megabytes_arrives_whole() {
    const SIZE: usize = 24 << 20;
    let upstream = Upstream::start(|peer, _| {
        let head = peer.head()?;
        let size = peer.body(&head)?.len().to_string();
        peer.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{size}", size.len()))
    });
    let gateway = gateway(&upstream).start();
    let mut client = gateway.connect();
    client
        .send(format!(
            "POST /storage/v1/object/photos/a.jpg HTTP/1.1\r\nHost: gw.test\r\nContent-Type: image/jpeg\r\n\
             Content-Length: {SIZE}\r\n\r\n"
        ))
        .unwrap();
    client.send(vec![b'x'; SIZE]).unwrap();
    let head = client.head().unwrap();
    assert_eq!((head.status(), client.body(&head).unwrap()), (200, SIZE.to_string().into_bytes()));
}

#[test]
fn only_its_own_timeout_ends_a_slow_function() {
    let upstream = Upstream::start(|peer, _| {
        peer.head()?;
        std::thread::sleep(Duration::from_millis(2500));
        peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
        std::thread::sleep(Duration::from_millis(2500));
        peer.send_chunk("done")?;
        peer.send("0\r\n\r\n")
    });
    let gateway = gateway(&upstream)
        .set("KONG_NGINX_HTTP_KEEPALIVE_TIMEOUT", "1s")
        .set("KONG_NGINX_HTTP_CLIENT_HEADER_TIMEOUT", "1s")
        .set("KONG_NGINX_HTTP_CLIENT_BODY_TIMEOUT", "1s")
        .set("KONG_NGINX_HTTP_SEND_TIMEOUT", "1s")
        .start();
    let (head, body) = ask(&gateway, "/functions/v1/slow", "");
    assert_eq!((head.status(), &*body), (200, "done"));
}

#[test]
fn a_password_that_nobody_set_is_no_password() {
    let upstream = Upstream::start(shouting);
    let config = format!(
        "_format_version: '2.1'\nconsumers:\n- username: $DASHBOARD_USER\n  basicauth_credentials:\n  - username: \
         $DASHBOARD_USER\n    password: $DASHBOARD_PASSWORD\nservices:\n- name: s\n  url: http://127.0.0.1:{}\n",
        upstream.port()
    );
    let said = Gateway::with(config).set("DASHBOARD_USER", "admin").fails();
    assert!(said.contains("the variable `DASHBOARD_PASSWORD` is not set"), "{said}");
}
