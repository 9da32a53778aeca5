//! What a log record tells of a request that nothing else asks for. The proxy notes it as things happen, and only where
//! some plugin of the chain [records](crate::plugin::Plugin::records).

use crate::body::Body;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri};
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What is noted of one request.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The host that it was sent to: lower case, without port.
    pub host: HeaderValue,
    /// Bytes of its head, as HTTP/1.1 sends them.
    pub head: u64,
    /// Bytes of its body: what it says, else what was handed on.
    pub body: Option<u64>,
    /// What the handshake of its connection said; `None` without TLS.
    pub tls: Option<Handshake>,
    /// What is called a secret of clients, in lower case.
    pub secrets: Arc<[Box<str>]>,
    /// What the upstream was asked for; `None` if it never came to that.
    pub upstream: Option<Uri>,
    /// Attempts at the upstream; `None` before there is a route.
    pub tries: Option<Vec<Try>>,
    /// How it ended; `None` before it has.
    pub end: Option<End>,
    /// Fields that Lua set, in that order; added by [`Self::change`].
    pub changes: Vec<Change>,
}

/// A field that Lua wants in the record, or out of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Names joined by dots.
    pub place: Box<str>,
    /// What stands there; `None` for nothing.
    pub value: Option<Value>,
    /// When.
    pub mode: Mode,
}

/// When a field is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Always.
    Set,
    /// If it is not there.
    Add,
    /// If it is there.
    Replace,
}

/// Most changes of one request: Lua may not pile up more.
const CHANGES: usize = 1000;

/// A TLS handshake, in nginx's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handshake {
    /// `TLSv1.3`.
    pub version: &'static str,
    /// What OpenSSL calls the cipher suite.
    pub cipher: &'static str,
    /// Whether the client showed a certificate that is good.
    pub verified: bool,
}

/// One attempt at an upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Try {
    /// The peer.
    pub peer: SocketAddr,
    /// When the choice of it began.
    pub start: Instant,
    /// How long that took.
    pub choice: Duration,
    /// What the client would have been told after a failure.
    pub failed: Option<StatusCode>,
}

/// How a request ended.
#[derive(Clone, Debug)]
pub struct End {
    /// The answer's status.
    pub status: StatusCode,
    /// Its headers, as they went out.
    pub headers: HeaderMap,
    /// Bytes of its body that were handed over.
    pub bytes: u64,
    /// From the request's head to the choice of the last peer, or to the answer when none was asked.
    pub gateway: Duration,
    /// From there to the upstream's head; `None` if none was asked.
    pub upstream: Option<Duration>,
    /// From there to the end of the answer's body.
    pub receive: Duration,
    /// From the request's head to that end.
    pub total: Duration,
}

// === impl Facts ===

impl Facts {
    /// What is known of a request that was sent to a host, with what secrets are called.
    #[must_use]
    pub fn new(host: HeaderValue, secrets: Arc<[Box<str>]>) -> Self {
        Self {
            host,
            head: 0,
            body: None,
            tls: None,
            secrets,
            upstream: None,
            tries: None,
            end: None,
            changes: Vec::new(),
        }
    }

    /// Remembers a field.
    ///
    /// # Errors
    /// When there are too many.
    pub fn change(&mut self, change: Change) -> Result<(), &'static str> {
        if self.changes.len() >= CHANGES {
            return Err("too many fields were set for the log");
        }
        self.changes.push(change);
        Ok(())
    }

    /// Bytes of a request's head in HTTP/1.1.
    #[must_use]
    pub fn request_head(method: &Method, target: &Uri, headers: &HeaderMap) -> u64 {
        let target = target.path_and_query().map_or(1, |target| target.as_str().len());
        (method.as_str().len() + target + "  HTTP/1.1\r\n\r\n".len()) as u64 + lines(headers)
    }
}

// === impl End ===

impl End {
    /// Bytes of the whole answer in HTTP/1.1, without what chunks would add.
    #[must_use]
    pub fn size(&self) -> u64 {
        let reason = self.status.canonical_reason().map_or(0, str::len);
        ("HTTP/1.1 200 \r\n\r\n".len() + reason) as u64 + lines(&self.headers) + self.bytes
    }

    /// The answer's head.
    #[must_use]
    pub fn head(&self) -> Response<Body> {
        let mut res = Response::new(Body::Empty);
        (*res.status_mut(), *res.headers_mut()) = (self.status, self.headers.clone());
        res
    }
}

fn lines(headers: &HeaderMap) -> u64 {
    headers.iter().map(|(name, value)| (name.as_str().len() + value.len() + ": \r\n".len()) as u64).sum()
}
