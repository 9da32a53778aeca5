//! `htpasswd`: HTTP Basic (RFC 7617) against a file of Apache's, as nginx's `auth_basic` does it. Not one of Kong's.
//!
//! Hashes are made to be slow: a check that takes long runs on threads of its own ([`crate::offload`]), never on a
//! worker, and a pair that was right once is known again until the file changes. What the file may hold is in [`users`]
//! and [`hash`], who is shut out in [`lockout`].

mod credentials;
mod crypt64;
mod file;
mod gate;
mod hash;
mod lockout;
mod md5_crypt;
mod schema;
mod sha_crypt;
#[cfg(test)]
mod tests;
mod users;

use super::{Build, Ctx, Define, Flow, Plugin, auth};
use crate::body::Body;
use crate::config::schema::Record;
use crate::config::value::Checked;
use crate::crypto;
use crate::entity::Compat;
use crate::live::LiveFile;
use crate::offload::{PATIENCE, offload};
use crate::reply;
use arc_swap::ArcSwap;
use futures_util::future::LocalBoxFuture;
use gate::{Asked, Gate, Verdict};
use http::{HeaderValue, Request, Response, StatusCode, header};
use lockout::Limits;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use users::Users;

/// The plugin. Instances that are configured alike share a gate: what is counted and remembered at one counts at all.
pub struct Htpasswd {
    gate: Arc<Gate>,
    challenge: HeaderValue,
    hide_credentials: bool,
}

/// The gates of a configuration.
#[derive(Clone, Default)]
struct Gates(HashMap<Key, Arc<Gate>>);

/// What gates differ by.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    file: Box<str>,
    realm: Box<str>,
    limits: Limits,
}

// === impl Htpasswd ===

impl Plugin for Htpasswd {
    fn access(&self, req: &mut Request<Body>, cx: &mut Ctx) -> Flow {
        if let Some(verdict) = self.gate.shut_out(cx.client, cx.now).filter(|_| !cx.dry_run) {
            return self.settle(verdict, req, cx);
        }
        let Some(asked) = self.asked(req, cx) else { return Flow::Respond(self.unauthorized()) };
        match self.gate.judge_at_once(&asked) {
            Some(verdict) => self.settle(verdict, req, cx),
            None => Flow::Wait,
        }
    }

    fn wait<'a>(&'a self, req: &'a mut Request<Body>, cx: &'a mut Ctx) -> LocalBoxFuture<'a, Flow> {
        Box::pin(async move {
            let Some(asked) = self.asked(req, cx) else { return Flow::Respond(self.unauthorized()) };
            let gate = Arc::clone(&self.gate);
            match offload(move || gate.judge(&asked)).await {
                Some(verdict) => self.settle(verdict, req, cx),
                None => Flow::Respond(busy()),
            }
        })
    }
}

impl Htpasswd {
    fn asked(&self, req: &Request<Body>, cx: &Ctx) -> Option<Asked> {
        let asked = self.gate.asked(credentials::read(req.headers())?, cx.client, cx.now);
        Some(if cx.dry_run { asked.uncounted() } else { asked })
    }

    fn settle(&self, verdict: Verdict, req: &mut Request<Body>, cx: &mut Ctx) -> Flow {
        match verdict {
            Verdict::Right(user) => cx.user = Some(user),
            Verdict::Wrong => return Flow::Respond(self.unauthorized()),
            Verdict::ShutOut(left) => return Flow::Respond(shut_out(left)),
        }
        if self.hide_credentials {
            req.headers_mut().remove(header::AUTHORIZATION);
        }
        Flow::Continue
    }

    /// In the words of Kong's basic-auth (`kong/plugins.md` §6).
    fn unauthorized(&self) -> Response<Body> {
        let mut res = reply::exit(StatusCode::UNAUTHORIZED, "Unauthorized");
        res.headers_mut().insert(header::WWW_AUTHENTICATE, self.challenge.clone());
        res
    }
}

fn shut_out(left: Duration) -> Response<Body> {
    later(StatusCode::TOO_MANY_REQUESTS, "Too many failed logins", left)
}

/// There are more checks to do than can be done.
fn busy() -> Response<Body> {
    tracing::warn!("more passwords are to be checked than can be; some requests are answered with 503");
    later(StatusCode::SERVICE_UNAVAILABLE, "Too many logins at once", PATIENCE)
}

fn later(status: StatusCode, message: &str, after: Duration) -> Response<Body> {
    let mut res = reply::exit(status, message);
    let seconds = after.as_nanos().div_ceil(1_000_000_000);
    res.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(u64::try_from(seconds).unwrap_or(u64::MAX)));
    res
}

impl Define for Htpasswd {
    const NAME: &'static str = "htpasswd";
    const CONSUMER_SCOPE: bool = false;
    const EXTENSION: bool = true;

    /// That of Kong's basic-auth.
    fn priority(compat: Compat) -> i32 {
        match compat {
            Compat::Kong2 => 1001,
            Compat::Kong3 => 1100,
        }
    }

    fn schema() -> &'static Record {
        &schema::CONFIG
    }

    fn build(config: &Checked, cx: &mut Build<'_>) -> Option<Self> {
        let file = config.get("file")?;
        let text = |field| config.str(field).unwrap_or_default().into();
        let key = Key { file: text("file"), realm: text("realm"), limits: limits(config) };
        // No charset is named: browsers send UTF-8 without it.
        let challenge = auth::challenge("Basic", &key.realm)?;
        let known = cx.shared.get::<Gates>().and_then(|gates| gates.0.get(&key).cloned());
        let gate = known.or_else(|| gate(file, key, cx))?;
        Some(Self { gate, challenge, hide_credentials: config.bool("hide_credentials") })
    }
}

/// A gate for the instances to come as well: the one that the configuration before had, with what it counted and
/// remembers, or a new one. The file must be good in either case.
fn gate(file: &Checked, key: Key, cx: &mut Build<'_>) -> Option<Arc<Gate>> {
    let users = file::load(file, cx)?;
    let before = cx.before.get::<Gates>().and_then(|gates| gates.0.get(&key).cloned());
    let gate = match before {
        Some(gate) => gate,
        None => fresh(file, users, &key, cx)?,
    };
    cx.watch.push(LiveFile::new(&*key.file, file::taking(&key.file, gate.users())));
    cx.shared.get_or_insert_default::<Gates>().0.insert(key, Arc::clone(&gate));
    Some(gate)
}

fn fresh(file: &Checked, users: Users, key: &Key, cx: &mut Build<'_>) -> Option<Arc<Gate>> {
    let Ok(random) = crypto::random() else {
        cx.reject_ours("no-randomness", file.span, "the system gives no random bytes");
        return None;
    };
    let users = Arc::new(ArcSwap::from_pointee(users));
    Some(Arc::new(Gate::new(users, &random, key.limits, &key.realm)))
}

fn limits(config: &Checked) -> Limits {
    let number = |field| config.int(field).and_then(|number| u32::try_from(number).ok()).unwrap_or_default();
    let seconds = |field| Duration::from_secs(number(field).into());
    let max_failures = usize::try_from(number("max_failures")).unwrap_or_default();
    Limits { max_failures, window: seconds("failure_window"), lockout: seconds("lockout") }
}
