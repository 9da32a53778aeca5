//! What happens to a request on its way: the contract of a plugin, and the one table of those that exist.
//!
//! Phases are Kong's (`kong/plugins.md` §1): `access` before the upstream is asked, `response` when there is an answer
//! (also one that a plugin or the gateway made), `log` when the last byte is gone. Every phase runs in the same order.
//! To add a plugin: write `plugin/NAME.rs` with a type that is [`Plugin`] and [`Define`], and add a line to the table.

mod arrival;
pub mod auth;
mod basic;
pub mod chain;
mod client;
mod context;
mod logger;
mod pair;
pub(crate) mod payload;
mod piece;
mod rate;
pub mod record;
#[cfg(test)]
pub(crate) mod testing;
mod whole;

pub use arrival::Arrival;
pub use auth::Authenticated;
pub use chain::{Chain, Slot, Special, Witness};
pub use context::{Answered, Ctx, Detour, Ended, Group, Head, Kept, Origin, Peer, Received, Whom};
pub use piece::Piece;
pub(crate) use piece::shown;

use crate::acme::Plan;
use crate::body::Body;
use crate::config::report::{Diagnostic, Report, Span, Step};
use crate::config::schema::Record;
use crate::config::value::Checked;
use crate::consumers::Directory;
use crate::entity::Compat;
use crate::live::LiveFile;
use futures_util::future::LocalBoxFuture;
use http::{Extensions, HeaderName, Request, Response};
use std::io;
use std::path::Path;
use std::sync::Arc;
use uuid::Uuid;

/// What a plugin decided about a request.
#[derive(Debug)]
pub enum Flow {
    /// Go on to the next plugin.
    Continue,
    /// Answer with this. Later plugins' `access` is skipped; every plugin's `response` still runs.
    Respond(Response<Body>),
    /// Call [`Plugin::wait`]: this request needs something that is not here yet, such as its body.
    Wait,
}

/// Phases that few plugins have, so that a chain without them does nothing for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rare {
    /// [`Plugin::rewrite`].
    pub rewrite: bool,
    /// [`Plugin::body`].
    pub body: bool,
    /// Whether `body` or `log` look at the answer's head: it is in [`Ctx::answered`] then.
    pub answered: bool,
}

/// Where an instance stands, by the ids of entities, which are the same in the next configuration that has them.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// The route that it is bound to.
    pub route: Option<Uuid>,
    /// The service.
    pub service: Option<Uuid>,
    /// All services, by number.
    pub services: Arc<[Uuid]>,
}

/// Behaviour. Every method has a default, so that a plugin writes only what it needs.
pub trait Plugin: Send + Sync + 'static {
    /// Before there is a route; only of instances that are bound to nothing. The body is not there yet. An answer ends it.
    fn rewrite(&self, _req: &mut Request<Body>, _cx: &mut Ctx) -> Option<Response<Body>> {
        None
    }

    /// Once, before the first request: the configuration is resolved, and this is the instance's place in it.
    fn bound(&self, _to: &Scope) {}

    /// Before the upstream is asked. `req` has the client's method and headers; what goes upstream as path and query
    /// is in [`Ctx::path`] and [`Ctx::query`].
    fn access(&self, _req: &mut Request<Body>, _cx: &mut Ctx) -> Flow {
        Flow::Continue
    }

    /// Called only after `access` answered [`Flow::Wait`].
    fn wait<'a>(&'a self, _req: &'a mut Request<Body>, _cx: &'a mut Ctx) -> LocalBoxFuture<'a, Flow> {
        Box::pin(std::future::ready(Flow::Continue))
    }

    /// When there is an answer, whoever made it ([`Ctx::origin`]).
    fn response(&self, _res: &mut Response<Body>, _cx: &mut Ctx) {}

    /// For each piece of the answer's body on its way to the client. The answer's head is gone by then.
    fn body(&self, _piece: &mut Piece, _cx: &mut Ctx) {}

    /// When the answer's last byte is gone, or the client.
    fn log(&self, _cx: &mut Ctx) {}

    /// Request headers that `response` or `log` look at; they are in [`Ctx::kept`] then, as the client sent them, even
    /// when `access` never ran.
    fn keeps(&self) -> &[HeaderName] {
        &[]
    }

    /// What headers, arguments and fields are called that bring it a client's secret, in lower case. Their values are shown
    /// neither in logs nor by `gateway explain`.
    fn secrets(&self) -> &[Box<str>] {
        &[]
    }

    /// Whether a later phase looks back at the request's head as it went upstream, or at the upstream's answer as it
    /// came: they are in [`Ctx::head`] and [`Ctx::received`] then.
    fn keeps_head(&self) -> bool {
        false
    }

    /// Whether it wants the sizes in [`Ctx::ended`].
    fn measures(&self) -> bool {
        false
    }

    /// Whether `/metrics` is to tell of upstreams' targets; `None` where it is not for this plugin to say.
    fn tells_of_targets(&self) -> Option<bool> {
        None
    }

    /// Which of the phases it has that most plugins have not.
    fn phases(&self) -> Rare {
        Rare::default()
    }

    /// Whether `log` writes a [record] of the request: what that needs is in [`Ctx::facts`] then.
    fn records(&self) -> bool {
        false
    }

    /// What certificates it wants to have ordered.
    fn certificates(&self) -> Option<&Arc<Plan>> {
        None
    }

    /// What it does that one request alone cannot show, for `gateway explain`: a few words, lower case, no full stop.
    fn remark(&self) -> Option<String> {
        None
    }

    /// Why it decided as it did about this request, in the same form, where its answer does not say so. For the
    /// operator's eyes, asked of a plugin whose turn has come.
    fn reason(&self, _cx: &Ctx) -> Option<String> {
        None
    }
}

