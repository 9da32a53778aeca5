//! The side toward upstreams: names, balancing, TLS.

pub mod balance;
pub mod dns;
pub mod tls;
pub mod verify;
