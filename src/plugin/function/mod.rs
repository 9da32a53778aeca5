//! `pre-function` and `post-function`: Lua of the configuration, before and after all other plugins (`kong/plugins.md`
//! §17, recorded suite `functions`).

mod schema;
#[cfg(test)]
mod tests;

use super::{Answered, Build, Ctx, Define, Flow, Head, Piece, Plugin, Rare};
use crate::body::Body;
use crate::buffer::{self, Read};
use crate::config::report::Diagnostic;
use crate::config::schema::Record;
use crate::config::value::Checked;
use crate::entity::Compat;
use crate::lua::catalog::Catalog;
use crate::lua::{Chunk, Current, Ending, Facts, Fault, Payload, Phase, chunk};
use crate::reply;
use crate::settings::UntrustedLua;
use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use http::{Request, Response, StatusCode};
use ipnet::IpNet;
use std::sync::Arc;

/// What names of functions have in common that look at the request's body.
const BODY: &[&str] = &["body", "post_args"];

/// The chunks of one plugin.
#[derive(Debug)]
struct Function {
    name: &'static str,
    rewrite: Box<[Chunk]>,
    access: Box<[Chunk]>,
    header_filter: Box<[Chunk]>,
    body_filter: Box<[Chunk]>,
    log: Box<[Chunk]>,
    /// Whether `access` looks at the request's body.
    reads_body: bool,
    facts: Arc<Facts>,
}

/// In the stash once a chunk said that an answer's body ends here.
#[derive(Clone, Copy)]
struct Ended;

/// `pre-function`.
#[derive(Debug)]
pub struct PreFunction(Function);

/// `post-function`.
#[derive(Debug)]
pub struct PostFunction(Function);

// === impl Function ===

impl Function {
    fn build(name: &'static str, config: &Checked, cx: &mut Build<'_>) -> Self {
        let rules = cx.shared.get_or_insert_default::<Arc<UntrustedLua>>().clone();
        let chunks = |phase: &str| -> Box<[Chunk]> {
            let label = |at| format!("{name} {phase} {at}");
            let chunk = |(at, text)| Chunk::new(text, label(at), Arc::clone(&rules));
            (1..).zip(config.strs(phase)).map(chunk).collect()
        };
        let legacy = chunks("functions");
        let access = if legacy.is_empty() { chunks("access") } else { legacy };
        let reads_body = access.iter().any(|chunk| chunk.mentions(BODY));
        let catalog = cx.shared.get_or_insert_default::<Catalog>().clone();
        let trusted = cx.shared.get_or_insert_default::<Arc<[IpNet]>>().clone();
        let facts = Facts { consumers: cx.consumers(), catalog, trusted, instance: chunk::number() };
        let facts = Arc::new(facts);
        let [rewrite, header_filter, body_filter, log] = ["rewrite", "header_filter", "body_filter", "log"].map(chunks);
        if let Some(field) = config.get("certificate").filter(|field| !field.items().is_empty()) {
            let message = format!("`certificate` of {name} does nothing here: certificates are chosen without Lua");
            cx.report.push(Diagnostic::warning("idle-function", field.span, message));
        }
        Self { name, rewrite, access, header_filter, body_filter, log, reads_body, facts }
    }

    fn rewrite(&self, req: &mut Request<Body>, cx: &mut Ctx) -> Option<Response<Body>> {
        match self.before(Phase::Rewrite, &self.rewrite, req, cx, Payload::Unread) {
            Flow::Respond(res) => Some(res),
            _ => None,
        }
    }

    fn begin(&self, req: &mut Request<Body>, cx: &mut Ctx) -> Flow {
        match (self.access.is_empty(), self.reads_body) {
            (true, _) => Flow::Continue,
            (false, true) => Flow::Wait,
            (false, false) => self.before(Phase::Access, &self.access, req, cx, Payload::Unread),
        }
    }

    async fn read(&self, req: &mut Request<Body>, cx: &mut Ctx) -> Flow {
        let payload = match buffer::read(req.body_mut(), cx.body_buffer).await {
            Read::Whole(body) => Payload::Whole(body),
            Read::TooLong => Payload::TooLong,
            // Forwarding it will fail, and must.
            Read::Broken => return Flow::Continue,
        };
        self.before(Phase::Access, &self.access, req, cx, payload)
    }

    /// Whether a phase after `access` looks at the request.
    fn looks_back(&self) -> bool {
        [&self.header_filter, &self.body_filter, &self.log].iter().any(|chunks| !chunks.is_empty())
    }

    /// What `gateway explain` cannot show, or not as the function's doing.
    fn remark(&self) -> Option<String> {
        let phases = [("rewrite", &self.rewrite), ("body_filter", &self.body_filter), ("log", &self.log)];
        let named: Vec<_> = phases.iter().filter(|(_, chunks)| !chunks.is_empty()).map(|(name, _)| *name).collect();
        (!named.is_empty()).then(|| format!("has functions for {} as well", named.join(", ")))
    }

    fn rare(&self) -> Rare {
        let (body, log) = (!self.body_filter.is_empty(), !self.log.is_empty());
        Rare { rewrite: !self.rewrite.is_empty(), body, answered: body || log }
    }

