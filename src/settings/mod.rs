//! How the process itself is set up: listeners, limits, trust, logs. Kong's keys (`kong/operations.md` §2) under their
//! own names. `table.rs` says what every key means, `sources.rs` which source wins, `load` in `load.rs` does it.

pub mod cloudflare;
mod defaults;
pub mod file;
pub mod ignored;
mod judge;
pub mod listen;
mod lists;
mod load;
pub mod logs;
pub mod otlp;
pub mod pem;
pub mod reading;
pub mod resolve;
pub mod secret_files;
pub mod sources;
pub mod table;
pub mod units;

pub use load::{Loaded, load};
pub use logs::{AccessLog, Layout, Target};
pub use otlp::Otlp;

use crate::observe::trace::Share;
use ipnet::IpNet;
use pem::Pem;
use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Every setting, understood and defaulted.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `prefix`: the folder that relative log paths start from.
    pub prefix: PathBuf,
    /// `declarative_config`: the Kong file.
    pub declarative_config: Option<PathBuf>,
    /// `declarative_config_string`: the document itself; the file wins if both are set.
    pub declarative_config_string: Option<String>,
    /// `proxy_listen`; empty when `off`.
    pub proxy_listen: Vec<Listen>,
    /// `admin_listen`; empty when `off`.
    pub admin_listen: Vec<Listen>,
    /// `admin_show_secrets`: whether the Admin API shows keys and the like, to loopback.
    pub admin_show_secrets: bool,
    /// `admin_client_max_body_size`: largest body in bytes that the Admin API reads; 0 is what a configuration may have.
    pub admin_client_max_body_size: usize,
    /// `admin_read_only`: whether the Admin API changes nothing.
    pub admin_read_only: bool,
    /// `status_listen`; empty when `off`.
    pub status_listen: Vec<Listen>,
    /// `plugins`: which may be configured.
    pub plugins: Plugins,
    /// `headers`: which of Kong's own headers an answer carries.
    pub headers: Tokens,
    /// `trusted_ips`: peers whose X-Forwarded-* and real-ip header are believed.
    pub trusted_ips: Vec<IpNet>,
    /// `real_ip_header`, lower case; `None` means `proxy_protocol`.
    pub real_ip_header: Option<http::HeaderName>,
    /// `real_ip_recursive`: take the last address that is not trusted, instead of the last one.
    pub real_ip_recursive: bool,
    /// `port_maps`: listening port to the port that clients see.
    pub port_maps: HashMap<u16, u16>,
    /// `allow_debug_header`: whether `Kong-Debug` is answered; `None` where the configuration's version decides.
    pub allow_debug_header: Option<bool>,
    /// `error_default_type`: format of errors for a request without `Accept`.
    pub error_default_type: ErrorType,
    /// Largest request body in bytes; 0 is unlimited (`nginx_http_client_max_body_size`, `client_max_body_size`).
    pub client_max_body_size: u64,
    /// Largest request body in bytes that a plugin may read (`nginx_http_client_body_buffer_size`).
    pub client_body_buffer_size: usize,
    /// Longest request line or header line in bytes (`large_client_header_buffers`, size).
    pub header_line: usize,
    /// Most bytes of a request head (`large_client_header_buffers`, number × size).
    pub header_total: usize,
    /// Most header lines of a request.
    pub header_count: usize,
    /// Requests that one HTTP/2 connection may have under way; at least 1.
    pub http2_max_concurrent_streams: u32,
    /// Most bytes of an upstream's answer head (`nginx_proxy_proxy_buffer_size`).
    pub response_head: usize,
    /// Time for a client to send its request head (`nginx_http_client_header_timeout`).
    pub client_header_timeout: Duration,
    /// Time between two reads of a request body (`nginx_http_client_body_timeout`).
    pub client_body_timeout: Duration,
    /// Time between two writes to a client (`nginx_http_send_timeout`).
    pub send_timeout: Duration,
    /// Time that an idle client connection stays open (`nginx_http_keepalive_timeout`).
    pub keepalive_timeout: Duration,
    /// Time that a tunnel (WebSocket) may be silent.
    pub tunnel_timeout: Duration,
    /// Idle upstream connections kept per worker and address; 0 keeps none.
    pub upstream_keepalive_pool_size: usize,
    /// Requests after which an upstream connection is closed.
    pub upstream_keepalive_max_requests: usize,
    /// Time that an idle upstream connection stays open; zero is for ever.
    pub upstream_keepalive_idle_timeout: Duration,
    /// `ssl_cert`: the default certificates.
    pub ssl_cert: Vec<Pem>,
    /// `ssl_cert_key`: their keys, in the same order.
    pub ssl_cert_key: Vec<Pem>,
    /// `ssl_protocols` and `ssl_cipher_suite`: what is spoken with clients.
    pub tls_versions: TlsVersions,
    /// `ssl_session_tickets`: whether clients may resume their sessions.
    pub tls_tickets: bool,
    /// `client_ssl_cert` and `client_ssl_cert_key`, if `client_ssl` is on: shown to upstreams.
    pub client_ssl: Option<(Pem, Pem)>,
    /// `lua_ssl_trusted_certificate`: authorities for verifying upstreams; the file `system` adds the system's.
    pub trusted_certificates: Vec<Pem>,
    /// `acme_storage`: the folder of the plugin `acme`; a relative one starts from `prefix`.
    pub acme_storage: PathBuf,
    /// `--resolve`: addresses that stand in for what DNS says about a host and port, as curl's option of that name.
    pub resolve: HashMap<(Box<str>, u16), SocketAddr>,
    /// Longest time that an upstream's address is believed, in spite of a longer DNS TTL.
    pub dns_max_ttl: Duration,
    /// Time that an address serves beyond its own, while no fresh one can be had.
    pub dns_stale_ttl: Duration,
    /// Longest time to wait for an address.
    pub dns_timeout: Duration,
    /// `nginx_worker_processes`: worker threads; `None` is one per core.
    pub workers: Option<usize>,
    /// `router_flavor`: whether routes may have an `expression`.
    pub router_flavor: RouterFlavor,
    /// `untrusted_lua` and what belongs to it: what Lua in a configuration may do.
    pub untrusted_lua: Arc<UntrustedLua>,
    /// `proxy_access_log`: the requests of clients.
    pub access_log: AccessLog,
    /// `admin_access_log`: the same, to the Admin API.
    pub admin_access_log: AccessLog,
    /// `status_access_log`: the same, to the status API.
    pub status_access_log: AccessLog,
    /// `proxy_error_log`: where everything else goes that is logged.
    pub error_log: Target,
    /// `log_secrets`: what else secrets of clients are called, in lower case.
    pub log_secrets: Box<[Box<str>]>,
    /// `request_id_header`: where a request's id stands; `None` is nowhere.
    pub request_id_header: Option<http::HeaderName>,
    /// `trace_context`: whether the gateway takes part in traces. It does where they are exported.
    pub trace_context: bool,
    /// `trace_sampling_rate`: which of the traces that begin here are recorded.
    pub trace_share: Share,
    /// `otlp_endpoint` and what belongs to it; `None` exports nothing.
    pub otlp: Option<Otlp>,
    /// `log_level`.
    pub log_level: tracing::Level,
    /// Time that a stop waits for requests under way.
    pub drain_timeout: Duration,
    /// `nginx_daemon`: whether `kong start` goes into the background.
    pub daemon: bool,
}

