#![allow(clippy::unwrap_used)]
//! Every key: its default, a value, and what is refused in which words.

use super::super::pem::Pem;
use super::super::sources::Sources;
use super::super::{
    AccessLog, ClientVerify, ErrorType, Layout, Loaded, Plugins, RouterFlavor, Settings, Target, Tokens, load,
};
use super::*;
use crate::observe::format::{Escape, Format};
use crate::settings::reading::Edge;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Files that start with `/there` exist; `localhost` is the one name that resolves.
fn read(flags: &[(&str, &str)]) -> Result<Loaded, Vec<String>> {
    let flags: Vec<_> = flags.iter().map(|&(k, v)| (k.to_owned(), v.to_owned())).collect();
    let lookup = |name: &str| (name == "localhost").then(|| IpAddr::from([127, 0, 0, 1]));
    let edge = Edge { lookup: &lookup, is_file: &|path: &Path| path.starts_with("/there") };
    load(&Sources { flags: &flags, env: &|_| None, names: &[], file: &[], document: &[] }, edge)
}

fn set(key: &str, value: &str) -> Settings {
    read(&[(key, value)]).unwrap().settings
}

fn refused(key: &str, value: &str) -> String {
    read(&[(key, value)]).unwrap_err().join("; ")
}

fn notes(flags: &[(&str, &str)]) -> Vec<String> {
    read(flags).unwrap().notes.iter().map(|n| format!("{}: {}", n.key, n.reason)).collect()
}

#[test]
fn the_documented_default_is_the_default() {
    let unset = format!("{:?}", Settings::default());
    for key in KEYS.iter().filter(|key| !key.default.is_empty()) {
        assert_eq!(format!("{:?}", set(key.name, key.default)), unset, "{}", key.name);
    }
    assert_eq!(format!("{:?}", read(&[]).unwrap().settings), unset);
}

#[test]
fn every_key_has_its_own_name_and_is_documented() {
    let page = include_str!("../../docs/configuration.md");
    let mut names: Vec<_> = KEYS.iter().flat_map(|key| key.also.iter().chain([&key.name])).collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all);
    for key in KEYS {
        let default = if key.default.is_empty() { String::new() } else { format!("`{}`", key.default) };
        let row = format!("| `{}` | {default} | {}", key.name, key.doc);
        assert!(page.contains(&row), "docs/configuration.md lacks the line:\n{row} |");
    }
}

#[test]
fn what_is_served() {
    assert_eq!(set("prefix", "/p").prefix, Path::new("/p"));
    assert_eq!(set("declarative_config", "/x.yml").declarative_config, Some(PathBuf::from("/x.yml")));
    assert_eq!(set("declarative_config_string", "{}").declarative_config_string.as_deref(), Some("{}"));
    assert_eq!(set("plugins", "cors").plugins, Plugins::Only(vec!["cors".to_owned()]));
    assert!(set("database", "off").declarative_config.is_none());
    assert!(refused("database", "postgres").starts_with("database: 'postgres' is not supported"));
    assert_eq!(refused("database", "x"), "database has an invalid value: 'x' (postgres, cassandra, off)");
}

#[test]
fn listeners() {
    assert_eq!(set("proxy_listen", "localhost:1, [::1]:2 ssl http2").proxy_listen.len(), 2);
    assert_eq!(set("proxy_listen", "off").proxy_listen, []);
    assert_eq!(set("admin_listen", "127.0.0.1:8001").admin_listen.len(), 1);
    assert!(set("admin_show_secrets", "on").admin_show_secrets);
    assert!(set("admin_read_only", "on").admin_read_only);
    assert_eq!(set("status_listen", "127.0.0.1:8100 ssl").status_listen.len(), 1);
    for key in ["proxy_listen", "admin_listen", "status_listen"] {
        assert!(refused(key, "80").starts_with(&format!("{key} must be of form: [off] | <ip>:<port> [ssl]")), "{key}");
    }
    assert_eq!(refused("proxy_listen", "nowhere:1"), "proxy_listen: the host name 'nowhere' has no address");
    assert_eq!(set("port_maps", "80:8000").port_maps[&8000], 80);
    assert_eq!(refused("port_maps", "x"), "invalid port mapping (`port_maps`): x");
    assert_eq!(notes(&[("admin_listen", "off"), ("status_listen", "off")]), [] as [&str; 0]);
    assert_eq!(notes(&[("admin_listen", "127.0.0.1:1"), ("status_listen", "127.0.0.1:2")]), [] as [&str; 0]);
}

