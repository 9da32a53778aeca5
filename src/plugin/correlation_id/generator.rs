//! How an id is made. Chance, time and counts come with the request.

use crate::plugin::Arrival;
use http::HeaderValue;
use std::time::SystemTime;

/// `generator`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Generator {
    /// A UUID by chance.
    Uuid,
    /// The worker's UUID, and the request's number within it.
    Counter,
    /// Address, port, process, connection, request on it, seconds since 1970.
    Tracker,
}

// === impl Generator ===

impl Generator {
    pub(super) fn named(name: Option<&str>) -> Self {
        match name {
            Some("uuid") => Self::Uuid,
            Some("tracker") => Self::Tracker,
            _ => Self::Counter,
        }
    }

    pub(super) fn make(self, arrival: &Arrival, now: SystemTime) -> HeaderValue {
        let text = match self {
            Self::Uuid => (arrival.random)().to_string(),
            Self::Counter => format!("{}#{}", arrival.worker, arrival.on_worker),
            Self::Tracker => tracker(arrival, now),
        };
        HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
    }
}

fn tracker(arrival: &Arrival, now: SystemTime) -> String {
    let Arrival { server, process, connection, on_connection, .. } = arrival;
    let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let (seconds, millis) = (since.as_secs(), since.subsec_millis());
    format!("{}-{}-{process}-{connection}-{on_connection}-{seconds}.{millis:03}", server.ip(), server.port())
}
