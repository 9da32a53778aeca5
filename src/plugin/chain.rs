//! The plugins of one route in the order in which they run, and the loops that run them.
//!
//! Which instance of a plugin runs depends on the consumer known when its turn comes (`kong/plugins.md` §1). All other
//! precedence was folded into the slots when the configuration was compiled.

use super::{Answered, Ctx, Flow, Head, Origin, Piece, Plugin, Rare, Received};
use crate::body::Body;
use crate::entity::ConsumerId;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, Request, Response};
use std::collections::HashMap;
use std::sync::Arc;

/// One plugin name on one route: which instance runs, for whom.
#[derive(Clone)]
pub struct Slot {
    /// The plugin.
    pub name: &'static str,
    /// The best instance that is bound to no consumer.
    pub base: Option<Arc<dyn Plugin>>,
    /// Before that, the best of those that are: the first that knows the consumer has its instance.
    pub special: Vec<Arc<Special>>,
}

/// Instances of one plugin for single consumers, all bound to the same route and service, if any. Every route that they
/// concern shares them: there may be as many as consumers.
#[derive(Clone, Default)]
pub struct Special {
    by_consumer: HashMap<ConsumerId, Arc<dyn Plugin>, foldhash::fast::RandomState>,
    keeps: Vec<HeaderName>,
    keeps_head: bool,
    measures: bool,
    rare: Rare,
    records: bool,
}

/// All slots, by priority descending, by name descending on ties. Cheap to clone: many routes share one.
#[derive(Clone, Default)]
pub struct Chain {
    slots: Arc<[Slot]>,
    keeps: Arc<[HeaderName]>,
    keeps_head: bool,
    measures: bool,
    rare: Rare,
    records: bool,
}

/// Who looks on while plugins run; `()` looks away.
pub trait Witness {
    /// A plugin's `access` is about to run.
    fn before_access(&mut self, _slot: usize, _req: &Request<Body>, _cx: &Ctx) {}
    /// It has run, and this is what it decided.
    fn after_access(&mut self, _slot: usize, _flow: &Flow, _req: &Request<Body>, _cx: &Ctx) {}
    /// A plugin's `response` is about to run.
    fn before_response(&mut self, _slot: usize, _res: &Response<Body>) {}
    /// It has run.
    fn after_response(&mut self, _slot: usize, _res: &Response<Body>) {}
}

impl Witness for () {}

// === impl Slot ===

impl Slot {
    /// The instance that runs for a consumer.
    #[must_use]
    pub fn pick(&self, consumer: Option<ConsumerId>) -> Option<&dyn Plugin> {
        let special = consumer.and_then(|id| self.special.iter().find_map(|special| special.by_consumer.get(&id)));
        special.or(self.base.as_ref()).map(|plugin| &**plugin)
    }

    /// Request headers that some instance keeps.
    fn keeps(&self) -> impl Iterator<Item = &HeaderName> {
        let special = self.special.iter().flat_map(|special| &special.keeps);
        self.base.iter().flat_map(|plugin| plugin.keeps()).chain(special)
    }

    fn keeps_head(&self) -> bool {
        let special = self.special.iter().any(|special| special.keeps_head);
        special || self.base.iter().any(|plugin| plugin.keeps_head())
    }

    fn measures(&self) -> bool {
        self.special.iter().any(|special| special.measures) || self.base.iter().any(|plugin| plugin.measures())
    }

    fn rare(&self) -> Rare {
        let special = self.special.iter().map(|special| special.rare);
        self.base.iter().map(|plugin| plugin.phases()).chain(special).fold(Rare::default(), std::ops::BitOr::bitor)
    }

    fn records(&self) -> bool {
        self.special.iter().any(|special| special.records) || self.base.iter().any(|plugin| plugin.records())
    }
}

// === impl Special ===

impl Special {
    /// Adds an instance; the last one for a consumer counts.
    pub fn put(&mut self, consumer: ConsumerId, plugin: Arc<dyn Plugin>) {
        for name in plugin.keeps() {
            if !self.keeps.contains(name) {
                self.keeps.push(name.clone());
            }
        }
        self.keeps_head |= plugin.keeps_head();
        self.measures |= plugin.measures();
        self.rare = self.rare | plugin.phases();
        self.records |= plugin.records();
        self.by_consumer.insert(consumer, plugin);
    }
}

// === impl Chain ===

impl Chain {
    /// A chain of slots that are in running order already.
    #[must_use]
    pub fn new(slots: Vec<Slot>) -> Self {
        let mut keeps: Vec<_> = slots.iter().flat_map(Slot::keeps).cloned().collect();
        keeps.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        keeps.dedup();
        let keeps_head = slots.iter().any(Slot::keeps_head);
        let measures = slots.iter().any(Slot::measures);
        let rare = slots.iter().map(Slot::rare).fold(Rare::default(), std::ops::BitOr::bitor);
        let records = slots.iter().any(Slot::records);
        Self { slots: slots.into(), keeps: keeps.into(), keeps_head, measures, rare, records }
    }

    /// Whether no plugin runs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Whether some plugin wants to know how many bytes went.
    #[must_use]
    pub fn measures(&self) -> bool {
        self.measures
    }

    /// Whether some plugin writes a record of the request.
    #[must_use]
    pub fn records(&self) -> bool {
        self.records
    }