#[test]
fn answers() {
    assert_eq!(set("headers", "off").headers, Tokens::none());
    assert_eq!(refused("headers", "x"), "headers: invalid entry 'x'");
    assert_eq!(set("error_default_type", "application/json").error_default_type, ErrorType::Json);
    assert_eq!(
        refused("error_default_type", "json"),
        "error_default_type has an invalid value: 'json' (application/json, application/xml, text/html, text/plain)"
    );
}

#[test]
fn debug_header() {
    assert_eq!(Settings::default().allow_debug_header, None);
    assert_eq!(set("allow_debug_header", "on").allow_debug_header, Some(true));
    assert_eq!(set("allow_debug_header", "off").allow_debug_header, Some(false));
}

#[test]
fn what_kong_refuses_of_a_key_that_changes_nothing_is_refused() {
    assert_eq!(refused("dns_order", "A,MX"), "dns_order: invalid entry 'MX'");
    assert_eq!(notes(&[("dns_order", "LAST,A,CNAME"), ("dns_not_found_ttl", "1")]), [] as [&str; 0]);
}

#[test]
fn router() {
    assert_eq!(Settings::default().router_flavor, RouterFlavor::TraditionalCompatible);
    assert_eq!(set("router_flavor", "expressions").router_flavor, RouterFlavor::Expressions);
    assert_eq!(
        refused("router_flavor", "expression"),
        "router_flavor has an invalid value: 'expression' (traditional, traditional_compatible, expressions)"
    );
}

#[test]
fn trust() {
    assert_eq!(set("trusted_ips", "10.0.0.0/8").trusted_ips.len(), 1);
    assert!(refused("trusted_ips", "x").starts_with("trusted_ips must be a comma separated list"));
    assert_eq!(set("real_ip_header", "X-Forwarded-For").real_ip_header.unwrap(), "x-forwarded-for");
    assert_eq!(set("nginx_proxy_real_ip_header", "proxy_protocol").real_ip_header, None);
    assert_eq!(refused("real_ip_header", "a b"), "real_ip_header is not a header name: 'a b'");
    assert!(set("real_ip_recursive", "on").real_ip_recursive);
    assert_eq!(refused("real_ip_recursive", "x"), "real_ip_recursive is not a ngx_boolean: 'x'");
}

#[test]
fn limits() {
    assert_eq!(set("client_max_body_size", "1k").client_max_body_size, 1024);
    assert_eq!(set("nginx_http_client_max_body_size", "2k").client_max_body_size, 2048);
    assert_eq!(set("nginx_http_client_max_body_size", "NONE").client_max_body_size, 1 << 20);
    assert_eq!(refused("nginx_http_client_max_body_size", "2x"), "nginx_http_client_max_body_size is not a size: '2x'");
    assert_eq!(set("nginx_admin_client_max_body_size", "5m").admin_client_max_body_size, 5 << 20);
    assert_eq!(set("client_body_buffer_size", "1m").client_body_buffer_size, 1 << 20);
    let heads = set("nginx_proxy_large_client_header_buffers", "8 32k");
    assert_eq!((heads.header_line, heads.header_total), (32 << 10, 256 << 10));
    for bad in ["8", "8k", "x 8k", "8 x"] {
        assert!(refused("large_client_header_buffers", bad).contains("is not a"), "{bad}");
    }
    assert_eq!(set("max_request_headers", "50").header_count, 50);
    assert_eq!(refused("max_request_headers", "-1"), "max_request_headers is not a number: '-1'");
    assert_eq!(set("nginx_proxy_proxy_buffer_size", "160k").response_head, 160 << 10);
}

#[test]
fn times() {
    let all = [
        ("client_header_timeout", (|s| s.client_header_timeout) as fn(&Settings) -> Duration),
        ("nginx_http_client_body_timeout", |s| s.client_body_timeout),
        ("send_timeout", |s| s.send_timeout),
        ("nginx_http_keepalive_timeout", |s| s.keepalive_timeout),
        ("tunnel_timeout", |s| s.tunnel_timeout),
        ("dns_timeout", |s| s.dns_timeout),
        ("drain_timeout", |s| s.drain_timeout),
    ];
    for (key, field) in all {
        assert_eq!(field(&set(key, "1m30s")), Duration::from_secs(90), "{key}");
        assert_eq!(refused(key, "soon"), format!("{key} is not a time: 'soon'"));
    }
    assert_eq!(set("keepalive_timeout", "10s 5s").keepalive_timeout, Duration::from_secs(10));
    assert_eq!(set("dns_stale_ttl", "4").dns_stale_ttl, Duration::from_secs(4));
    assert_eq!(set("dns_valid_ttl", "2.5").dns_max_ttl, Duration::from_millis(2500));
    assert_eq!(refused("dns_valid_ttl", "-1"), "dns_valid_ttl is not a number: '-1'");
}

