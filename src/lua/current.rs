//! What the functions of the API look at: the request that a chunk runs for.

use super::catalog::Catalog;
use super::phase::Phase;
use crate::body::Body;
use crate::consumers::Directory;
use crate::entity::Compat;
use crate::plugin::Ctx;
use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::StreamBody;
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

/// One request while Lua runs for it. Owned by the VM during a call, so that the functions need no reference to it.
#[derive(Debug)]
pub struct Current {
    /// Which phase runs.
    pub phase: Phase,
    /// The request: what goes upstream before it went, and later its head as it went.
    pub req: Request<Body>,
    /// Its context.
    pub cx: Ctx,
    /// The answer; only in phases that have one.
    pub res: Option<Response<Body>>,
    /// The request's body.
    pub payload: Payload,
    /// A piece of the answer's body, and whether it is the last; only in `body_filter`.
    pub piece: Option<(Bytes, bool)>,
    /// How the chunk ended the phase before its last line.
    pub ending: Option<Ending>,
    /// `ngx.status`, set before there is an answer.
    pub status: Option<StatusCode>,
    /// What `ngx.say` and `ngx.print` wrote.
    pub said: Option<Vec<u8>>,
    /// What the plugin's configuration holds besides.
    pub facts: Arc<Facts>,
}

/// A request's body, as far as Lua may look at it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Payload {
    /// Nobody read it: no chunk of the plugin asks for it.
    #[default]
    Unread,
    /// All of it.
    Whole(Bytes),
    /// It is larger than `client_body_buffer_size`.
    TooLong,
}

/// How a chunk ends a phase.
#[derive(Debug)]
pub enum Ending {
    /// With this answer.
    Answer(Box<Response<Body>>),
    /// The phase is over; the request goes on.
    Phase,
}

/// What a configuration holds that Lua may ask for.
#[derive(Debug, Default)]
pub struct Facts {
    /// Its consumers.
    pub consumers: Directory,
    /// Its routes, services and upstreams.
    pub catalog: Catalog,
    /// The settings' `trusted_ips`.
    pub trusted: Arc<[IpNet]>,
    /// Tells the plugin's instance from every other: `kong.ctx.plugin` is its own.
    pub instance: u64,
}

// === impl Current ===

impl Current {
    /// A request in a phase without an answer.
    #[must_use]
    pub fn new(phase: Phase, req: Request<Body>, cx: Ctx, facts: Arc<Facts>) -> Self {
        Self {
            phase,
            req,
            cx,
            res: None,
            payload: Payload::Unread,
            piece: None,
            ending: None,
            status: None,
            said: None,
            facts,
        }
    }

    /// The answer that `ngx.say` and `ngx.print` wrote, if they did. Its length is not told beforehand, as in nginx.
    pub fn said(&mut self) -> Option<Response<Body>> {
        let text = Bytes::from(self.said.take()?);
        let frames = stream::iter([Ok(Frame::data(text))]);
        let mut res = Response::new(Body::boxed(StreamBody::new(frames)));
        *res.status_mut() = self.status.unwrap_or_default();
        Some(res)
    }

    /// What is left when the real one was lost.
    pub(super) fn lost(now: Instant) -> Self {
        let cx = Ctx::new(Compat::Kong2, IpAddr::V4(Ipv4Addr::UNSPECIFIED), false, now, SystemTime::UNIX_EPOCH);
        Self::new(Phase::Log, Request::new(Body::Empty), cx, Arc::default())
    }
}
