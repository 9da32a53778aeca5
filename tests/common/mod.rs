//! What tests over real sockets share: a running gateway, a scripted upstream, a client that speaks raw bytes.
//!
//! It knows nothing of the library: whatever a test sees, a user of the binary would see too. Every wait has a limit.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

pub(crate) mod frames;
pub(crate) mod gateway;
pub(crate) mod hello;
pub(crate) mod peer;
pub(crate) mod pki;
pub(crate) mod tls;
pub(crate) mod upstream;
pub(crate) mod witness;

pub(crate) use gateway::Gateway;
pub(crate) use peer::{Head, Peer};
pub(crate) use upstream::Upstream;

use std::time::{Duration, Instant};

/// Longest wait for anything that should happen at once; generous, for a busy machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(15);

/// Whether `check` becomes true within `limit`.
pub(crate) fn within(limit: Duration, mut check: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + limit;
    while Instant::now() < end {
        if check() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    check()
}