#[test]
fn upstream_connections() {
    assert_eq!(set("upstream_keepalive_pool_size", "0").upstream_keepalive_pool_size, 0);
    assert_eq!(set("nginx_upstream_keepalive", "NONE").upstream_keepalive_pool_size, 0);
    assert_eq!(set("upstream_keepalive_max_requests", "7").upstream_keepalive_max_requests, 7);
    assert_eq!(set("upstream_keepalive_idle_timeout", "0.5").upstream_keepalive_idle_timeout.as_millis(), 500);
    assert_eq!(set("nginx_upstream_keepalive_timeout", "2m").upstream_keepalive_idle_timeout.as_secs(), 120);
    assert_eq!(refused("upstream_keepalive_pool_size", "x"), "upstream_keepalive_pool_size is not a number: 'x'");
}

#[test]
fn certificates() {
    let pair = read(&[("ssl_cert", "/there/a,/there/b"), ("ssl_cert_key", "/there/k,/there/l")]).unwrap().settings;
    assert_eq!((pair.ssl_cert.len(), pair.ssl_cert_key.len()), (2, 2));
    assert_eq!(refused("ssl_cert", "/there/a"), "ssl_cert_key must be specified");
    assert_eq!(refused("ssl_cert_key", "/there/a"), "ssl_cert must be specified");
    let uneven = read(&[("ssl_cert", "/there/a,/there/b"), ("ssl_cert_key", "/there/k")]).unwrap_err();
    assert_eq!(uneven, ["ssl_cert was specified 2 times while ssl_cert_key was specified 1 times"]);
    let gone = read(&[("ssl_cert", "/a"), ("ssl_cert_key", "/k")]).unwrap_err();
    assert_eq!(gone, ["ssl_cert: no such file at /a", "ssl_cert_key: no such file at /k"]);
}

#[test]
fn certificates_as_texts() {
    let pem = "-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----";
    let coded = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JST0KLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQ==";
    let both = format!("{pem}, {coded}, /there/a");
    let settings = read(&[("ssl_cert", &both), ("ssl_cert_key", "/there/a,/there/b,/there/c")]).unwrap().settings;
    let text = Pem::Text(pem.into());
    assert_eq!(settings.ssl_cert, [text.clone(), text.clone(), Pem::File("/there/a".into())]);
    assert_eq!(set("lua_ssl_trusted_certificate", coded).trusted_certificates, [text]);
    let broken = refused("client_ssl_cert_key", "LS0tLS1CRUdJTi!s3cret");
    assert_eq!(broken, "client_ssl_cert_key: the text is neither PEM nor base64 of it");
}

#[test]
fn tls() {
    let versions = |flags: &[(&str, &str)]| read(flags).unwrap().settings.tls_versions;
    assert_eq!(versions(&[("ssl_cipher_suite", "modern")]), TlsVersions::Only13);
    assert_eq!(versions(&[("ssl_cipher_suite", "old")]), TlsVersions::Both);
    assert_eq!(refused("ssl_cipher_suite", "x"), "Undefined cipher suite x");
    let custom = ("ssl_cipher_suite", "custom");
    assert_eq!(versions(&[custom, ("ssl_protocols", "TLSv1.1 TLSv1.2")]), TlsVersions::Only12);
    assert_eq!(versions(&[("nginx_http_ssl_protocols", "TLSv1.3")]), TlsVersions::Only13);
    assert_eq!(versions(&[("ssl_protocols", "TLSv1.3")]), TlsVersions::Both);
    assert_eq!(
        notes(&[("ssl_protocols", "TLSv1.3")]),
        ["ssl_protocols: it counts only with `ssl_cipher_suite` custom"]
    );
    let none = read(&[custom, ("ssl_protocols", "TLSv1.1")]).unwrap_err();
    assert_eq!(none, ["ssl_protocols: TLSv1.2 or TLSv1.3 must be among them; no other is spoken"]);
    let odd = read(&[custom, ("ssl_protocols", "TLS1.3")]).unwrap_err();
    assert_eq!(odd, ["ssl_protocols is not a list of protocols: 'TLS1.3'"]);
    assert!(
        !set("ssl_session_tickets", "off").tls_tickets && set("nginx_http_ssl_session_tickets", "NONE").tls_tickets
    );
}

