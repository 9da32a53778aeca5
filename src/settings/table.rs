//! The one table of settings: every key that does something, what it means, and how its text becomes a field of
//! [`Settings`](super::Settings). Keys that Kong has and that change nothing here are in `ignored.rs`.
//!
//! A key of Kong's has Kong's name and syntax (`kong/operations.md` §2, §4). To add one: a field, a row here, a line in
//! `docs/configuration.md` (a test compares them).

use super::reading::{Done, Fault, Reading, length, number, seconds, size, switch, time};
use super::{TlsVersions, lists, logs, otlp};

/// A row.
pub struct Key {
    /// The key. As a variable: `KONG_` and the key in upper case.
    pub name: &'static str,
    /// Other names, which win over `name`, first to last: injected nginx directives, inner block first.
    pub also: &'static [&'static str],
    /// What holds when nothing is set, as one would write it; empty for none.
    pub default: &'static str,
    /// One sentence.
    pub doc: &'static str,
    /// Reads a value.
    pub read: fn(&mut Reading<'_>, &str) -> Done,
}

macro_rules! keys {
    ($($name:ident $([$($also:ident),*])? = $default:literal, $doc:literal, |$r:ident, $text:ident| $read:expr;)*) => {
        /// Every key, in the order of the documentation.
        pub const KEYS: &[Key] = &[$(Key {
            name: stringify!($name),
            also: &[$($(stringify!($also)),*)?],
            default: $default,
            doc: $doc,
            read: |$r, $text| $read,
        }),*];
    };
}

