//! The side toward upstreams: names, balancing, connections, TLS.

pub mod connect;
pub mod lease;
pub mod pool;
pub mod tls;
pub mod verify;
