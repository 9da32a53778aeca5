//! Kong's keys that are understood and change nothing here, each with the reason. Start tells about those that are set,
//! so that nobody relies on one unknowingly.

/// A key, and why it changes nothing.
#[derive(Clone, Copy, Debug)]
pub struct Ignored {
    /// The key; one that ends in `_` stands for every key that starts so.
    pub key: &'static str,
    /// Values that mean what is done anyway: nothing is told then.
    pub same: &'static [&'static str],
    /// One clause.
    pub reason: &'static str,
}

const NO_LUA: &str = "Lua here opens no connections of its own";
const NO_DATABASE: &str = "there is no database";
const NO_CACHE: &str = "the configuration needs no cache of a set size";
const STREAMED: &str = "bodies are streamed, so there are no such buffers";
const SYSTEM_DNS: &str = "names are resolved by the operating system, and its answers are believed for `dns_valid_ttl`";
const NO_SRV: &str = "the operating system looks up addresses of both families and CNAMEs, and no SRV records";
const FAILED_DNS: &str = "a name that has no address is asked for again after a second";
const AS_STARTED: &str = "the gateway runs as whoever starts it";
const NO_STREAM: &str = "only HTTP is proxied";
const NO_ADMIN: &str = "of the admin and status APIs little can be set (docs/configuration.md)";
const ONE_LOG: &str = "all listeners write into `proxy_error_log`";
const TLS: &str = "TLS 1.2 and 1.3 are spoken with the cipher suites that the library deems safe";

/// Every one of them. The first that fits counts.
pub const IGNORED: &[Ignored] = &[
    told("role", &["traditional"], "a node is always what Kong calls traditional"),
    told("stream_listen", &["off"], NO_STREAM),
    told("admin_gui_", &["off"], "there is no admin GUI"),
    told("admin_error_log", &["logs/error.log", "/dev/stderr"], ONE_LOG),
    told("admin_", &["off"], NO_ADMIN),
    told("nginx_admin_", &[], NO_ADMIN),
    told("status_error_log", &["logs/status_error.log", "/dev/stderr"], ONE_LOG),
    told("status_", &["off"], NO_ADMIN),
    told("nginx_status_", &[], NO_ADMIN),
    told("nginx_user", &[], AS_STARTED),
    told("nginx_main_user", &[], AS_STARTED),
    told("nginx_events_", &[], "connections are limited by the system's limit on open files alone"),
    told("nginx_http_proxy_buffers", &[], STREAMED),
    told("nginx_proxy_proxy_buffers", &[], STREAMED),
    told("nginx_http_proxy_busy_buffers_size", &[], STREAMED),
    told("nginx_proxy_proxy_busy_buffers_size", &[], STREAMED),
    told("nginx_stream_", &[], NO_STREAM),
    told("nginx_sproxy_", &[], NO_STREAM),
    told("nginx_supstream_", &[], NO_STREAM),
    told("nginx_", &[], "this nginx directive has no counterpart here"),
    told("proxy_stream_", &[], NO_STREAM),
    told("stream_", &[], NO_STREAM),
    told("anonymous_reports", &["off", "false"], "nothing is ever reported to anybody"),
    told("mem_cache_size", &[], NO_CACHE),
    told("lmdb_", &[], NO_CACHE),
    told("db_", &[], NO_DATABASE),
    told("pg_", &[], NO_DATABASE),
    told("cassandra_", &[], NO_DATABASE),
    told("cluster_", &[], "nodes do not talk to each other"),
    told("worker_consistency", &[], "a configuration is swapped at once, for all workers"),
    told("worker_state_update_frequency", &[], "a configuration is swapped at once, for all workers"),
    told("router_", &[], "routes are matched by fixed rules"),
    told("vaults", &[], "`{vault://env/…}` always works, and no other vault does"),
    told("vault_", &[], "`{vault://env/…}` always works, and no other vault does"),
    told("ssl_ciphers", &[], TLS),
    told("ssl_prefer_server_ciphers", &[], TLS),
    told("ssl_dhparam", &[], TLS),
    told("ssl_session_", &[], "a session can be resumed for 12 hours at most, and nothing of it is kept here"),
    told("lua_ssl_verify_depth", &[], "a chain of certificates may have any length that its authorities allow"),
    told("lua_max_", &["100"], "plugins see 100 headers and arguments at most, as in Kong 2.8"),
    told("lua_package_", &[], "Lua here loads no files"),
    told("lua_", &[], NO_LUA),
    told("pluginserver_", &[], "plugins are compiled in"),
    told("go_", &[], "plugins are compiled in"),
    told("dns_order", &["LAST,A,CNAME", "LAST,A,AAAA,CNAME", "A,CNAME", "A"], NO_SRV),
    told("dns_hostsfile", &["/etc/hosts"], SYSTEM_DNS),
    told("dns_not_found_ttl", &["1"], FAILED_DNS),
    told("dns_error_ttl", &["1"], FAILED_DNS),
    told("dns_", &[], SYSTEM_DNS),
    told("new_dns_client", &["off"], SYSTEM_DNS),
    told("resolver_", &[], SYSTEM_DNS),
    told("headers_upstream", &[], "the upstream gets the headers that Kong 2.8 sends"),
    told("error_template_", &[], "errors have Kong's own form"),
    told("opentelemetry_", &[], "traces are not exported"),
    told("tracing_", &[], "`trace_context` and `otlp_endpoint` say what becomes of traces"),
    told("proxy_server", &[], "nothing is fetched from elsewhere"),
    told("password", &[], NO_DATABASE),
    told("license_", &[], "there is nothing to license"),
    told("portal", &[], "there is no portal"),
    told("konnect_", &[], "this is not a node of Konnect"),
];