keys! {
    prefix = "/usr/local/kong/",
        "Folder that relative log paths start from.",
        |r, v| put(&mut r.settings.prefix, Ok(v.into()));
    database = "off",
        "Only `off`: the configuration is a file.",
        |_r, v| database(v);
    declarative_config = "",
        "The Kong file to serve.",
        |r, v| put(&mut r.settings.declarative_config, Ok(Some(v.into())));
    declarative_config_string = "",
        "The document itself; `declarative_config` wins if both are set.",
        |r, v| put(&mut r.settings.declarative_config_string, Ok(Some(v.to_owned())));

    proxy_listen_default = "127.0.0.1:54321",
        "Where clients are served if no source has `proxy_listen`; an image sets it, and hides no file's.",
        |r, v| { r.settings.proxy_listen = r.listeners(v)?; Ok(()) };
    proxy_listen = "",
        "Where clients are served: `ADDRESS:PORT [flag]…, …` ([flags](#listeners)), or `off`.",
        |r, v| { r.settings.proxy_listen = r.listeners(v)?; Ok(()) };
    admin_listen = "off",
        "Where the Admin API is ([operations](operations.md#the-admin-api)): listeners as above, HTTP/1.1 only, or `off`.",
        |r, v| { r.settings.admin_listen = r.listeners(v)?; Ok(()) };
    admin_show_secrets = "off",
        "Whether the Admin API shows keys and other secrets, on loopback addresses only; else they are `******`.",
        |r, v| put(&mut r.settings.admin_show_secrets, switch(v, "boolean"));
    admin_read_only = "off",
        "Whether the Admin API changes nothing: `POST /config` and other changes are refused.",
        |r, v| put(&mut r.settings.admin_read_only, switch(v, "boolean"));
    admin_client_max_body_size [nginx_admin_client_max_body_size] = "10m",
        "Largest body of a request to the Admin API; 0 is as much as a configuration may have.",
        |r, v| put(&mut r.settings.admin_client_max_body_size, length(or_default(v, "10m")));
    status_listen = "off",
        "Where the status API is: the same.",
        |r, v| { r.settings.status_listen = r.listeners(v)?; Ok(()) };
    port_maps = "",
        "`PUBLIC:LISTENING, …`: the port that clients see, for X-Forwarded-Port.",
        |r, v| put(&mut r.settings.port_maps, lists::port_maps(v));

    plugins = "bundled",
        "Which plugins a file may use: `bundled`, `off`, names.",
        |r, v| put(&mut r.settings.plugins, Ok(lists::plugins(v)));
    router_flavor = "traditional_compatible",
        "What routes may ask by: `expressions` lets them have an `expression`; `traditional` and `traditional_compatible` do not.",
        |r, v| put(&mut r.settings.router_flavor, lists::router_flavor(v));
    headers = "server_tokens, latency_tokens, X-Kong-Request-Id",
        "Which of Kong's headers answers carry: `off`, `server_tokens`, `latency_tokens`, or single names.",
        |r, v| put(&mut r.settings.headers, lists::headers(v));
    allow_debug_header = "",
        "Whether a request with the header `Kong-Debug` is told its route and service; `on` for files of formats 1.1 and 2.1, `off` for 3.0, as in Kong.",
        |r, v| put(&mut r.settings.allow_debug_header, switch(v, "boolean").map(Some));
    error_default_type = "text/plain",
        "Format of errors when Accept names none: text/plain, text/html, application/json or application/xml.",
        |r, v| put(&mut r.settings.error_default_type, lists::error_type(v));

    trusted_ips = "",
        "Peers whose X-Forwarded-* and real-ip header are believed: addresses, networks, `cloudflare`.",
        |r, v| put(&mut r.settings.trusted_ips, lists::trusted_ips(v));
    real_ip_header [nginx_proxy_real_ip_header, nginx_http_real_ip_header] = "X-Real-IP",
        "Where a trusted peer says who the client is: a header, or `proxy_protocol`.",
        |r, v| put(&mut r.settings.real_ip_header, header(v));
    real_ip_recursive [nginx_proxy_real_ip_recursive, nginx_http_real_ip_recursive] = "off",
        "Take the last address of that header that is not trusted, instead of the last one.",
        |r, v| put(&mut r.settings.real_ip_recursive, switch(v, "ngx_boolean"));

    client_max_body_size [nginx_proxy_client_max_body_size, nginx_http_client_max_body_size] = "0",
        "Largest request body (`10m`); 0 is unlimited.",
        |r, v| put(&mut r.settings.client_max_body_size, size(or_default(v, "1m")));
    client_body_buffer_size [nginx_proxy_client_body_buffer_size, nginx_http_client_body_buffer_size] = "8k",
        "Largest request body that a plugin may read.",
        |r, v| put(&mut r.settings.client_body_buffer_size, length(or_default(v, "8k")));
    large_client_header_buffers
        [nginx_proxy_large_client_header_buffers, nginx_http_large_client_header_buffers]
        = "4 8k",
        "Request head: the size is the longest line, number × size the whole.",
        |r, v| header_buffers(r, or_default(v, "4 8k"));
    max_request_headers = "200",
        "Most header lines of a request.",
        |r, v| put(&mut r.settings.header_count, number(v));
    http2_max_concurrent_streams
        [nginx_proxy_http2_max_concurrent_streams, nginx_http_http2_max_concurrent_streams]
        = "128",
        "Requests that one HTTP/2 connection may have under way.",
        |r, v| put(&mut r.settings.http2_max_concurrent_streams, streams(or_default(v, "128")));
    proxy_buffer_size [nginx_proxy_proxy_buffer_size, nginx_http_proxy_buffer_size] = "256k",
        "Largest head of an upstream's answer.",
        |r, v| put(&mut r.settings.response_head, length(or_default(v, "256k")));
    client_header_timeout [nginx_proxy_client_header_timeout, nginx_http_client_header_timeout] = "60s",
        "Time for a client to send a request's head.",
        |r, v| put(&mut r.settings.client_header_timeout, time(or_default(v, "60s")));
    client_body_timeout [nginx_proxy_client_body_timeout, nginx_http_client_body_timeout] = "60s",
        "Time between two reads of a request's body.",
        |r, v| put(&mut r.settings.client_body_timeout, time(or_default(v, "60s")));
    send_timeout [nginx_proxy_send_timeout, nginx_http_send_timeout] = "60s",
        "Time between two writes to a client.",
        |r, v| put(&mut r.settings.send_timeout, time(or_default(v, "60s")));
    keepalive_timeout [nginx_proxy_keepalive_timeout, nginx_http_keepalive_timeout] = "75s",
        "Time that a client's idle connection stays open.",
        |r, v| put(&mut r.settings.keepalive_timeout, time(first_word(or_default(v, "75s"))));
    tunnel_timeout = "1h",
        "Time that a WebSocket or other tunnel may be silent.",
        |r, v| put(&mut r.settings.tunnel_timeout, time(v));

    upstream_keepalive_pool_size [nginx_upstream_keepalive] = "512",
        "Idle connections kept per worker and upstream address; 0 keeps none.",
        |r, v| put(&mut r.settings.upstream_keepalive_pool_size, number(or_default(v, "0")));
    upstream_keepalive_max_requests [nginx_upstream_keepalive_requests] = "10000",
        "Requests after which an upstream connection is closed.",
        |r, v| put(&mut r.settings.upstream_keepalive_max_requests, number(or_default(v, "10000")));
    upstream_keepalive_idle_timeout [nginx_upstream_keepalive_timeout] = "60",
        "Seconds that an idle upstream connection stays open; 0 is for ever.",
        |r, v| put(&mut r.settings.upstream_keepalive_idle_timeout, idle(or_default(v, "60")));

    ssl_cert = "",
        "Certificates for names that the Kong file has none for: PEM files, or PEM (or base64 of it) itself; without any, a self-signed one.",
        |r, v| { r.settings.ssl_cert = r.pems(v, false)?; Ok(()) };
    ssl_cert_key = "",
        "Their keys, in the same order.",
        |r, v| { r.settings.ssl_cert_key = r.pems(v, false)?; Ok(()) };
    ssl_cipher_suite = "intermediate",
        "What is spoken with clients: `intermediate`, `old` and `fips` are TLS 1.2 and 1.3, `modern` is 1.3; `custom` lets `ssl_protocols` count.",
        |r, v| cipher_suite(r, v);
    ssl_protocols [nginx_proxy_ssl_protocols, nginx_http_ssl_protocols] = "TLSv1.2 TLSv1.3",
        "The same as names of protocols, with the suite `custom` or as an nginx directive; older ones are not spoken.",
        |r, v| protocols(r, or_default(v, "TLSv1.2 TLSv1.3"));
    ssl_session_tickets [nginx_proxy_ssl_session_tickets, nginx_http_ssl_session_tickets] = "on",
        "Whether clients may resume their sessions.",
        |r, v| put(&mut r.settings.tls_tickets, switch(or_default(v, "on"), "ngx_boolean"));
    ssl_client_certificate [nginx_proxy_ssl_client_certificate, nginx_http_ssl_client_certificate] = "",
        "CA file for the certificates of clients, on all TLS listeners without a `client_ca` of their own.",
        |r, v| { r.client_ca = Some(r.file(v)?); Ok(()) };
    ssl_verify_client [nginx_proxy_ssl_verify_client, nginx_http_ssl_verify_client] = "off",
        "Whether those listeners ask for them: `on` refuses clients without one, `optional` only those with a bad one.",
        |r, v| put(&mut r.client_verify, lists::client_verify(v));
    client_ssl = "off",
        "Whether upstreams are shown a client certificate.",
        |r, v| put(&mut r.client_ssl, switch(v, "boolean"));
    client_ssl_cert = "",
        "That certificate: a PEM file, or PEM itself.",
        |r, v| { r.client_cert = Some(r.pem(v)?); Ok(()) };
    client_ssl_cert_key = "",
        "Its key: the same.",
        |r, v| { r.client_key = Some(r.pem(v)?); Ok(()) };
    lua_ssl_trusted_certificate = "",
        "Authorities for verifying upstreams: PEM files, or PEM itself; `system` is the operating system's. Without any, the system's are used.",
        |r, v| { r.settings.trusted_certificates = r.pems(v, true)?; Ok(()) };
    acme_storage = "acme",
        "Folder for what the plugin `acme` obtains; a relative path starts from `prefix`.",
        |r, v| put(&mut r.settings.acme_storage, Ok(v.into()));

    untrusted_lua = "sandbox",
        "What Lua in a Kong file may do: `sandbox`, `on` (all of Lua but what docs/lua.md names, such as `debug` and `ffi`), or `off`.",
        |r, v| put(&mut lua(r).mode, lists::lua_mode(v));
    untrusted_lua_sandbox_requires = "",
        "Modules that sandboxed Lua may `require`: names.",
        |r, v| put(&mut lua(r).requires, Ok(lists::names(v)));
    untrusted_lua_sandbox_environment = "",
        "Globals that sandboxed Lua has besides Kong's own: names, or paths such as `string.dump`.",
        |r, v| put(&mut lua(r).environment, Ok(lists::names(v)));

    dns_valid_ttl = "5",
        "Seconds that an upstream's address is believed.",
        |r, v| put(&mut r.settings.dns_max_ttl, seconds(v));
    dns_stale_ttl = "30",
        "Seconds that an address serves beyond that while no fresh one can be had.",
        |r, v| put(&mut r.settings.dns_stale_ttl, seconds(v));
    dns_timeout = "5s",
        "Longest time to wait for an address.",
        |r, v| put(&mut r.settings.dns_timeout, time(v));

    nginx_worker_processes [nginx_main_worker_processes] = "auto",
        "Worker threads: a number, or `auto` for one per core.",
        |r, v| put(&mut r.settings.workers, workers(v));
    nginx_http_log_format = "",
        "A format for access logs: `NAME 'TEXT'`, as nginx's `log_format` ([variables](operations.md#formats)).",
        |r, v| logs::log_format(r, v);
    proxy_access_log = "logs/access.log",
        "The requests of clients: `PATH [FORMAT]`, [formats](operations.md#logs) `combined`, `json` or one that is defined; or `off`.",
        |r, v| { r.settings.access_log = logs::access_log(r, v)?; Ok(()) };
    admin_access_log = "logs/admin_access.log",
        "The same for requests to the Admin API.",
        |r, v| { r.settings.admin_access_log = logs::access_log(r, v)?; Ok(()) };
    status_access_log = "off",
        "The same for requests to the status API.",
        |r, v| { r.settings.status_access_log = logs::access_log(r, v)?; Ok(()) };
    proxy_error_log = "logs/error.log",
        "Where everything else is logged: a path; `logs/error.log` is standard error, as in Kong's image.",
        |r, v| { r.settings.error_log = logs::error_log(r, v); Ok(()) };
    log_secrets = "",
        "Names of arguments, headers and cookies that no log shows, besides those that [always](operations.md#logs) stay hidden.",
        |r, v| put(&mut r.settings.log_secrets, Ok(logs::secrets(v)));
    request_id_header = "none",
        "The header that a request's id stands in ([which](operations.md#request-ids-and-traces)), such as `X-Request-Id`.",
        |r, v| put(&mut r.settings.request_id_header, logs::id_header(v));
    trace_context = "off",
        "Whether the gateway takes part in [traces](operations.md#request-ids-and-traces) (W3C); else it passes them on as they are.",
        |r, v| put(&mut r.settings.trace_context, switch(v, "boolean"));
    trace_sampling_rate [tracing_sampling_rate] = "1",
        "Which share of the traces that begin here is recorded: 0 to 1.",
        |r, v| put(&mut r.settings.trace_share, logs::share(v));
    otlp_headers = "",
        "Headers that the collector wants: `NAME=VALUE, …`.",
        |r, v| put(&mut r.otlp.0, otlp::headers(v));
    otlp_service_name = "gateway",
        "What this gateway is called there.",
        |r, v| put(&mut r.otlp.1, Ok(Some(v.into())));
    otlp_endpoint = "",
        "Where [traces](operations.md#request-ids-and-traces) are exported, by OTLP over HTTP: a URL. Needs a build with `otlp`.",
        |r, v| collector(r, v);
    log_level = "notice",
        "What is logged on standard error: debug, info, notice, warn, error, crit, alert or emerg.",
        |r, v| put(&mut r.settings.log_level, lists::log_level(v));
    drain_timeout = "30s",
        "Time that a stop waits for requests under way.",
        |r, v| put(&mut r.settings.drain_timeout, time(v));
    nginx_daemon [nginx_main_daemon] = "off",
        "Whether `kong start` goes into the background, where it is `on` if nothing is set; nothing else does.",
        |r, v| put(&mut r.settings.daemon, switch(or_default(v, "on"), "ngx_boolean"));
}

