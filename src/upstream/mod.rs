//! The side toward upstreams: names, balancing, connections, TLS.

pub mod alarm;
pub mod balance;
pub mod checker;
pub mod connect;
pub mod dns;
pub mod http1;
pub mod peers;
pub mod pool;
pub mod tls;
pub mod verify;
