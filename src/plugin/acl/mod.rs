//! `acl`: which groups may pass (`kong/plugins.md` §7, recorded suite `acl`).
//!
//! Groups are the consumer's, or those that a function plugin named. What a list says of the configuration's consumers is
//! worked out once, when the first of them asks.

mod list;
mod schema;
#[cfg(test)]
mod tests;

use super::auth;
use super::{Build, Ctx, Define, Flow, Plugin};
use crate::body::Body;
use crate::config::schema::Record;
use crate::config::value::Checked;
use crate::consumers::{Consumer, Directory};
use crate::entity::{Compat, ConsumerId};
use crate::reply;
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use list::List;
use std::sync::OnceLock;

/// The plugin.
#[derive(Debug)]
pub struct Acl {
    list: List,
    hides: bool,
    /// Whether named groups count for a known consumer, too (Kong 3.9).
    prefers_named: bool,
    consumers: Directory,
    /// Whether the list admits a consumer, by number.
    admitted: OnceLock<Box<[bool]>>,
}

/// Whose groups count.
#[derive(Clone, Copy)]
enum Who<'a> {
    /// A consumer of the configuration.
    Consumer(ConsumerId, &'a Consumer),
    /// Somebody whose groups a function plugin named.
    Named(&'a [Box<str>]),
    /// Somebody without groups: no consumer.
    Nobody,
}

const CONSUMER_GROUPS: HeaderName = HeaderName::from_static("x-consumer-groups");
const AUTHENTICATED_GROUPS: HeaderName = HeaderName::from_static("x-authenticated-groups");

// === impl Acl ===

impl Plugin for Acl {
    fn access(&self, req: &mut Request<Body>, cx: &mut Ctx) -> Flow {
        let who = self.who(cx);
        if !self.admits(who) {
            return refuse(who, req, cx);
        }
        let headers = req.headers_mut();
        forget(headers);
        if !self.hides {
            who.introduce(headers);
        }
        Flow::Continue
    }

    fn reason(&self, cx: &Ctx) -> Option<String> {
        match self.who(cx) {
            Who::Nobody => Some("nobody is authenticated".to_owned()),
            Who::Consumer(_, consumer) => self.list.objection(&consumer.groups),
            Who::Named(groups) => self.list.objection(groups),
        }
    }
}

impl Acl {
    /// Named groups count for those who are not known by a credential.
    fn who<'a>(&'a self, cx: &'a Ctx) -> Who<'a> {
        let named = cx.authenticated_groups.as_deref().map(Who::Named);
        let known = cx.consumer.and_then(|id| Some(Who::Consumer(id, self.consumers.get().get(id)?)));
        let prefers = self.prefers_named || cx.authenticated.is_none() || known.is_none();
        named.filter(|_| prefers).or(known).unwrap_or(Who::Nobody)
    }

    fn admits(&self, who: Who<'_>) -> bool {
        match who {
            Who::Consumer(id, _) => self.admitted().get(id.index()).is_some_and(|admitted| *admitted),
            Who::Named(groups) => self.list.admits(groups),
            Who::Nobody => false,
        }
    }

    fn admitted(&self) -> &[bool] {
        let judge = |consumer: &Consumer| self.list.admits(&consumer.groups);
        self.admitted.get_or_init(|| self.consumers.get().all().iter().map(judge).collect())
    }
}

/// Who has shown no credential, and has no group that could be refused, is asked for one.
fn refuse(who: Who<'_>, req: &Request<Body>, cx: &Ctx) -> Flow {
    let stranger = match who {
        Who::Consumer(_, consumer) => consumer.groups.is_empty(),
        Who::Named(_) => false,
        Who::Nobody => true,
    };
    let (status, message) = if stranger && cx.authenticated.is_none() {
        (StatusCode::UNAUTHORIZED, "Unauthorized")
    } else {
        (StatusCode::FORBIDDEN, "You cannot consume this service")
    };
    Flow::Respond(reply::error(status, Some(message), &cx.asker(req)))
}

/// What a client says of its groups never passes, even where the upstream is told nothing of them. Kong passes it then.
fn forget(headers: &mut HeaderMap) {
    headers.remove(CONSUMER_GROUPS);
    headers.remove(AUTHENTICATED_GROUPS);
    auth::forget_spellings(headers);
}

impl Define for Acl {
    const NAME: &'static str = "acl";
    const CONSUMER_SCOPE: bool = false;

    fn priority(_: Compat) -> i32 {
        950
    }

    fn schema() -> &'static Record {
        &schema::CONFIG
    }

    fn build(config: &Checked, cx: &mut Build<'_>) -> Option<Self> {
        Some(Self {
            list: List::read(config),
            hides: config.bool("hide_groups_header"),
            prefers_named: config.bool("always_use_authenticated_groups"),
            consumers: cx.consumers(),
            admitted: OnceLock::new(),
        })
    }
}

// === impl Who ===

impl Who<'_> {
    /// Tells the upstream.
    fn introduce(self, headers: &mut HeaderMap) {
        let (name, value) = match self {
            Self::Consumer(_, consumer) => (CONSUMER_GROUPS, consumer.headers.groups.clone()),
            Self::Named(groups) => (AUTHENTICATED_GROUPS, HeaderValue::from_bytes(groups.join(", ").as_bytes()).ok()),
            Self::Nobody => return,
        };
        if let Some(value) = value {
            headers.insert(name, value);
        }
    }
}
