//! Which question gets which answer. Pure.

use super::node::Node;
use super::schemas::{self, Topic};
use super::{config, entities, guard, health, info, metrics, refuse, reply, targets, verbosity};
use crate::entity::Compat;
use crate::observe::reloads::Reloads;
use crate::observe::traffic::Totals;
use crate::server::certificates::CertTable;
use crate::settings::Settings;
use crate::snapshot::Snapshot;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, Uri};
use std::fmt;
use std::time::SystemTime;
use tracing::Level;

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
    /// Bytes that each worker has in use for Lua.
    pub lua: Vec<u64>,
    /// What is logged: this level and above.
    pub level: Option<Level>,
    /// The certificates that handshakes show.
    pub certificates: &'a CertTable,
    /// How reading configurations went.
    pub reloads: &'a Reloads,
    /// Whether it takes no new connections any more.
    pub stopping: bool,
    /// The calendar's time.
    pub wall: SystemTime,
}

/// The answer to a question. `local`: it came in at a loopback address. What changes the process is done elsewhere
/// (`change.rs`).
pub fn answer(api: Api, local: bool, asked: &Request<Bytes>, now: &Now<'_>) -> Response<Bytes> {
    let path = path(asked.uri());
    if let Some(told) = targets::answer(api, asked, path, now) {
        return told;
    }
    let read = matches!(*asked.method(), Method::GET | Method::HEAD);
    let options = asked.method() == Method::OPTIONS && api == Api::Admin;
    if let Some(topic) = schemas::topic(path).filter(|_| api == Api::Admin) {
        let check = matches!(topic, Topic::Validate(_));
        return match *asked.method() {
            Method::OPTIONS => refuse::options(if check { refuse::POST } else { refuse::READ }),
            Method::POST if check => schemas::answer(topic, asked, now),
            _ if read && !check => schemas::answer(topic, asked, now),
            _ => reply::not_allowed(),
        };
    }
    let told = match (process(path, asked, now), api) {
        (Some(told), _) => Some((told, refuse::READ)),
        (None, Api::Status) => return reply::not_found(),
        (None, Api::Admin) => about(path, local, asked, now),
    };
    match told {
        Some((_, allowed)) if options => refuse::options(allowed),
        Some((told, _)) if read => told,
        Some(_) => reply::not_allowed(),
        None => entities::answer(asked, path, secrets(local, asked, now), now).unwrap_or_else(reply::not_found),
    }
}

/// A path without the slash at its end.
pub(super) fn path(uri: &Uri) -> &str {
    uri.path().strip_suffix('/').filter(|path| !path.is_empty()).unwrap_or_else(|| uri.path())
}

/// How the process is.
fn process(path: &str, asked: &Request<Bytes>, now: &Now<'_>) -> Option<Response<Bytes>> {
    Some(match path {
        "/livez" => health::live(),
        "/readyz" | "/status/ready" => health::ready(now),
        "/status" => health::status(asked, now),
        "/metrics" => metrics::answer(now),
        _ => return None,
    })
}

/// What is no list of entities, and what may be asked of it.
fn about(path: &str, local: bool, asked: &Request<Bytes>, now: &Now<'_>) -> Option<(Response<Bytes>, HeaderValue)> {
    let newer = now.snapshot.compat == Compat::Kong3;
    let told = match path {
        "/" => info::root(now),
        "/config" => return Some((config::whole(secrets(local, asked, now), now), refuse::LIST)),
        "/endpoints" => info::endpoints(now),
        "/plugins/enabled" => info::enabled(now),
        "/tags" => info::tags(now),
        "/workspaces" => info::workspaces(now),
        "/clustering/data-planes" | "/clustering/status" => info::no_cluster(),
        "/robots.txt" => info::robots(),
        "/timers" if newer => info::timers(),
        "/debug/node/log-level" if newer => verbosity::level(now.level),
        _ if newer && verbosity::named(path).is_some() => return Some((reply::not_allowed(), refuse::PUT)),
        _ => info::tag(path.strip_prefix("/tags/").filter(|tag| !tag.contains('/'))?, now),
    };
    Some((told, refuse::READ))
}

/// Whether secrets are shown: only if they were asked for, at a loopback address, and to nobody who came by a name that
/// is not this machine's: a page in a browser here may have such a name lead to loopback.
#[must_use]
pub fn secrets(local: bool, asked: &Request<Bytes>, now: &Now<'_>) -> bool {
    now.settings.admin_show_secrets && local && guard::is_loopback(asked.headers())
}

impl fmt::Display for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Status => "status",
            Self::Admin => "admin",
        })
    }
}
