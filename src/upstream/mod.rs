//! The side toward upstreams: names, balancing, TLS.

pub mod tls;
pub mod verify;