/// Whether a key is in the table, under any of its names.
#[must_use]
pub fn has(key: &str) -> bool {
    KEYS.iter().any(|row| row.name == key || row.also.contains(&key))
}

/// nginx's names.
const PROTOCOLS: [&str; 6] = ["SSLv2", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];

fn put<T>(field: &mut T, value: Result<T, Fault>) -> Done {
    *field = value?;
    Ok(())
}

fn lua<'a>(r: &'a mut Reading<'_>) -> &'a mut super::UntrustedLua {
    std::sync::Arc::make_mut(&mut r.settings.untrusted_lua)
}

/// `NONE` takes Kong's injected directive away, so that nginx's own default holds (`kong/operations.md` §4).
fn or_default<'a>(text: &'a str, nginx: &'a str) -> &'a str {
    if text == "NONE" { nginx } else { text }
}

/// None at all would be a connection that is good for nothing.
fn streams(text: &str) -> Result<u32, Fault> {
    number(text).and_then(|n| if n > 0 { Ok(n) } else { Err(Fault::Type("number above 0")) })
}

/// `keepalive_timeout 75s 60s`: the second time is only said to clients.
fn first_word(text: &str) -> &str {
    text.split_whitespace().next().unwrap_or_default()
}

/// Seconds in Kong's key, a time in the nginx directive.
fn idle(text: &str) -> Result<std::time::Duration, Fault> {
    seconds(text).or_else(|fault| time(text).map_err(|_| fault))
}

