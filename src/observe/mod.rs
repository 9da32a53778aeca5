//! What the gateway tells about its work: the access log, what must not stand in a log, and how often a line may.

pub mod access;
pub mod redact;
pub mod repeats;
pub mod shipping;