/// One listener, in Kong's syntax (`kong/operations.md` §2, Listeners), and a few flags more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// Where.
    pub address: SocketAddr,
    /// TLS.
    pub ssl: bool,
    /// HTTP/2: over ALPN with `ssl`, by prior knowledge without.
    pub http2: bool,
    /// Whether a PROXY protocol header comes first.
    pub proxy_protocol: bool,
    /// Length of the accept queue.
    pub backlog: Option<u32>,
    /// Whether each worker has its own socket; always so here, kept because it was written.
    pub reuseport: bool,
    /// `ipv6only=off`: an IPv6 address that takes IPv4 clients as well.
    pub dual_stack: bool,
    /// `so_keepalive`: TCP keepalive of accepted connections; `None` is off.
    pub keepalive: Option<Keepalive>,
    /// CA file for the certificates of clients; `None` asks for none. Only with `ssl`.
    pub client_ca: Option<PathBuf>,
    /// What becomes of clients that show no certificate; nothing where `client_ca` is `None`.
    pub client_verify: ClientVerify,
}

/// How the kernel looks whether a silent client is still there (tcp(7)); what is `None` is the system's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keepalive {
    /// Silence before the first probe: whole seconds.
    pub idle: Option<Duration>,
    /// Time between two probes: whole seconds.
    pub interval: Option<Duration>,
    /// Probes without an answer after which the connection is dead.
    pub count: Option<u32>,
}

