//! The numbers that a worker gives its connections and requests, which make ids of them (`plugin/arrival.rs`).

use super::client::Connection;
use crate::plugin::Arrival;
use std::cell::Cell;
use uuid::Uuid;

/// One worker's counts. Connections are numbered so that no two workers of a process give the same number.
#[derive(Debug)]
pub struct Serials {
    process: u32,
    worker: Uuid,
    connection: Cell<u64>,
    step: u64,
    requests: Cell<u64>,
}

// === impl Serials ===

impl Serials {
    /// Those of a worker: which one, from 0, of how many.
    #[must_use]
    pub fn new(number: usize, workers: usize) -> Self {
        Self {
            process: std::process::id(),
            worker: Uuid::new_v4(),
            connection: Cell::new(number as u64 + 1),
            step: workers.max(1) as u64,
            requests: Cell::new(0),
        }
    }

    /// The number of the next connection.
    #[must_use]
    pub fn connection(&self) -> u64 {
        self.connection.replace(self.connection.get().wrapping_add(self.step))
    }

    /// The next request, which began on this connection just now.
    #[must_use]
    pub fn arrival(&self, connection: &Connection) -> Arrival {
        self.requests.set(self.requests.get().wrapping_add(1));
        Arrival {
            server: connection.server,
            process: self.process,
            worker: self.worker,
            connection: connection.serial,
            on_connection: connection.activity.begun() as u64,
            on_worker: self.requests.get(),
            random: Uuid::new_v4,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    #[test]
    fn no_two_workers_number_a_connection_alike() {
        let workers = [Serials::new(0, 3), Serials::new(1, 3), Serials::new(2, 3)];
        let mut given: Vec<_> = (0..4).flat_map(|_| workers.iter().map(Serials::connection)).collect();
        given.sort_unstable();
        assert_eq!(given, (1..=12).collect::<Vec<_>>());
    }

    #[test]
    fn requests_are_numbered_on_their_connection_and_on_the_worker() {
        let serials = Serials::new(0, 1);
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], 8000));
        let mut seen = Vec::new();
        for _ in 0..2 {
            let connection =
                Connection::new(address, address, None, &Settings::default()).numbered(serials.connection());
            for _ in 0..2 {
                let _busy = connection.activity.begin();
                let arrival = serials.arrival(&connection);
                seen.push((arrival.connection, arrival.on_connection, arrival.on_worker));
            }
        }
        assert_eq!(seen, [(1, 1, 1), (1, 2, 2), (2, 1, 3), (2, 2, 4)]);
    }
}
