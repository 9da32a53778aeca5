//! `/debug/node/log-level`: how much the process logs, for a while (Kong 3, `kong/api/routes/debug.lua`). Pure.

use super::reply::{Or, message};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use std::time::Duration;
use tracing::Level;

/// How long another level holds if nobody says.
const TIMEOUT: u64 = 60;
/// Longest time: a day.
const LONGEST: u64 = 86_400;

/// Another level, for a time; then the settings' holds again, for no time at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// What is to be told.
    pub(super) level: Level,
    /// For how long.
    pub(super) time: Duration,
}

/// The level that a path asks for, by its name.
pub(super) fn named(path: &str) -> Option<&str> {
    path.strip_prefix("/debug/node/log-level/")
}

/// What is told now.
pub(super) fn level(now: Option<Level>) -> Response<Bytes> {
    let name = match now {
        Some(Level::TRACE | Level::DEBUG) => "debug",
        Some(Level::INFO) => "notice",
        Some(Level::WARN) => "warn",
        Some(Level::ERROR) | None => "error",
    };
    message(StatusCode::OK, &format!("log level: {name}"))
}

/// It was changed.
pub(super) fn changed() -> Response<Bytes> {
    message(StatusCode::OK, "log level changed")
}

/// The change that a request asks for.
pub(super) fn change(name: &str, asked: &Request<Bytes>) -> Or<Change> {
    let bad = |text: &str| Err(message(StatusCode::BAD_REQUEST, text).into());
    let level = match name {
        "debug" => Level::DEBUG,
        "info" | "notice" => Level::INFO,
        "warn" => Level::WARN,
        "error" | "err" | "crit" | "alert" | "emerg" => Level::ERROR,
        _ => return bad(&format!("unknown log level: {name}")),
    };
    let query = asked.uri().query().unwrap_or_default();
    let timeout = form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == "timeout");
    let seconds = timeout.map_or(Some(TIMEOUT), |(_, text)| text.parse().ok().filter(|seconds| *seconds <= LONGEST));
    match seconds {
        Some(seconds) => Ok(Change { level, time: Duration::from_secs(seconds) }),
        None => bad(&format!("timeout must be a number of seconds between 0 and {LONGEST}")),
    }
}
