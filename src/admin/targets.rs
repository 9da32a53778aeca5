//! How the targets of an upstream fare, and who says otherwise (`kong/operations.md` §8). Read on the status listener, too.

use super::answer::{Api, Now};
use super::change::read_only;
use super::reply::{message, not_allowed, not_found, ok};
use crate::health::Board;
use crate::health::board::{Found, Health};
use crate::snapshot::{Host, Snapshot, Target, Upstream};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};
use std::net::SocketAddr;
use uuid::Uuid;

/// A target as it is now.
pub(super) struct View<'a> {
    /// Which.
    pub(super) target: &'a Target,
    /// Its host and port.
    pub(super) label: String,
    /// Its addresses; none if its name leads nowhere.
    pub(super) addresses: Vec<(SocketAddr, Health)>,
    /// Why it leads nowhere.
    trouble: Option<String>,
}

/// The paths, as `/endpoints` tells them.
pub(super) const PATHS: &[&str] = &[
    "/upstreams/{upstreams}/health",
    "/upstreams/{upstreams}/targets/{targets}/healthy",
    "/upstreams/{upstreams}/targets/{targets}/unhealthy",
    "/upstreams/{upstreams}/targets/{targets}/{address}/healthy",
    "/upstreams/{upstreams}/targets/{targets}/{address}/unhealthy",
];

/// The answer to a question about the health of targets; `None` if it is about something else.
pub(super) fn answer(api: Api, asked: &Request<Bytes>, path: &str, now: &Now<'_>) -> Option<Response<Bytes>> {
    let mut steps = path.strip_prefix("/upstreams/")?.split('/');
    let (name, rest) = (steps.next()?, steps.collect::<Vec<_>>());
    let reads = matches!(*asked.method(), Method::GET | Method::HEAD);
    match rest.as_slice() {
        ["health"] => Some(match find(now.snapshot, name) {
            _ if !reads => not_allowed(),
            Some(upstream) => health(asked, upstream, now),
            None => not_found(),
        }),
        ["targets", target, at @ .., word @ ("healthy" | "unhealthy")] if at.len() < 2 && api == Api::Admin => {
            Some(match *asked.method() {
                Method::POST | Method::PUT if now.settings.admin_read_only => read_only(),
                Method::POST | Method::PUT => set(now.snapshot, name, target, at.first().copied(), *word == "healthy"),
                _ => not_allowed(),
            })
        }
        _ => None,
    }
}

/// The upstream of a name or id.
fn find<'a>(snapshot: &'a Snapshot, text: &str) -> Option<&'a Upstream> {
    let text = decoded(text);
    let id = Uuid::try_parse(&text).ok();
    let is =
        |upstream: &&Upstream| Some(upstream.identity.id) == id || upstream.identity.name.as_deref() == Some(&text);
    snapshot.upstreams.iter().find(is)
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// The targets of an upstream, as they are now.
pub(super) fn views(upstream: &Upstream) -> impl Iterator<Item = View<'_>> {
    upstream.targets.iter().map(|target| View::of(&upstream.board, target))
}

fn health(asked: &Request<Bytes>, upstream: &Upstream, now: &Now<'_>) -> Response<Bytes> {
    let query = asked.uri().query().unwrap_or_default();
    let whole = form_urlencoded::parse(query.as_bytes()).any(|(key, value)| key == "balancer_health" && value == "1");
    let data =
        if whole { balancer(upstream) } else { views(upstream).map(|view| view.document(upstream, now)).collect() };
    ok(&json!({ "node_id": now.node.id.to_string(), "data": data, "next": null }))
}

/// Whether the upstream as a whole serves (`kong/proxying.md` §6).
#[allow(clippy::cast_precision_loss)]
fn balancer(upstream: &Upstream) -> Value {
    let checks = upstream.board.checks();
    let (available, total) = views(upstream)
        .map(|view| view.weights())
        .fold((0, 0), |sum, (available, total)| (sum.0 + available, sum.1 + total));
    let health = match () {
        () if !checks.are_on() => Health::Off,
        () if total > 0 && available as f64 * 100.0 / total as f64 > checks.threshold => Health::Healthy,
        () => Health::Unhealthy,
    };
    json!({ "id": upstream.identity.id.to_string(), "health": health.to_string() })
}

