//! What the gateway tells about its work: the access log.

pub mod access;
pub mod redact;
