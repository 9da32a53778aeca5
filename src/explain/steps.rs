//! What each plugin does to a request, by looking at the request before and after. Pure.

use super::Served;
use crate::body::Body;
use crate::config::outline::PluginOutline;
use crate::plugin::{Chain, Ctx, Flow, Witness};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};

/// One plugin's part.
#[derive(Clone, Debug)]
pub struct Step {
    /// The plugin.
    pub name: &'static str,
    /// Where its instance was written; `None` if none runs for this consumer.
    pub outline: Option<PluginOutline>,
    /// How its turn ended.
    pub ran: Ran,
    /// What it changed in the request.
    pub request: Vec<Change>,
    /// What it changes in the answer.
    pub answer: Vec<Change>,
    /// Why it decided so, or what one request cannot show.
    pub remark: Option<String>,
}

/// How a plugin's turn ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ran {
    /// The request went on.
    Passed,
    /// It answered with this status.
    Answered(StatusCode),
    /// Its turn did not come.
    NotReached,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A header line that was not there.
    Added(HeaderName, HeaderValue),
    /// A header line that is gone.
    Removed(HeaderName, HeaderValue),
    /// What was one thing is another: its name, before and after.
    Became(&'static str, String, String),
}

/// Looks on, and writes down.
pub(super) struct Recorder<'a> {
    served: Served<'a>,
    chain: &'a Chain,
    steps: Vec<Step>,
    before: Seen,
    answer: HeaderMap,
    body: Bytes,
    query: String,
}

/// What of a request a plugin can change.
#[derive(Clone, Default)]
struct Seen {
    method: Method,
    headers: HeaderMap,
    path: String,
    query: String,
    host: Option<HeaderValue>,
    consumer: String,
    user: String,
    body: Bytes,
}

// === impl Recorder ===

impl<'a> Recorder<'a> {
    /// Nothing has run yet.
    pub(super) fn new(served: Served<'a>, chain: &'a Chain, req: &Request<Body>, body: &Bytes) -> Self {
        let step = |name| Step {
            name,
            outline: None,
            ran: Ran::NotReached,
            request: Vec::new(),
            answer: Vec::new(),
            remark: None,
        };
        Self {
            served,
            chain,
            steps: chain.names().map(step).collect(),
            before: Seen::default(),
            answer: HeaderMap::new(),
            body: body.clone(),
            query: req.uri().query().unwrap_or_default().to_owned(),
        }
    }

    /// A plugin has answered before its turn in the chain.
    pub(super) fn answered(&mut self, name: &str, status: StatusCode) {
        self.steps.iter_mut().filter(|step| step.name == name).for_each(|step| step.ran = Ran::Answered(status));
    }

    /// The plugin that answered.
    pub(super) fn answerer(&self) -> Option<&'static str> {
        self.steps.iter().find(|step| matches!(step.ran, Ran::Answered(_))).map(|step| step.name)
    }

    /// What was written down, with what is known of the instances.
    pub(super) fn finish(self, cx: &Ctx) -> Vec<Step> {
        let (served, chain) = (self.served, self.chain);
        let known = |(at, step): (usize, Step)| {
            let instance = chain.instance(at, cx);
            let outline = instance.and_then(|plugin| served.outline.plugin(plugin)).cloned();
            let reason = instance.filter(|_| step.ran != Ran::NotReached).and_then(|plugin| plugin.reason(cx));
            Step { outline, remark: reason.or_else(|| instance?.remark()), ..step }
        };
        self.steps.into_iter().enumerate().map(known).collect()
    }

    fn see(&self, req: &Request<Body>, cx: &Ctx) -> Seen {
        let consumer =
            cx.consumer.and_then(|id| self.served.snapshot.consumers.get(id)).map(|it| it.identity.to_string());
        Seen {
            method: req.method().clone(),
            headers: req.headers().clone(),
            path: cx.path.clone(),
            query: cx.query.clone().unwrap_or_else(|| self.query.clone()),
            host: cx.host.clone(),
            consumer: consumer.unwrap_or_default(),
            user: cx.user.as_deref().unwrap_or_default().to_owned(),
            body: self.body.clone(),
        }
    }
}

