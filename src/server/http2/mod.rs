//! HTTP/2 toward clients (RFC 9113): one task per connection, which reads frames, lets streams go on, and writes what they
//! have to say at once.
//!
//! What bytes mean is decided in `crate::http2`, which is pure. `connection.rs` is the story of a turn; `reading.rs` what
//! frames do; `stream.rs` a request and its answer, of which `streams.rs` has the places and `bells.rs` tells which have
//! something to do; `inbound.rs` a request's body; `outbox.rs` what is to be written, and `line.rs` what streams share.
//! `meter.rs`, `leisure.rs` and `blocks.rs` are limits; `leaving.rs` is the end.

pub mod bells;
pub mod blocks;
pub mod connection;
pub mod inbound;
pub mod leaving;
pub mod leisure;
pub mod line;
pub mod meter;
pub mod outbox;
pub mod reading;
pub mod stream;
pub mod streams;
