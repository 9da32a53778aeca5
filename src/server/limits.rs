//! How long clients may take, whatever version of HTTP they speak. Pure.

use std::time::Duration;

/// After this time without a request a connection gives up what it holds; and a worker that stops waits as long for what may
/// be on its way: a request, or a client's word that it has heard.
pub const MOMENT: Duration = Duration::from_secs(1);

/// While nobody owes the client an answer.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// From a head's first byte to its last, and from the connection's beginning to the first byte.
    pub head: Duration,
    /// Between requests.
    pub rest: Duration,
}