/// Definition: static facts, and the way in from configuration. The only place where a plugin may fail.
pub trait Define: Plugin + Sized {
    /// As written in a file.
    const NAME: &'static str;
    /// Whether an instance may be bound to a consumer.
    const CONSUMER_SCOPE: bool = true;
    /// Whether an instance may be bound to a route or a service.
    const ROUTE_SCOPE: bool = true;
    /// Whether it is this gateway's own: Kong refuses a file with it.
    const EXTENSION: bool = false;
    /// Kong's number; high runs first.
    fn priority(compat: Compat) -> i32;
    /// What `config` may hold.
    fn schema() -> &'static Record;
    /// Turns a checked `config` into behaviour. `None`: the errors are in the report already.
    fn build(config: &Checked, cx: &mut Build<'_>) -> Option<Self>;
}

/// What a plugin's [`Define::build`] works with.
pub struct Build<'a> {
    /// Whose behaviour.
    pub compat: Compat,
    /// Where errors go.
    pub report: &'a mut Report,
    /// Kong's path to this `config`, e.g. `services / 1 / plugins / 0 / config`.
    pub path: &'a [Step],
    /// A file's content.
    pub files: &'a dyn Fn(&Path) -> io::Result<Vec<u8>>,
    /// Files that the plugin wants to be told of when they change.
    pub watch: &'a mut Vec<LiveFile>,
    /// What the instances of one configuration share, by type, such as the zones of `limit-req`.
    pub shared: &'a mut Extensions,
    /// What those of the configuration before this one shared. Whoever goes on counting takes from it; nothing in it may be
    /// changed, for this configuration may yet be refused.
    pub before: &'a Extensions,
    /// Where the plugin stands, told by names as far as there are any: the same in the next configuration.
    pub standing: &'a dyn Fn() -> String,
}

