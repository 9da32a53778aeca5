//! `request-transformer`: changes a request on its way upstream (`kong/plugins.md` §3, recorded suite of that name).
//!
//! The order is Kong's: path, method, headers, body, query. Each has its file, and says there what it may do. All that
//! configuration decides is decided when it is loaded; templates (`$(…)`) are read then, and evaluated per request.

mod body;
mod changes;
mod form;
mod headers;
mod json;
mod list;
mod method;
mod multipart;
mod path;
mod query;
mod schema;
mod template;
#[cfg(test)]
mod tests;

use super::{Build, Ctx, Define, Flow, Plugin};
use crate::body::Body;
use crate::buffer::{self, Read};
use crate::config::schema::Record;
use crate::config::value::Checked;
use crate::entity::Compat;
use crate::reply;
use bytes::Bytes;
use changes::{Changes, Headers, InBody, InQuery};
use futures_util::future::LocalBoxFuture;
use http::{Request, StatusCode};
use method::NewMethod;
use path::NewPath;
use template::Seen;

/// The plugin.
#[derive(Debug)]
pub struct RequestTransformer {
    path: NewPath,
    method: NewMethod,
    headers: Changes<Headers>,
    body: Changes<InBody>,
    query: Changes<InQuery>,
    /// Whether templates for body or query may look at headers, which are changed before.
    keep_headers: bool,
}

/// Kong crashes here: the client gets its answer to an uncaught error.
#[derive(Debug, PartialEq, Eq)]
struct Crash;

/// Left by `access` for `wait`: the form in the body goes into the query, before headers are changed.
#[derive(Clone)]
struct Merge;

// === impl RequestTransformer ===

impl Plugin for RequestTransformer {
    fn access(&self, req: &mut Request<Body>, cx: &mut Ctx) -> Flow {
        let mut seen = Seen::default();
        match self.head(req, cx, &mut seen) {
            Ok(false) => flow(query::change(&self.query, req, cx, &seen)),
            Ok(true) => {
                if !seen.is_empty() {
                    cx.stash.insert(seen);
                }
                Flow::Wait
            }
            Err(Crash) => crashed(),
        }
    }

    fn wait<'a>(&'a self, req: &'a mut Request<Body>, cx: &'a mut Ctx) -> LocalBoxFuture<'a, Flow> {
        Box::pin(async move {
            let body = match buffer::read(req.body_mut(), cx.body_buffer).await {
                Read::Whole(body) => body,
                // Counts as empty, in Kong as well.
                Read::TooLong => Bytes::new(),
                // Forwarding it will fail, and must.
                Read::Broken => return Flow::Continue,
            };
            flow(self.tail(&body, req, cx))
        })
    }
}

impl RequestTransformer {
    /// All that can be done without the body. `true` if the body is needed.
    fn head(&self, req: &mut Request<Body>, cx: &mut Ctx, seen: &mut Seen) -> Result<bool, Crash> {
        self.path.change(req, cx, seen)?;
        if self.method.change(req)? {
            cx.stash.insert(Merge);
            return Ok(true);
        }
        headers::change(&self.headers, req, cx, seen, self.keep_headers)?;
        Ok(body::is_changed(&self.body, req.headers()))
    }

    /// The rest.
    fn tail(&self, body: &[u8], req: &mut Request<Body>, cx: &mut Ctx) -> Result<(), Crash> {
        let mut seen = cx.stash.remove::<Seen>().unwrap_or_default();
        if cx.stash.remove::<Merge>().is_some() {
            query::merge_form(body, req, cx);
            headers::change(&self.headers, req, cx, &mut seen, self.keep_headers)?;
        }
        body::change(&self.body, body, req, cx, &seen)?;
        query::change(&self.query, req, cx, &seen)
    }
}

impl Define for RequestTransformer {
    const NAME: &'static str = "request-transformer";

    fn priority(_: Compat) -> i32 {
        801
    }

    fn schema() -> &'static Record {
        &schema::CONFIG
    }

    fn build(config: &Checked, cx: &mut Build<'_>) -> Option<Self> {
        let path = NewPath::read(config, cx);
        let method = NewMethod::read(config, cx);
        let (headers, body, query) = (changes::read(config, cx), changes::read(config, cx), changes::read(config, cx));
        let (body, query): (Changes<_>, Changes<_>) = (body?, query?);
        let keep_headers = body.reads_headers() || query.reads_headers();
        Some(Self { path, method, headers: headers?, body, query, keep_headers })
    }
}

fn flow(result: Result<(), Crash>) -> Flow {
    result.map_or_else(|Crash| crashed(), |()| Flow::Continue)
}

fn crashed() -> Flow {
    Flow::Respond(reply::exit(StatusCode::INTERNAL_SERVER_ERROR, reply::UNEXPECTED))
}