/// Says how a target is: all its addresses, or the one that is named.
fn set(snapshot: &Snapshot, name: &str, target: &str, at: Option<&str>, healthy: bool) -> Response<Bytes> {
    let Some(upstream) = find(snapshot, name) else { return not_found() };
    let (text, at) = (decoded(target), at.map(decoded));
    let id = Uuid::try_parse(&text).ok();
    let Some(view) = views(upstream).find(|view| Some(view.target.id) == id || view.label == text) else {
        return not_found();
    };
    if !upstream.board.checks().are_on() {
        let text = format!("no healthchecker found for {}", upstream.identity);
        return message(StatusCode::BAD_REQUEST, &text);
    }
    let named = |address: &SocketAddr| at.as_ref().is_none_or(|at| is_at(*address, at));
    let mut found = view.addresses.iter().map(|(address, _)| *address).filter(named).peekable();
    if found.peek().is_none() && at.is_some() {
        return not_found();
    }
    found.filter_map(|address| upstream.board.member(&view.label, address)).for_each(|member| member.set(healthy));
    let mut res = Response::new(Bytes::new());
    *res.status_mut() = StatusCode::NO_CONTENT;
    res
}

/// Whether an address is written so, with or without its port.
fn is_at(address: SocketAddr, text: &str) -> bool {
    text.parse() == Ok(address) || text.parse() == Ok(address.ip())
}

// === impl View ===

impl<'a> View<'a> {
    fn of(board: &Board, target: &'a Target) -> Self {
        let label = target.label();
        let (found, trouble) = match (&target.host, board.found(&label)) {
            (Host::Address(ip), _) => (vec![SocketAddr::new(*ip, target.port)], None),
            (_, Found::At(addresses)) => (addresses, None),
            (_, Found::Unknown) => (Vec::new(), Some("not looked up yet".to_owned())),
            (_, Found::Nowhere(why)) => (Vec::new(), Some(why)),
        };
        let addresses = found.into_iter().map(|address| (address, board.health(&label, address))).collect();
        Self { target, label, addresses, trouble }
    }

    /// That of the target: healthy while one of its addresses is.
    pub(super) fn health(&self) -> Health {
        let healths = || self.addresses.iter().map(|(_, health)| *health);
        let best = healths().find(|health| *health != Health::Unhealthy).or_else(|| healths().next());
        best.unwrap_or(Health::Unresolved)
    }

    /// What of its weight is available, and all of it. A name without an address weighs as if it had one.
    fn weights(&self) -> (u64, u64) {
        let weight = u64::from(self.target.weight);
        let count = |of: &dyn Fn(Health) -> bool| {
            self.addresses.iter().map(|(_, health)| if of(*health) { weight } else { 0 }).sum::<u64>()
        };
        let total = if self.addresses.is_empty() { weight } else { count(&|_| true) };
        (count(&|health| health != Health::Unhealthy), total)
    }

    /// The target as an entity, and how it fares.
    fn document(&self, upstream: &Upstream, now: &Now<'_>) -> Value {
        let Self { target, label, .. } = self;
        let listed = now.snapshot.listing.as_deref().map(|listing| listing.all("targets")).unwrap_or_default();
        let mut document = listed.iter().find(|item| item.id == target.id).map_or_else(
            || {
                let upstream = json!({ "id": upstream.identity.id.to_string() });
                json!({ "id": target.id.to_string(), "target": label, "weight": target.weight, "upstream": upstream })
            },
            |item| item.masked.clone(),
        );
        document["health"] = self.health().to_string().into();
        document["data"] = self.data();
        document
    }

    fn data(&self) -> Value {
        let Self { target, addresses, trouble, .. } = self;
        let (available, total) = self.weights();
        let one = |(address, health): &(SocketAddr, Health)| {
            let (ip, port) = (address.ip(), address.port());
            json!({ "ip": ip, "port": port, "weight": target.weight, "health": health.to_string() })
        };
        json!({
            "host": target.name,
            "port": target.port,
            "dns": trouble.as_deref().unwrap_or("A"),
            "nodeWeight": target.weight,
            "weight": { "total": total, "available": available, "unavailable": total - available },
            "addresses": addresses.iter().map(one).collect::<Vec<_>>(),
        })
    }
}
