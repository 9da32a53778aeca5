//! What is in force where nothing is set.

use super::{AccessLog, ErrorType, Listen, Plugins, RouterFlavor, Settings, Target, TlsVersions, Tokens};
use crate::observe::trace::Share;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

impl Default for Settings {
    fn default() -> Self {
        Self {
            prefix: PathBuf::from("/usr/local/kong/"),
            declarative_config: None,
            declarative_config_string: None,
            proxy_listen: vec![Listen::plain(SocketAddr::from(([127, 0, 0, 1], 54321)))],
            admin_listen: Vec::new(),
            admin_show_secrets: false,
            admin_client_max_body_size: 10 << 20,
            admin_read_only: false,
            status_listen: Vec::new(),
            plugins: Plugins::Bundled(Vec::new()),
            headers: Tokens::default(),
            trusted_ips: Vec::new(),
            real_ip_header: Some(http::HeaderName::from_static("x-real-ip")),
            real_ip_recursive: false,
            port_maps: HashMap::new(),
            allow_debug_header: None,
            error_default_type: ErrorType::Plain,
            client_max_body_size: 0,
            client_body_buffer_size: 8 * 1024,
            header_line: 8 * 1024,
            header_total: 32 * 1024,
            header_count: 200,
            http2_max_concurrent_streams: 128,
            response_head: 256 * 1024,
            client_header_timeout: Duration::from_secs(60),
            client_body_timeout: Duration::from_secs(60),
            send_timeout: Duration::from_secs(60),
            keepalive_timeout: Duration::from_secs(75),
            tunnel_timeout: Duration::from_secs(3600),
            upstream_keepalive_pool_size: 512,
            upstream_keepalive_max_requests: 10_000,
            upstream_keepalive_idle_timeout: Duration::from_secs(60),
            ssl_cert: Vec::new(),
            ssl_cert_key: Vec::new(),
            tls_versions: TlsVersions::default(),
            tls_tickets: true,
            client_ssl: None,
            trusted_certificates: Vec::new(),
            acme_storage: PathBuf::from("acme"),
            resolve: HashMap::new(),
            dns_max_ttl: Duration::from_secs(5),
            dns_stale_ttl: Duration::from_secs(30),
            dns_timeout: Duration::from_secs(5),
            workers: None,
            router_flavor: RouterFlavor::default(),
            untrusted_lua: Arc::default(),
            access_log: AccessLog::STDOUT,
            admin_access_log: AccessLog::STDOUT,
            status_access_log: AccessLog::OFF,
            error_log: Target::Stderr,
            log_secrets: Box::default(),
            request_id_header: None,
            trace_context: false,
            trace_share: Share::default(),
            otlp: None,
            log_level: tracing::Level::INFO,
            drain_timeout: Duration::from_secs(30),
            daemon: false,
        }
    }
}