fn database(text: &str) -> Done {
    match text {
        "off" => Ok(()),
        "postgres" | "cassandra" => Err(Fault::Message(format!(
            "database: '{text}' is not supported: the gateway runs without a database; set KONG_DATABASE=off and \
             KONG_DECLARATIVE_CONFIG to a file (`kong config db_export` writes one)"
        ))),
        _ => Err(Fault::OneOf(&["postgres", "cassandra", "off"])),
    }
}

fn header(text: &str) -> Result<Option<http::HeaderName>, Fault> {
    if text == "proxy_protocol" {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| Fault::Type("header name"))
}

/// `NUMBER SIZE`.
fn header_buffers(r: &mut Reading<'_>, text: &str) -> Done {
    let (count, each) = text.split_once(char::is_whitespace).ok_or(Fault::Type("number and a size"))?;
    let (count, each) = (number::<usize>(count)?, length(each.trim())?);
    r.settings.header_line = each;
    r.settings.header_total = count.checked_mul(each).ok_or(Fault::Type("number and a size"))?;
    Ok(())
}

/// Which suites there are is said in `kong/operations.md` §2.
fn cipher_suite(r: &mut Reading<'_>, text: &str) -> Done {
    match text {
        "intermediate" => {}
        "modern" => r.settings.tls_versions = TlsVersions::Only13,
        "old" => r.note("nothing older than TLS 1.2 is spoken, so it is `intermediate`"),
        "fips" => r.note("the library is not in its FIPS mode, so it is `intermediate`"),
        "custom" => r.custom_suite = true,
        _ => return Err(Fault::Message(format!("Undefined cipher suite {text}"))),
    }
    Ok(())
}

