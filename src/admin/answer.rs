//! Which question gets which answer. Pure.

use super::node::Node;
use super::{entities, health, info, metrics, reply, targets};
use crate::observe::reloads::Reloads;
use crate::observe::traffic::Totals;
use crate::server::certificates::CertTable;
use crate::settings::Settings;
use crate::snapshot::Snapshot;
use bytes::Bytes;
use http::header::HOST;
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
    /// The certificates that handshakes show.
    pub certificates: &'a CertTable,
    /// How reading configurations went.
    pub reloads: &'a Reloads,
    /// Whether it takes no new connections any more.
    pub stopping: bool,
    /// The calendar's time.
    pub wall: SystemTime,
}

/// The answer to a question. `local`: it came in at a loopback address.
pub fn answer(api: Api, local: bool, asked: &Request<Bytes>, now: &Now<'_>) -> Response<Bytes> {
    let path = asked.uri().path();
    let path = path.strip_suffix('/').filter(|path| !path.is_empty()).unwrap_or(path);
    if let Some(told) = targets::answer(api, asked, path, now) {
        return told;
    }
    let told = match path {
        "/livez" => health::live(),
        "/readyz" | "/status/ready" => health::ready(now),
        "/status" => health::status(now),
        "/metrics" => metrics::answer(now),
        _ if api == Api::Status => return reply::not_found(),
        "/" => info::root(now),
        "/endpoints" => info::endpoints(),
        "/plugins/enabled" => info::enabled(),
        "/tags" => info::tags(now),
        _ => {
            let secrets = secrets(local, asked, now);
            return entities::answer(asked, path, secrets, now).unwrap_or_else(reply::not_found);
        }
    };
    if matches!(*asked.method(), Method::GET | Method::HEAD) { told } else { reply::not_allowed() }
}

/// Whether secrets are shown: only if they were asked for, at a loopback address, and to nobody who came by a name that
/// is not this machine's: a page in a browser here may have such a name lead to loopback.
#[must_use]
pub fn secrets(local: bool, asked: &Request<Bytes>, now: &Now<'_>) -> bool {
    let host = asked.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let bare = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
    let bare = bare.map_or(host, |(bare, _)| bare);
    now.settings.admin_show_secrets && local && matches!(bare, "localhost" | "127.0.0.1" | "[::1]")
}

impl fmt::Display for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Status => "status",
            Self::Admin => "admin",
        })
    }
}
