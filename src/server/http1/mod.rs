//! HTTP/1.1 toward clients (RFC 9112): one task per connection, which reads a head, answers it, and goes on.
//!
//! What bytes mean is decided in `request.rs`, `answer.rs` and `crate::http1`, which are pure. `wire.rs` is the socket with
//! what was read and what waits to be written; `upload.rs` the body of a request, which is read over it by whoever wants
//! it; `passing.rs` the body of an answer that the kernel moves; `waiting.rs` the limits between requests; `connection.rs`
//! the story. A connection that waits holds no buffer and no room for a request.

pub mod answer;
pub mod connection;
pub mod passing;
pub mod request;
pub mod upload;
pub mod waiting;
pub mod wire;
