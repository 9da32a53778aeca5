//! `request-transformer`: changes a request on its way upstream (`kong/plugins.md` §3, recorded suite of that name).
//!
//! The order is Kong's: path, method, headers, body, query. Each has its file, and says there what it may do. All that
//! configuration decides is decided when it is loaded. Templates (`$(…)`) are not supported yet, and refused by name.

mod body;
mod changes;
mod form;
mod headers;
mod json;
mod method;
mod multipart;
mod path;
mod query;
mod schema;
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

/// The plugin.
#[derive(Debug)]
pub struct RequestTransformer {
    path: NewPath,
    method: NewMethod,
    headers: Changes<Headers>,
    body: Changes<InBody>,
    query: Changes<InQuery>,
}

/// Kong crashes here: the client gets its answer to an uncaught error.
#[derive(Debug, PartialEq, Eq)]
struct Crash;

/// Left by `access` for `wait`: the form in the body goes into the query.
#[derive(Clone)]
struct Merge;

// === impl RequestTransformer ===

impl Plugin for RequestTransformer {
    fn access(&self, req: &mut Request<Body>, cx: &mut Ctx) -> Flow {
        match self.head(req, cx) {
            Ok(false) => {
                query::change(&self.query, req, cx);
                Flow::Continue
            }
            Ok(true) => Flow::Wait,
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
            self.tail(&body, req, cx)
        })
    }
}

impl RequestTransformer {
    /// All before the body. `true` if the body is needed.
    fn head(&self, req: &mut Request<Body>, cx: &mut Ctx) -> Result<bool, Crash> {
        self.path.change(cx)?;
        let merge = self.method.change(req)?;
        if merge {
            cx.stash.insert(Merge);
        }
        headers::change(&self.headers, req.headers_mut(), cx);
        Ok(merge || body::is_changed(&self.body, req.headers()))
    }

    /// The body, and all after it.
    fn tail(&self, body: &[u8], req: &mut Request<Body>, cx: &mut Ctx) -> Flow {
        if cx.stash.remove::<Merge>().is_some() {
            query::merge_form(body, req, cx);
        }
        if body::change(&self.body, body, req, cx.compat).is_err() {
            return crashed();
        }
        query::change(&self.query, req, cx);
        Flow::Continue
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
        Some(Self { path: path?, method, headers: headers?, body: body?, query: query? })
    }
}

fn crashed() -> Flow {
    Flow::Respond(reply::exit(StatusCode::INTERNAL_SERVER_ERROR, reply::UNEXPECTED))
}
