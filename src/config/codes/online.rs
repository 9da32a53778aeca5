//! Codes of what upstream servers say when `gateway check --online` asks them.

use super::{Code, code};
use crate::config::report::Severity::Warning;

pub(super) static ONLINE: &[Code] = &[
    code(
        "upstream-unreachable",
        Warning,
        "an upstream server is not there",
        "Told only with `--online`: the name of a service or target is not known, or nothing takes connections at \
         its address. Requests would be answered with 503 or 502. Is the server running, and on this port? The \
         names of a compose network are known only inside of it: run the check in the gateway's container, or \
         lead a name elsewhere with `--resolve HOST:PORT:ADDR`.",
        r"- name: users
  url: http://users:3001   # nothing listens here",
        r"- name: users
  url: http://users:3000",
    ),
    code(
        "upstream-tls",
        Warning,
        "TLS with an upstream server fails",
        "Told only with `--online`: the service says `https` and the server speaks plain HTTP, or the other way \
         round; or the handshake fails; or `tls_verify` is on and the certificate is not believed. Requests would \
         be answered with 502.",
        r#"- name: auth
  url: https://auth:9999   # speaks plain HTTP"#,
        r#"- name: auth
  url: http://auth:9999"#,
    ),
    code(
        "upstream-no-http",
        Warning,
        "an upstream server does not answer in HTTP",
        "Told only with `--online`: the server takes connections, and then is silent, closes them, or says what \
         is no HTTP/1.1. A database or a mail server at this port would do that, and so does a server that hangs.",
        r#"- name: db
  url: http://db:5432      # PostgreSQL's own port"#,
        r#"- name: rest
  url: http://rest:3000    # PostgREST in front of it"#,
    ),
    code(
        "upstream-path",
        Warning,
        "`strip_path` looks like the wrong way round",
        "Told only with `--online`: where a route sends its requests the upstream answers 404, and it has \
         something where they would go with the other `strip_path`. With `true`, which is the default, the \
         matched path is cut off; a server that has `/api` in its own paths wants `false`.",
        r#"- paths: [/api]"#,
        r#"- paths: [/api]
  strip_path: false"#,
    ),
];