#[test]
fn certificates_of_clients() {
    let listen = ("proxy_listen", "[::1]:1 ssl, [::1]:2 ssl client_ca=/there/own, [::1]:3");
    let settings = |more: &[(&str, &str)]| read(&[&[listen], more].concat());
    let asked = |more: &[(&str, &str)]| {
        let all = settings(more).unwrap().settings.proxy_listen;
        all.into_iter().map(|l| l.client_ca.map(|ca| (ca, l.client_verify))).collect::<Vec<_>>()
    };
    let own = Some((PathBuf::from("/there/own"), ClientVerify::Required));
    assert_eq!(asked(&[]), [None, own.clone(), None]);
    let ca = ("ssl_client_certificate", "/there/ca");
    assert_eq!(asked(&[ca, ("ssl_verify_client", "off")]), [None, own.clone(), None]);
    let given = |verify| Some((PathBuf::from("/there/ca"), verify));
    let optional = ("nginx_http_ssl_verify_client", "optional");
    assert_eq!(asked(&[ca, optional]), [given(ClientVerify::Optional), own.clone(), None]);
    let injected = [("nginx_proxy_ssl_client_certificate", "/there/ca"), ("nginx_proxy_ssl_verify_client", "on")];
    assert_eq!(asked(&injected), [given(ClientVerify::Required), own, None]);
    assert_eq!(
        settings(&[("ssl_verify_client", "on")]).unwrap_err(),
        ["ssl_client_certificate must be specified: ssl_verify_client is set, and [::1]:1 has no `client_ca`"]
    );
    assert_eq!(
        notes(&[ca]),
        ["ssl_client_certificate: no client is asked for a certificate while `ssl_verify_client` is off"]
    );
}

#[test]
fn certificates_of_clients_that_are_refused() {
    let gone = [("proxy_listen", "[::1]:1 ssl"), ("ssl_client_certificate", "/ca"), ("ssl_verify_client", "on")];
    assert_eq!(read(&gone).unwrap_err(), ["ssl_client_certificate: no such file at /ca"]);
    assert_eq!(
        refused("ssl_verify_client", "optional_no_ca"),
        "ssl_verify_client has an invalid value: 'optional_no_ca' (on, optional, off)"
    );
    assert_eq!(refused("proxy_listen", "[::1]:1 ssl client_ca=/ca"), "proxy_listen: no such file at /ca");
}

#[test]
fn certificates_for_and_of_upstreams() {
    let files = [("client_ssl_cert", "/there/c"), ("client_ssl_cert_key", "/there/k")];
    assert_eq!(read(&files).unwrap().settings.client_ssl, None);
    let on = [files[0], files[1], ("client_ssl", "on")];
    let file = |path: &str| Pem::File(path.into());
    assert_eq!(read(&on).unwrap().settings.client_ssl, Some((file("/there/c"), file("/there/k"))));
    assert_eq!(refused("client_ssl", "on"), "client_ssl_cert must be specified; client_ssl_cert_key must be specified");
    assert_eq!(refused("client_ssl", "x"), "client_ssl is not a boolean: 'x'");
    assert_eq!(refused("client_ssl_cert", "/c"), "client_ssl_cert: no such file at /c");
    let trusted = set("lua_ssl_trusted_certificate", "system, /there/ca").trusted_certificates;
    assert_eq!(trusted, [file("system"), file("/there/ca")]);
    assert_eq!(refused("lua_ssl_trusted_certificate", "/ca"), "lua_ssl_trusted_certificate: no such file at /ca");
}

#[test]
fn the_process() {
    assert_eq!(set("nginx_worker_processes", "3").workers, Some(3));
    assert_eq!(set("nginx_main_worker_processes", "auto").workers, None);
    assert_eq!(refused("nginx_worker_processes", "0"), "nginx_worker_processes is not a number: '0'");
    assert!(set("nginx_daemon", "on").daemon && set("nginx_main_daemon", "NONE").daemon);
    assert_eq!(set("log_level", "crit").log_level, tracing::Level::ERROR);
    assert_eq!(
        refused("log_level", "loud"),
        "log_level has an invalid value: 'loud' (debug, info, notice, warn, error, crit, alert, emerg)"
    );
}