/// A row of the table: a [`Define`] without its type.
#[derive(Clone, Copy)]
pub struct Entry {
    /// As written in a file.
    pub name: &'static str,
    /// Whether an instance may be bound to a consumer.
    pub consumer_scope: bool,
    /// Whether an instance may be bound to a route or a service.
    pub route_scope: bool,
    /// Whether Kong has no plugin of this name.
    pub extension: bool,
    /// Kong's number.
    pub priority: fn(Compat) -> i32,
    /// What `config` may hold.
    pub schema: fn() -> &'static Record,
    /// See [`Define::build`].
    pub build: fn(&Checked, &mut Build<'_>) -> Option<Arc<dyn Plugin>>,
}

macro_rules! plugins {
    ($($module:ident::$plugin:ident $(+ $more:ident)*),* $(,)?) => {
        $(pub mod $module;)*

        /// Every plugin there is.
        pub const TABLE: &[Entry] = &[$(Entry::of::<$module::$plugin>(), $(Entry::of::<$module::$more>(),)*)*];
    };
}

plugins! {
    acl::Acl,
    acme::Acme,
    basic_auth::BasicAuth,
    bot_detection::BotDetection,
    correlation_id::CorrelationId,
    cors::Cors,
    file_log::FileLog,
    function::PostFunction + PreFunction,
    hmac_auth::HmacAuth,
    htpasswd::Htpasswd,
    http_log::HttpLog,
    ip_restriction::IpRestriction,
    jwt::Jwt,
    key_auth::KeyAuth,
    limit_req::LimitReq,
    prometheus::Prometheus,
    rate_limiting::RateLimiting,
    redirect::Redirect,
    request_size_limiting::RequestSizeLimiting,
    request_termination::RequestTermination,
    request_transformer::RequestTransformer,
    response_ratelimiting::ResponseRateLimiting,
    response_transformer::ResponseTransformer,
    security_headers::SecurityHeaders,
    syslog::Syslog,
    tcp_log::TcpLog,
    udp_log::UdpLog,
}

// === impl Rare ===

impl std::ops::BitOr for Rare {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self {
            rewrite: self.rewrite | other.rewrite,
            body: self.body | other.body,
            answered: self.answered | other.answered,
        }
    }
}

// === impl Entry ===

impl Entry {
    const fn of<P: Define>() -> Self {
        Self {
            name: P::NAME,
            consumer_scope: P::CONSUMER_SCOPE,
            route_scope: P::ROUTE_SCOPE,
            extension: P::EXTENSION,
            priority: P::priority,
            schema: P::schema,
            build: |config, cx| Some(Arc::new(P::build(config, cx)?)),
        }
    }

    /// The plugin of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        TABLE.iter().find(|entry| entry.name == name)
    }
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entry").field("name", &self.name).finish_non_exhaustive()
    }
}

// === impl Build ===

impl Build<'_> {
    /// The configuration's consumers: nobody yet, everybody once requests come.
    pub fn consumers(&mut self) -> Directory {
        self.shared.get_or_insert_default::<Directory>().clone()
    }

    /// Reports an error. `field` is the path below `config`, `kong` Kong's words (often the same as `message`).
    pub fn reject(
        &mut self,
        code: &'static str,
        span: Span,
        field: &[Step],
        message: impl Into<String>,
        kong: impl Into<String>,
    ) {
        let path = self.path.iter().chain(field).cloned().collect();
        self.report.push(Diagnostic::error(code, span, message).kong(path, kong));
    }

    /// Reports an error that Kong does not have: something that cannot be served, or not yet.
    pub fn reject_ours(&mut self, code: &'static str, span: Span, message: impl Into<String>) {
        self.report.push(Diagnostic::error(code, span, message));
    }
}

#[cfg(test)]
mod tests {
    use super::{Entry, TABLE};
    use crate::entity::Compat;

    #[test]
    fn every_plugin_is_found_by_its_only_name() {
        for entry in TABLE {
            assert_eq!(TABLE.iter().filter(|other| other.name == entry.name).count(), 1);
            assert!(Entry::named(entry.name).is_some());
        }
        assert!(Entry::named("Cors").is_none());
    }

    #[test]
    fn priorities_are_kongs() {
        let known = [
            ("acl", 950, false),
            ("response-ratelimiting", 900, true),
            ("bot-detection", 2500, false),
            ("cors", 2000, false),
            ("file-log", 9, true),
            ("http-log", 12, true),
            ("limit-req", 1500, false),
            ("ip-restriction", 990, true),
            ("request-size-limiting", 951, true),
            ("request-transformer", 801, true),
            ("response-transformer", 800, true),
            ("security-headers", 798, true),
            ("syslog", 4, true),
            ("tcp-log", 7, true),
            ("udp-log", 8, true),
            ("redirect", 779, true),
            ("request-termination", 2, true),
        ];
        for (name, priority, consumer_scope) in known {
            let entry = Entry::named(name)
                .map(|e| ((e.priority)(Compat::Kong2), (e.priority)(Compat::Kong3), e.consumer_scope));
            assert_eq!(entry, Some((priority, priority, consumer_scope)));
        }
    }
}