const fn told(key: &'static str, same: &'static [&'static str], reason: &'static str) -> Ignored {
    Ignored { key, same, reason }
}

/// The reason for a key that nobody knows.
pub const UNKNOWN: &str = "no setting has this name";

/// Whether a key is one of Kong's that changes nothing.
#[must_use]
pub fn has(key: &str) -> bool {
    row(key).is_some()
}

fn row(key: &str) -> Option<&'static Ignored> {
    let fits = |row: &&Ignored| key == row.key || (row.key.ends_with('_') && key.starts_with(row.key));
    IGNORED.iter().find(fits)
}

/// What there is to tell about a key that is set: `None` if nothing.
#[must_use]
pub fn reason(key: &str, value: &str) -> Option<&'static str> {
    match row(key) {
        None => Some(UNKNOWN),
        Some(row) if row.same.contains(&value) => None,
        Some(row) => Some(row.reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_prefix_and_unknown() {
        assert_eq!(reason("nginx_user", "kong"), Some("the gateway runs as whoever starts it"));
        assert_eq!(reason("nginx_http_lua_shared_dict", "x 1m"), Some("this nginx directive has no counterpart here"));
        assert_eq!(reason("pg_host", "db"), Some(NO_DATABASE));
        assert_eq!(reason("portal_auth", "x"), Some("no setting has this name"));
        assert_eq!(reason("stream_listen", "off"), None);
        assert_eq!(reason("stream_listen", "0.0.0.0:1"), Some(NO_STREAM));
    }

    #[test]
    fn no_row_is_hidden_behind_an_earlier_one() {
        for (index, row) in IGNORED.iter().enumerate() {
            let earlier = IGNORED[..index].iter().find(|e| e.key.ends_with('_') && row.key.starts_with(e.key));
            assert!(earlier.is_none(), "{} is hidden behind {}", row.key, earlier.map_or("", |e| e.key));
        }
    }

    #[test]
    fn no_key_that_works_is_said_to_be_ignored() {
        for key in super::super::table::KEYS {
            let row = IGNORED.iter().find(|row| row.key == key.name);
            assert!(row.is_none(), "{} works", key.name);
        }
    }
}