#[test]
fn access_logs() {
    let target = |text: &str| set("proxy_access_log", text).access_log.to;
    assert_eq!(set("proxy_access_log", "off").access_log, AccessLog::OFF);
    for (text, to) in [
        ("/dev/stdout combined", Target::Stdout),
        ("logs/access.log", Target::Stdout),
        ("/dev/stderr", Target::Stderr),
        ("a.log combined buffer=32k", Target::File("/usr/local/kong/a.log".into())),
        ("/a.log buffer=32k", Target::File("/a.log".into())),
    ] {
        assert_eq!(target(text), to, "{text}");
    }
    let layout = |text: &str| set("status_access_log", text).status_access_log.layout;
    assert_eq!((layout("/dev/stdout"), layout("/dev/stdout json")), (Layout::Kong, Layout::Json));
    assert_eq!(layout("/a combined"), Layout::Lines(Arc::new(Format::combined().clone())));
    let defined = [("nginx_http_log_format", "mine '$status'"), ("admin_access_log", "/a mine")];
    let Layout::Lines(format) = read(&defined).unwrap().settings.admin_access_log.layout else { panic!() };
    assert_eq!(*format, Format::compile("$status", Escape::Default).unwrap());
    let unknown = "proxy_access_log: unknown log format 'mine'; there are: combined, json";
    assert_eq!(refused("proxy_access_log", "a.log mine"), unknown);
    assert!(
        refused("nginx_http_log_format", "a '$nope'")
            .contains("unknown variable `$nope`; there are: $arg_NAME, $args, ")
    );
    let taken = "nginx_http_log_format: there is a log format 'json' already";
    assert_eq!(refused("nginx_http_log_format", "json '$status'"), taken);
}

#[test]
fn what_logs_and_headers_tell_of_requests() {
    assert_eq!(set("proxy_error_log", "e.log notice").error_log, Target::File("/usr/local/kong/e.log".into()));
    assert_eq!(set("proxy_error_log", "logs/error.log").error_log, Target::Stderr);
    assert_eq!(set("log_secrets", "X-Pass, pin").log_secrets, ["x-pass".into(), "pin".into()].into());
    let header = |text| set("request_id_header", text).request_id_header;
    assert_eq!((header("X-Request-Id"), header("none")), (Some(http::HeaderName::from_static("x-request-id")), None));
    assert_eq!(
        refused("request_id_header", "Host"),
        "request_id_header: `Host` has a meaning of its own and cannot hold an id"
    );
    assert!(set("trace_context", "on").trace_context);
    assert_eq!(refused("trace_sampling_rate", "2"), "trace_sampling_rate is not a number from 0 to 1: '2'");
    assert_eq!(refused("otlp_endpoint", "x"), "otlp_endpoint is not a http or https URL: 'x'");
    assert_eq!(refused("otlp_headers", "key"), "otlp_headers must be a list of NAME=VALUE");
}

#[test]
#[cfg(feature = "otlp")]
fn traces_are_exported_where_somebody_takes_them() {
    let set = [("otlp_headers", "key=s3cret"), ("otlp_service_name", "edge"), ("otlp_endpoint", "http://c:4318")];
    let settings = read(&set).unwrap().settings;
    assert!(settings.trace_context && !format!("{settings:?}").contains("s3cret"));
    let otlp = settings.otlp.unwrap();
    assert_eq!((&*otlp.service, otlp.headers.len(), &*otlp.path), ("edge", 1, "/v1/traces"));
}

#[test]
fn an_inner_block_wins_and_the_loser_is_told() {
    let both = [("nginx_http_client_max_body_size", "1k"), ("nginx_proxy_client_max_body_size", "2k")];
    let loaded = read(&both).unwrap();
    assert_eq!(loaded.settings.client_max_body_size, 2048);
    let told = "nginx_http_client_max_body_size: `nginx_proxy_client_max_body_size` is set as well, and wins";
    assert_eq!(notes(&both), [told]);
}

#[test]
fn what_changes_nothing_is_told_without_its_value() {
    let told = notes(&[("nginx_proxy_proxy_buffers", "64 160k"), ("pg_password", "s3cret"), ("wat", "s3cret")]);
    assert_eq!(
        told,
        [
            "nginx_proxy_proxy_buffers: bodies are streamed, so there are no such buffers",
            "pg_password: there is no database",
            "wat: no setting has this name",
        ]
    );
}

#[test]
fn every_error_is_collected() {
    let errors = read(&[("log_level", "loud"), ("headers", "x"), ("port_maps", "y"), ("database", "z")]).unwrap_err();
    assert_eq!(errors.len(), 4, "{errors:?}");
}
