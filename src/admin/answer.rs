//! Which question gets which answer. Pure.

use super::node::Node;
use super::{health, reply};
use crate::observe::traffic::Totals;
use crate::settings::Settings;
use crate::snapshot::Snapshot;
use bytes::Bytes;
use http::{Method, Request, Response};
use std::fmt;
use std::time::SystemTime;

/// What a listener is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    /// How the process is.
    Status,
    /// The same, and what it serves.
    Admin,
}

/// The process at this moment.
pub struct Now<'a> {
    /// How it was set up.
    pub settings: &'a Settings,
    /// What it serves.
    pub snapshot: &'a Snapshot,
    /// Which it is.
    pub node: &'a Node,
    /// What its workers counted.
    pub totals: Totals,
    /// Whether it takes no new connections any more.
    pub stopping: bool,
    /// The calendar's time.
    pub wall: SystemTime,
}

/// The answer to a question.
pub fn answer(_api: Api, asked: &Request<Bytes>, now: &Now<'_>) -> Response<Bytes> {
    let path = asked.uri().path();
    let path = path.strip_suffix('/').filter(|path| !path.is_empty()).unwrap_or(path);
    let told = match path {
        "/livez" => health::live(),
        "/readyz" | "/status/ready" => health::ready(now),
        "/status" => health::status(now),
        _ => return reply::not_found(),
    };
    if matches!(*asked.method(), Method::GET | Method::HEAD) { told } else { reply::not_allowed() }
}

impl fmt::Display for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Status => "status",
            Self::Admin => "admin",
        })
    }
}