/// Whether a client must show a certificate. One that is shown must be good in either case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientVerify {
    /// `on`: no certificate, no connection.
    Required,
    /// `optional`: it may show none.
    Optional,
}

/// Which plugins a configuration may name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plugins {
    /// Those that come with Kong (`bundled`), and these names besides.
    Bundled(Vec<String>),
    /// Only these. `off` is none.
    Only(Vec<String>),
}

/// What routes may ask by. The two traditional ones are the same here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RouterFlavor {
    /// `traditional`: paths, hosts and other lists.
    Traditional,
    /// `traditional_compatible`: the same.
    #[default]
    TraditionalCompatible,
    /// `expressions`: the same, or an `expression`.
    Expressions,
}

/// What Lua in a configuration may do (`kong/templates-and-functions.md` §2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UntrustedLua {
    /// `untrusted_lua`.
    pub mode: LuaMode,
    /// `untrusted_lua_sandbox_requires`: modules that a sandboxed chunk may `require`.
    pub requires: Vec<String>,
    /// `untrusted_lua_sandbox_environment`: globals, as dotted paths, that it gets besides.
    pub environment: Vec<String>,
}

/// Whether Lua runs, and how freely.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LuaMode {
    /// Every global of this gateway's Lua is there.
    On,
    /// Only what Kong's sandbox has.
    #[default]
    Sandbox,
    /// It is refused when it is to run.
    Off,
}

/// Which of Kong's own response headers are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)]
pub struct Tokens {
    /// `Server` on answers that the gateway made.
    pub server: bool,
    /// `Via` on answers of an upstream.
    pub via: bool,
    /// `X-Kong-Proxy-Latency`.
    pub proxy_latency: bool,
    /// `X-Kong-Upstream-Latency`.
    pub upstream_latency: bool,
    /// `X-Kong-Response-Latency`.
    pub response_latency: bool,
    /// `X-Kong-Admin-Latency`.
    pub admin_latency: bool,
    /// `X-Kong-Upstream-Status`.
    pub upstream_status: bool,
    /// `X-Kong-Request-Id` (format 3.0 only).
    pub request_id: bool,
}

/// Which versions of TLS clients may speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsVersions {
    /// 1.2 and 1.3.
    #[default]
    Both,
    /// Only 1.2.
    Only12,
    /// Only 1.3: the suite `modern`.
    Only13,
}

/// A format of the gateway's own errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorType {
    /// `text/plain`.
    Plain,
    /// `text/html`.
    Html,
    /// `application/json`.
    Json,
    /// `application/xml`.
    Xml,
}

// === impl Listen ===

impl Listen {
    /// An address without any flag.
    #[must_use]
    pub const fn plain(address: SocketAddr) -> Self {
        Self {
            address,
            ssl: false,
            http2: false,
            proxy_protocol: false,
            backlog: None,
            reuseport: false,
            dual_stack: false,
            keepalive: None,
            client_ca: None,
            client_verify: ClientVerify::Required,
        }
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.ssl { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.address)?;
        if self.http2 { f.write_str(" (http2)") } else { Ok(()) }
    }
}

// === impl Tokens ===

impl Tokens {
    /// None at all: `headers = off`.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            server: false,
            via: false,
            proxy_latency: false,
            upstream_latency: false,
            response_latency: false,
            admin_latency: false,
            upstream_status: false,
            request_id: false,
        }
    }
}

impl Default for Tokens {
    fn default() -> Self {
        Self {
            server: true,
            via: true,
            proxy_latency: true,
            upstream_latency: true,
            response_latency: true,
            admin_latency: true,
            upstream_status: false,
            request_id: true,
        }
    }
}
