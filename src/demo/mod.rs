//! Stand-ins for upstreams, so that a Kong file can be tried with nothing else installed: each listens on a loopback
//! port, answers with the request that it received, echoes WebSocket messages and ticks for event streams.
//!
//! They know nothing of the gateway: it is led to them by `Settings::resolve`. Not meant for anything but trying.

mod answer;
mod events;
mod frames;
mod serve;

pub use serve::start;

use crate::snapshot::{Host, Snapshot};
use std::collections::BTreeMap;

/// A server that is to be stood in for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandIn {
    /// Its name, as services have it.
    pub host: Box<str>,
    /// Its port.
    pub port: u16,
    /// The services that it serves.
    pub services: Vec<String>,
}

/// Everything that the services of a snapshot call by name. Addresses and upstream entities have no stand-in.
#[must_use]
pub fn stand_ins(snapshot: &Snapshot) -> Vec<StandIn> {
    let mut all = BTreeMap::<(Box<str>, u16), Vec<String>>::new();
    for service in &snapshot.services {
        if let Host::Name(host) = &service.host {
            all.entry((host.clone(), service.port)).or_default().push(service.identity.to_string());
        }
    }
    all.into_iter().map(|((host, port), services)| StandIn { host, port, services }).collect()
}
