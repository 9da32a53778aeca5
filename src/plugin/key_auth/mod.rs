//! `key-auth`: lets in who shows a consumer's key (`kong/plugins.md` §5, recorded suite of that name).

mod schema;
mod search;
#[cfg(test)]
mod tests;

use super::auth::{self, Auth};
use super::payload::Payload;
use super::{Build, Ctx, Define, Flow, Plugin};
use crate::body::Body;
use crate::buffer::{self, Read};
use crate::config::schema::Record;
use crate::config::value::Checked;
use crate::consumers::CredentialId;
use crate::entity::Compat;
use crate::reply;
use futures_util::future::LocalBoxFuture;
use http::header::WWW_AUTHENTICATE;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use search::{Found, Search};

/// The plugin.
#[derive(Debug)]
pub struct KeyAuth {
    auth: Auth,
    search: Search,
    hides: bool,
    /// Whether requests by `OPTIONS` need a key as well.
    preflight: bool,
    challenge: HeaderValue,
}

/// Left by `access`: Kong 2 asks for a key with whatever answer there will be, the anonymous consumer's, too (recorded).
#[derive(Clone, Copy)]
struct Asks;

/// Why somebody is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    Missing,
    Twice,
    Unknown,
}

// === impl KeyAuth ===

impl Plugin for KeyAuth {
    fn access(&self, req: &mut Request<Body>, cx: &mut Ctx) -> Flow {
        if self.auth.is_settled(cx) {
            return Flow::Continue;
        }
        if !self.preflight && req.method() == Method::OPTIONS {
            return Auth::pass(req, cx);
        }
        if self.search.needs_body(req) { Flow::Wait } else { self.decide(None, req, cx) }
    }

    fn wait<'a>(&'a self, req: &'a mut Request<Body>, cx: &'a mut Ctx) -> LocalBoxFuture<'a, Flow> {
        Box::pin(async move {
            let body = match buffer::read(req.body_mut(), cx.body_buffer).await {
                Read::Whole(body) => Payload::read(&body, req.headers(), cx.compat),
                Read::TooLong | Read::Broken => None,
            };
            self.decide(body, req, cx)
        })
    }

    fn response(&self, res: &mut Response<Body>, cx: &mut Ctx) {
        if cx.stash.remove::<Asks>().is_some() {
            res.headers_mut().entry(WWW_AUTHENTICATE).or_insert_with(|| self.challenge.clone());
        }
    }

    fn secrets(&self) -> &[Box<str>] {
        self.search.secrets()
    }

    fn remark(&self) -> Option<String> {
        Some(format!("asks for a key in {}{}", self.search, self.auth.remark()))
    }
}

impl KeyAuth {
    fn decide(&self, body: Option<Payload>, req: &mut Request<Body>, cx: &mut Ctx) -> Flow {
        let found = self.search.run(req, cx, body.as_ref());
        let (verdict, name) = match &found {
            Found::Nothing => (Err(Refusal::Missing), None),
            Found::Twice => (Err(Refusal::Twice), None),
            Found::Key(key, name) => (self.judge(key), Some(*name)),
        };
        drop(found);
        if let Some(name) = name.filter(|_| self.hides) {
            name.hide(body, req, cx);
        }
        match verdict {
            Ok(credential) => self.auth.admit(credential, req, cx),
            Err(refusal) => {
                let answer = self.answer(refusal, req, cx);
                return self.auth.refuse(answer, req, cx);
            }
        }
        Flow::Continue
    }

    fn judge(&self, key: &[u8]) -> Result<CredentialId, Refusal> {
        if key.is_empty() {
            return Err(Refusal::Missing);
        }
        self.auth.consumers().keys.find(key).ok_or(Refusal::Unknown)
    }

    /// Kong 3 asks everybody for a key, Kong 2 only those who show none.
    fn answer(&self, refusal: Refusal, req: &Request<Body>, cx: &mut Ctx) -> Response<Body> {
        let mut res = reply::error(StatusCode::UNAUTHORIZED, Some(refusal.message()), &cx.asker(req));
        match cx.compat {
            Compat::Kong3 => _ = res.headers_mut().insert(WWW_AUTHENTICATE, self.challenge.clone()),
            Compat::Kong2 if refusal == Refusal::Missing => _ = cx.stash.insert(Asks),
            Compat::Kong2 => {}
        }
        res
    }
}

impl Define for KeyAuth {
    const NAME: &'static str = "key-auth";
    const CONSUMER_SCOPE: bool = false;

    fn priority(compat: Compat) -> i32 {
        match compat {
            Compat::Kong2 => 1003,
            Compat::Kong3 => 1250,
        }
    }

    fn schema() -> &'static Record {
        &schema::CONFIG
    }

    fn build(config: &Checked, cx: &mut Build<'_>) -> Option<Self> {
        let realm = if cx.compat == Compat::Kong2 { Some("kong") } else { config.str("realm") };
        let challenge = realm.map_or(Some(HeaderValue::from_static("Key")), |realm| auth::challenge("Key", realm));
        Some(Self {
            auth: Auth::read(config, cx),
            search: Search::read(config),
            hides: config.bool("hide_credentials"),
            preflight: config.bool("run_on_preflight"),
            challenge: challenge?,
        })
    }
}

// === impl Refusal ===

impl Refusal {
    const fn message(self) -> &'static str {
        match self {
            Self::Missing => "No API key found in request",
            Self::Twice => "Duplicate API key found",
            Self::Unknown => "Invalid authentication credentials",
        }
    }
}
