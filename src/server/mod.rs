//! The process's side toward clients: listeners, TLS, and what comes before the first request.

pub mod certificates;
pub mod listen;
pub mod proxy_protocol;
pub mod tls;
