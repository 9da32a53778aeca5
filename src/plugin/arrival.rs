//! Which request this is: what tells it from all others, for ids.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use uuid::Uuid;

/// Where a request came in, and as which.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// The address and port that its client connected to.
    pub server: SocketAddr,
    /// The process's number.
    pub process: u32,
    /// The worker's id, made anew at each start.
    pub worker: Uuid,
    /// The number of its connection within the process.
    pub connection: u64,
    /// Its number on that connection, from 1.
    pub on_connection: u64,
    /// Its number within the worker, from 1.
    pub on_worker: u64,
    /// Where chance comes from: an id that nobody else has.
    pub random: fn() -> Uuid,
}

/// What no chance ever makes: version 4, and nothing else.
const EXAMPLE: Uuid = Uuid::from_u128(0x4000_8000_0000_0000_0000);

// === impl Arrival ===

impl Arrival {
    /// A request that came nowhere: one that is only thought of. Its ids look like ids.
    pub const NOWHERE: Self = Self {
        server: SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0),
        process: 0,
        worker: EXAMPLE,
        connection: 0,
        on_connection: 0,
        on_worker: 0,
        random: || EXAMPLE,
    };
}
