//! The process's side toward clients: listeners, TLS, and what comes before the first request.

pub mod listen;
pub mod proxy_protocol;
