//! Requests that change the process: another configuration, and how much is logged.

use super::answer::{Api, Now, path, secrets};
use super::config::{self, Offer};
use super::reply::{Or, message};
use super::verbosity::{self, Change};
use crate::entity::Compat;
use crate::observe;
use crate::server::posted::{Letterbox, NotTaken};
use crate::settings::Settings;
use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// Longest wait for a configuration to be served, as long as in Kong.
const LOADING: Duration = Duration::from_secs(60);

/// What may be changed by.
#[derive(Debug)]
pub(super) struct Means {
    /// Where configurations go.
    pub(super) letterbox: Letterbox,
    /// How often the log's level was changed.
    pub(super) levels: Rc<Cell<u64>>,
}

/// A change that is asked for.
#[derive(Debug)]
pub(super) enum Wish {
    /// This configuration.
    Config(Offer, bool),
    /// Another level for the log.
    Level(Change),
}

/// The change that a request asks for, if any, or the answer if it cannot be made.
pub(super) fn wish(api: Api, local: bool, asked: &Request<Bytes>, now: &Now<'_>) -> Or<Option<Wish>> {
    let path = path(asked.uri());
    let level = verbosity::named(path).filter(|_| now.snapshot.compat == Compat::Kong3);
    let config = path == "/config" && asked.method() == Method::POST;
    let level = level.filter(|_| asked.method() == Method::PUT);
    if api == Api::Status || !(config || level.is_some()) {
        return Ok(None);
    }
    if now.settings.admin_read_only {
        return Err(read_only().into());
    }
    match level {
        Some(name) => verbosity::change(name, asked).map(|change| Some(Wish::Level(change))),
        None => config::offer(asked, now).map(|offer| Some(Wish::Config(offer, secrets(local, asked, now)))),
    }
}

/// What the setting `admin_read_only` answers to whatever changes something.
pub(super) fn read_only() -> Response<Bytes> {
    message(StatusCode::FORBIDDEN, "The Admin API is read only (setting admin_read_only)")
}

// === impl Means ===

impl Means {
    /// Does it, and answers.
    pub(super) async fn grant(&self, wish: Wish, settings: &Settings) -> Response<Bytes> {
        match wish {
            Wish::Config(offer, secrets) => self.load(&offer, secrets).await,
            Wish::Level(change) => {
                self.log(change, settings.log_level);
                verbosity::changed()
            }
        }
    }

    async fn load(&self, offer: &Offer, secrets: bool) -> Response<Bytes> {
        let outcome = match self.letterbox.post(offer.source.clone()) {
            Ok(outcome) => outcome,
            Err(NotTaken::Busy) => return busy(),
            Err(NotTaken::Nobody) => return nobody(),
        };
        match timeout(LOADING, outcome).await {
            Ok(Ok(Ok(snapshot))) => config::served(&snapshot, secrets),
            Ok(Ok(Err(refusal))) => config::refused(&refusal, offer),
            Ok(Err(_)) => nobody(),
            Err(_) => message(StatusCode::GATEWAY_TIMEOUT, "Timed out while loading configuration"),
        }
    }

    /// The settings' level holds again after the time, unless it was changed again.
    fn log(&self, Change { level, time }: Change, usual: tracing::Level) {
        let turn = self.levels.get().wrapping_add(1);
        self.levels.set(turn);
        if time.is_zero() {
            observe::verbosity::set(usual);
            return tracing::info!("the log's level is the settings' again, as asked over the Admin API");
        }
        observe::verbosity::set(level);
        tracing::info!(%level, ?time, "the log's level was changed over the Admin API");
        let levels = Rc::clone(&self.levels);
        tokio::task::spawn_local(async move {
            sleep(time).await;
            if levels.get() == turn {
                observe::verbosity::set(usual);
                tracing::info!("the log's level is the settings' again");
            }
        });
    }
}

fn busy() -> Response<Bytes> {
    let mut res = message(StatusCode::TOO_MANY_REQUESTS, "Currently loading previous configuration");
    res.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    res
}

/// Such as that of `gateway demo`.
fn nobody() -> Response<Bytes> {
    message(StatusCode::BAD_REQUEST, "The configuration of this process cannot be replaced")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::sync::mpsc;

    fn posted() -> Wish {
        Wish::Config(Offer::of("_format_version: '3.0'"), false)
    }

    fn means(letterbox: Letterbox) -> Means {
        Means { letterbox, levels: Rc::default() }
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_ever() {
        let (to, asked) = mpsc::channel();
        let means = means(Letterbox::new(to));
        let (begun, settings) = (tokio::time::Instant::now(), Settings::default());
        assert_eq!(means.grant(posted(), &settings).await.status(), StatusCode::GATEWAY_TIMEOUT);
        assert_eq!(begun.elapsed(), LOADING);
        let again = means.grant(posted(), &settings).await;
        assert_eq!(
            (again.status(), again.headers()[RETRY_AFTER].as_bytes()),
            (StatusCode::TOO_MANY_REQUESTS, &b"1"[..])
        );
        drop(asked);
        assert_eq!(means.grant(posted(), &settings).await.status(), StatusCode::BAD_REQUEST);
    }
}