    /// The plugins' names in running order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.slots.iter().map(|slot| slot.name)
    }

    /// Copies of the client's head what later phases look at.
    pub fn keep<B>(&self, req: &Request<B>, cx: &mut Ctx) {
        for name in &*self.keeps {
            for value in req.headers().get_all(name) {
                cx.kept.push(name.clone(), value.clone());
            }
        }
        if self.keeps_head {
            cx.head = Some(Box::new(Head::of(req)));
        }
    }

    /// The plugins in running order.
    #[must_use]
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// Runs `rewrite` until a plugin answers; with its name.
    pub fn rewrite(&self, req: &mut Request<Body>, cx: &mut Ctx) -> Option<(&'static str, Response<Body>)> {
        let answer = self.slots.iter().find_map(|slot| Some((slot.name, slot.base.as_ref()?.rewrite(req, cx)?)));
        cx.exited = answer.is_some();
        answer
    }

    /// Whether some plugin has this phase.
    #[must_use]
    pub fn rare(&self) -> Rare {
        self.rare
    }

    /// Copies of the answer's head what later phases look at.
    pub fn keep_answer<B>(&self, res: &Response<B>, cx: &mut Ctx) {
        if self.rare.answered {
            cx.answered = Some(Box::new(Answered::of(res)));
        }
    }

    /// Runs `body` of every plugin for a piece.
    pub fn body(&self, piece: &mut Piece, cx: &mut Ctx) {
        for (at, slot) in self.slots.iter().enumerate() {
            if let Some(plugin) = slot.pick(known_at(cx, at)) {
                plugin.body(piece, cx);
            }
        }
    }

    /// Runs `access` until a plugin answers.
    pub async fn access(&self, req: &mut Request<Body>, cx: &mut Ctx) -> Option<Response<Body>> {
        self.access_seen(req, cx, &mut ()).await
    }

    /// The same, while somebody looks on.
    pub async fn access_seen(
        &self,
        req: &mut Request<Body>,
        cx: &mut Ctx,
        witness: &mut impl Witness,
    ) -> Option<Response<Body>> {
        let answer = self.ask_each(req, cx, witness).await;
        if self.keeps_head {
            cx.head = Some(Box::new(Head::of(req)));
        }
        answer
    }

    async fn ask_each(
        &self,
        req: &mut Request<Body>,
        cx: &mut Ctx,
        witness: &mut impl Witness,
    ) -> Option<Response<Body>> {
        if cx.consumer.is_some() {
            cx.consumers.push((0, cx.consumer));
        }
        for (at, slot) in self.slots.iter().enumerate() {
            let before = cx.consumer;
            let Some(plugin) = slot.pick(before) else { continue };
            witness.before_access(at, req, cx);
            let flow = match plugin.access(req, cx) {
                Flow::Wait => plugin.wait(req, cx).await,
                decided => decided,
            };
            witness.after_access(at, &flow, req, cx);
            if cx.consumer != before {
                cx.consumers.push((at + 1, cx.consumer));
            }
            if let Flow::Respond(res) = flow {
                cx.exited = true;
                return Some(res);
            }
        }
        None
    }

    /// Runs `response` of every plugin, with the instances that `access` chose or would have chosen.
    pub fn response(&self, res: &mut Response<Body>, cx: &mut Ctx) {
        self.response_seen(res, cx, &mut ());
    }

    /// The same, while somebody looks on.
    pub fn response_seen(&self, res: &mut Response<Body>, cx: &mut Ctx, witness: &mut impl Witness) {
        if self.keeps_head && cx.origin == Origin::Upstream {
            cx.received = Some(Box::new(Received { status: res.status(), headers: res.headers().clone() }));
        }
        add(std::mem::take(&mut cx.answer_headers), res.headers_mut());
        for (at, slot) in self.slots.iter().enumerate() {
            if let Some(plugin) = slot.pick(known_at(cx, at)) {
                witness.before_response(at, res);
                plugin.response(res, cx);
                witness.after_response(at, res);
            }
        }
    }

    /// The instance of a slot that ran, or would have run, for a request.
    #[must_use]
    pub fn instance(&self, slot: usize, cx: &Ctx) -> Option<&dyn Plugin> {
        self.slots.get(slot)?.pick(known_at(cx, slot))
    }

    /// Runs `log` of every plugin.
    pub fn log(&self, cx: &mut Ctx) {
        for (at, slot) in self.slots.iter().enumerate() {
            if let Some(plugin) = slot.pick(known_at(cx, at)) {
                plugin.log(cx);
            }
        }
    }
}

impl std::fmt::Debug for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

/// Adds headers to those of an answer, before its own of the same names (recorded). It has one `Content-Type`, which is
/// its own.
fn add(mut more: HeaderMap, headers: &mut HeaderMap) {
    if more.is_empty() {
        return;
    }
    if headers.contains_key(CONTENT_TYPE) {
        more.remove(CONTENT_TYPE);
    }
    for name in more.keys() {
        let own: Vec<_> = headers.get_all(name).iter().cloned().collect();
        headers.remove(name);
        for value in more.get_all(name).iter().cloned().chain(own) {
            headers.append(name, value);
        }
    }
}

/// Tells instances apart: no two that are alive have the same.
#[must_use]
pub fn address(plugin: &dyn Plugin) -> usize {
    std::ptr::from_ref(plugin).cast::<()>().addr()
}

/// The consumer that was known when the slot's turn came.
fn known_at(cx: &Ctx, slot: usize) -> Option<ConsumerId> {
    cx.consumers.iter().rev().find(|(from, _)| *from <= slot).and_then(|(_, consumer)| *consumer)
}

#[cfg(test)]
mod tests;
