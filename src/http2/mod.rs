//! The protocol of HTTP/2 (RFC 9113), as far as it is no connection's business. Pure.

pub mod hpack;