fn protocols(r: &mut Reading<'_>, text: &str) -> Done {
    if r.key == "ssl_protocols" && !r.custom_suite {
        r.note("it counts only with `ssl_cipher_suite` custom");
        return Ok(());
    }
    let has = |version: &str| text.split_whitespace().any(|name| name == version);
    if text.split_whitespace().any(|name| !PROTOCOLS.contains(&name)) {
        return Err(Fault::Type("list of protocols"));
    }
    r.settings.tls_versions = match (has("TLSv1.2"), has("TLSv1.3")) {
        (true, true) => TlsVersions::Both,
        (true, false) => TlsVersions::Only12,
        (false, true) => TlsVersions::Only13,
        (false, false) => {
            let key = r.key;
            return Err(Fault::Message(format!("{key}: TLSv1.2 or TLSv1.3 must be among them; no other is spoken")));
        }
    };
    Ok(())
}

fn workers(text: &str) -> Result<Option<usize>, Fault> {
    match text {
        "auto" => Ok(None),
        _ => number(text).ok().filter(|&n| n > 0).map(Some).ok_or(Fault::Type("number")),
    }
}

/// The headers and the name were read before. Who exports traces takes part in them.
fn collector(r: &mut Reading<'_>, text: &str) -> Done {
    let found = otlp::endpoint(text)?;
    if !cfg!(feature = "otlp") {
        r.note("this build exports no traces; one with the feature `otlp` does");
        return Ok(());
    }
    let (headers, name) = std::mem::take(&mut r.otlp);
    let service = name.unwrap_or_else(|| found.service.clone());
    r.settings.otlp = Some(super::Otlp { headers, service, ..found });
    r.settings.trace_context = true;
    Ok(())
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
