//! Whose turn it is of a plain name's addresses.

use crate::upstream::dns::Addresses;
use std::net::SocketAddr;

/// Round-robin over the addresses of a service that is a plain name. One per service and worker.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rotation(usize);

// === impl Rotation ===

impl Rotation {
    /// Begins at any place.
    #[must_use]
    pub fn new(start: usize) -> Self {
        Self(start)
    }

    /// The next address that this request did not try in vain; one that is not preferred only when no other is left;
    /// and when all were tried, the next in turn.
    pub fn pick(&mut self, addresses: &Addresses, tried: &[SocketAddr]) -> SocketAddr {
        let turn = self.0;
        self.0 = turn.wrapping_add(1);
        let preferred = addresses.preferred();
        let (before, after) = preferred.split_at(turn % preferred.len());
        let spare = &addresses.all()[preferred.len()..];
        let untried = |address: &&SocketAddr| !tried.contains(address);
        *after.iter().chain(before).chain(spare).find(untried).unwrap_or(&after[0])
    }
}
