//! What the gateway tells about its work: the access log, what must not stand in a log, how often a line may, and how much a
//! worker has to do.

pub mod access;
pub mod exporter;
pub mod file;
pub mod format;
#[cfg(feature = "otlp")]
pub mod otlp;
pub mod redact;
pub mod reloads;
pub mod repeats;
pub mod shipping;
pub mod trace;
pub mod traffic;
pub mod verbosity;
pub mod writer;