impl Witness for Recorder<'_> {
    fn before_access(&mut self, _slot: usize, req: &Request<Body>, cx: &Ctx) {
        self.before = self.see(req, cx);
    }

    fn after_access(&mut self, slot: usize, flow: &Flow, req: &Request<Body>, cx: &Ctx) {
        // A body that nobody read is still what it was.
        match req.body() {
            Body::Full(Some(bytes)) => self.body = bytes.clone(),
            Body::Empty => self.body = Bytes::new(),
            Body::Full(None) | Body::Lent(_) | Body::Boxed(_) => {}
        }
        let after = self.see(req, cx);
        let step = &mut self.steps[slot];
        step.request = self.before.changes(&after);
        step.ran = match flow {
            Flow::Respond(response) => Ran::Answered(response.status()),
            Flow::Continue | Flow::Wait => Ran::Passed,
        };
    }

    fn before_response(&mut self, _slot: usize, res: &Response<Body>) {
        self.answer = res.headers().clone();
    }

    fn after_response(&mut self, slot: usize, res: &Response<Body>) {
        self.steps[slot].answer = headers(&self.answer, res.headers());
    }
}

// === impl Seen ===

impl Seen {
    fn changes(&self, after: &Self) -> Vec<Change> {
        let host = |seen: &Self| seen.host.as_ref().map(lossy).unwrap_or_default();
        let size = |seen: &Self| format!("{} bytes", seen.body.len());
        let texts = [
            ("method", self.method.to_string(), after.method.to_string()),
            ("path", self.path.clone(), after.path.clone()),
            ("query", self.query.clone(), after.query.clone()),
            ("upstream host", host(self), host(after)),
            ("consumer", self.consumer.clone(), after.consumer.clone()),
            ("user", self.user.clone(), after.user.clone()),
        ];
        let became = texts.into_iter().filter(|(_, before, after)| before != after);
        let became = became.map(|(what, before, after)| Change::Became(what, before, after));
        let body = (self.body != after.body).then(|| Change::Became("body", size(self), size(after)));
        headers(&self.headers, &after.headers).into_iter().chain(became).chain(body).collect()
    }
}

/// What functions did to headers before there was a route, in words. Values may be secrets.
pub(super) fn rewritten(before: &HeaderMap, after: &HeaderMap) -> Option<String> {
    let named = |change| match change {
        Change::Added(name, _) => format!("+ {name}"),
        Change::Removed(name, _) => format!("- {name}"),
        Change::Became(what, ..) => what.to_owned(),
    };
    let changes: Vec<_> = headers(before, after).into_iter().map(named).collect();
    (!changes.is_empty()).then(|| format!("functions changed headers before there was a route: {}", changes.join(", ")))
}

/// Header lines that went, then those that came.
fn headers(before: &HeaderMap, after: &HeaderMap) -> Vec<Change> {
    let lacks = |map: &HeaderMap, name: &HeaderName, value: &HeaderValue| !map.get_all(name).iter().any(|v| v == value);
    let line = |(name, value): (&HeaderName, &HeaderValue)| (name.clone(), value.clone());
    let gone = before.iter().filter(|(name, value)| lacks(after, name, value)).map(line);
    let fresh = after.iter().filter(|(name, value)| lacks(before, name, value)).map(line);
    let gone = gone.map(|(name, value)| Change::Removed(name, value));
    gone.chain(fresh.map(|(name, value)| Change::Added(name, value))).collect()
}

/// A header's value as text.
pub(super) fn lossy(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_that_stay_are_no_change() {
        let map = |lines: &[(&'static str, &'static str)]| -> HeaderMap {
            lines.iter().map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v))).collect()
        };
        let changes = headers(&map(&[("a", "1"), ("b", "2"), ("b", "3")]), &map(&[("a", "1"), ("b", "3"), ("c", "4")]));
        let line = |name, value| (HeaderName::from_static(name), HeaderValue::from_static(value));
        let ((gone, was), (fresh, is)) = (line("b", "2"), line("c", "4"));
        let told = rewritten(&map(&[("a", "1")]), &map(&[("c", "secret")]));
        assert_eq!(told.as_deref(), Some("functions changed headers before there was a route: - a, + c"));
        assert_eq!(changes, [Change::Removed(gone, was), Change::Added(fresh, is)]);
    }
}