    /// A phase before there is an answer.
    fn before(&self, phase: Phase, chunks: &[Chunk], req: &mut Request<Body>, cx: &mut Ctx, payload: Payload) -> Flow {
        let mut current = self.current(phase, std::mem::take(req), cx);
        current.payload = payload;
        let (mut current, result) = crate::lua::run(chunks, current);
        let said = current.said();
        *req = current.req;
        *cx = current.cx;
        // After a fault the tables' VM may be gone.
        if let Some(groups) = result.as_ref().ok().and_then(|()| cx.lua.groups()) {
            cx.authenticated_groups = Some(groups);
        }
        match (result, current.ending, said) {
            (Err(fault), ..) => self.crashed(&fault),
            (Ok(()), Some(Ending::Answer(res)), _) => Flow::Respond(*res),
            (Ok(()), _, Some(res)) => Flow::Respond(res),
            (Ok(()), ..) => Flow::Continue,
        }
    }

    fn header_filter(&self, res: &mut Response<Body>, cx: &mut Ctx) {
        let head = cx.head.as_deref().cloned();
        let mut current = self.current(Phase::HeaderFilter, head.map(Head::into_request).unwrap_or_default(), cx);
        current.res = Some(std::mem::take(res));
        let (current, result) = crate::lua::run(&self.header_filter, current);
        *cx = current.cx;
        *res = current.res.unwrap_or_default();
        if let Some(Ending::Answer(other)) = current.ending {
            *res = *other;
        }
        if let Err(fault) = result {
            self.log_fault(&fault);
        }
    }

    /// What comes after the end that a chunk set (`ngx.arg[2]`) is dropped.
    fn body_filter(&self, piece: &mut Piece, cx: &mut Ctx) {
        if cx.stash.get::<Ended>().is_some() {
            piece.data = Bytes::new();
        } else {
            self.after(Phase::BodyFilter, &self.body_filter, Some(piece), cx);
        }
    }

    /// A phase in which the answer's head is gone. Kong writes down what fails there, and goes on.
    fn after(&self, phase: Phase, chunks: &[Chunk], piece: Option<&mut Piece>, cx: &mut Ctx) {
        let (head, answered) = (cx.head.take(), cx.answered.take());
        let req = head.map(|head| head.into_request()).unwrap_or_default();
        let mut current = self.current(phase, req, cx);
        current.res = answered.map(|answered| answered.into_response());
        current.piece = piece.as_ref().map(|piece| (piece.data.clone(), piece.last));
        let (current, result) = crate::lua::run(chunks, current);
        *cx = current.cx;
        cx.head = Some(Box::new(Head::of_spent(current.req)));
        cx.answered = current.res.map(|res| Box::new(Answered::of_spent(res)));
        if let (Some(piece), Some((data, last))) = (piece, current.piece) {
            if last && !piece.last {
                cx.stash.insert(Ended);
            }
            *piece = Piece { data, last: piece.last };
        }
        if let Err(fault) = result {
            self.log_fault(&fault);
        }
    }

    fn current(&self, phase: Phase, req: Request<Body>, cx: &mut Ctx) -> Current {
        let empty = Ctx::new(cx.compat, cx.client, cx.tls, cx.now, cx.wall);
        Current::new(phase, req, std::mem::replace(cx, empty), Arc::clone(&self.facts))
    }

    fn crashed(&self, fault: &Fault) -> Flow {
        self.log_fault(fault);
        Flow::Respond(reply::exit(StatusCode::INTERNAL_SERVER_ERROR, reply::UNEXPECTED))
    }

    fn log_fault(&self, fault: &Fault) {
        tracing::error!("[kong] [{}] {fault}", self.name);
    }
}

macro_rules! plugin {
    ($plugin:ident, $name:literal, $schema:ident, $priority:expr) => {
        impl Plugin for $plugin {
            fn access(&self, req: &mut Request<Body>, cx: &mut Ctx) -> Flow {
                self.0.begin(req, cx)
            }

            fn wait<'a>(&'a self, req: &'a mut Request<Body>, cx: &'a mut Ctx) -> LocalBoxFuture<'a, Flow> {
                Box::pin(self.0.read(req, cx))
            }

            fn rewrite(&self, req: &mut Request<Body>, cx: &mut Ctx) -> Option<Response<Body>> {
                if self.0.rewrite.is_empty() { None } else { self.0.rewrite(req, cx) }
            }

            fn body(&self, piece: &mut Piece, cx: &mut Ctx) {
                if !self.0.body_filter.is_empty() {
                    self.0.body_filter(piece, cx);
                }
            }

            fn log(&self, cx: &mut Ctx) {
                if !self.0.log.is_empty() {
                    self.0.after(Phase::Log, &self.0.log, None, cx);
                }
            }

            fn response(&self, res: &mut Response<Body>, cx: &mut Ctx) {
                if !self.0.header_filter.is_empty() {
                    self.0.header_filter(res, cx);
                }
            }

            fn records(&self) -> bool {
                self.0.log.iter().any(|chunk| chunk.mentions(&["serialize"]))
            }

            fn keeps_head(&self) -> bool {
                self.0.looks_back()
            }

            fn remark(&self) -> Option<String> {
                self.0.remark()
            }

            fn phases(&self) -> Rare {
                self.0.rare()
            }
        }

        impl Define for $plugin {
            const NAME: &'static str = $name;
            const CONSUMER_SCOPE: bool = false;

            fn priority(compat: Compat) -> i32 {
                $priority(compat)
            }

            fn schema() -> &'static Record {
                &schema::$schema
            }

            fn build(config: &Checked, cx: &mut Build<'_>) -> Option<Self> {
                Some(Self(Function::build(Self::NAME, config, cx)))
            }
        }
    };
}

plugin!(PreFunction, "pre-function", PRE_CONFIG, first);
plugin!(PostFunction, "post-function", POST_CONFIG, |_| -1000);

/// Kong 2 says infinity.
fn first(compat: Compat) -> i32 {
    match compat {
        Compat::Kong2 => i32::MAX,
        Compat::Kong3 => 1_000_000,
    }
}
