//! Upstreams and their targets, and how these are checked and chosen.

use super::secure::Secure;
use super::{bracketed, host, number};
use crate::config::entities::text::host_port;
use crate::config::model::{Entity, Model};
use crate::config::value::Checked;
use crate::health::Boards;
use crate::health::checks::{Active, Checks, Kind, Limits};
use crate::snapshot::{Algorithm, HashOn, Hashing, Target, Upstream, authority};
use http::{HeaderName, HeaderValue};
use std::time::Duration;

/// The port of a target that writes none (`kong/declarative.md` §4, targets).
const DEFAULT_PORT: u16 = 8000;

/// Every upstream, each with its targets.
pub(super) fn compile(model: &Model, secure: &mut Secure<'_>) -> Box<[Upstream]> {
    let boards = model.read.shared.get::<Boards>().cloned().unwrap_or_default();
    let all = model.all("upstreams").iter().zip(targets(model));
    all.map(|(entity, targets)| upstream(model, entity, targets, &boards, secure)).collect()
}

/// The targets of every upstream, in Kong's order: by `created_at`, then by id.
pub(in crate::config) fn targets(model: &Model) -> Vec<Vec<&Entity>> {
    let mut targets: Vec<Vec<&Entity>> = model.all("upstreams").iter().map(|_| Vec::new()).collect();
    for entity in model.all("targets") {
        if let Some(at) = model.position("upstreams", entity, "upstream") {
            targets[at].push(entity);
        }
    }
    let created = |target: &Entity| target.fields.get("created_at").and_then(|at| at.as_num()).unwrap_or(f64::INFINITY);
    targets.iter_mut().for_each(|of| of.sort_by(|a, b| created(a).total_cmp(&created(b)).then(a.id.cmp(&b.id))));
    targets
}

fn upstream(
    model: &Model,
    entity: &Entity,
    targets: Vec<&Entity>,
    boards: &Boards,
    secure: &mut Secure<'_>,
) -> Upstream {
    let host_header: Option<Box<str>> = entity.fields.str("host_header").map(Into::into);
    let targets = targets.into_iter().map(|entity| target(entity, host_header.as_deref())).collect();
    let (identity, checks) = (entity.identity(), checks(&entity.fields));
    let https = checks.active.as_ref().filter(|active| active.kind == Kind::Https);
    Upstream {
        host_header,
        targets,
        algorithm: algorithm(&entity.fields),
        checked_by: https.map(|active| secure.checks(model, entity, active.verify)),
        board: boards.of(identity.id, &identity.to_string(), checks),
        identity,
    }
}

/// One that hashes is never a round-robin, whatever `algorithm` says (recorded).
fn algorithm(fields: &Checked) -> Algorithm {
    match fields.str("algorithm") {
        Some("least-connections") => Algorithm::LeastConnections,
        Some("latency") => Algorithm::Latency,
        Some("consistent-hashing") => Algorithm::Hashing(hashing(fields)),
        _ => match hashing(fields) {
            Hashing { on: HashOn::Nothing, .. } => Algorithm::RoundRobin,
            hashing => Algorithm::Hashing(hashing),
        },
    }
}

fn hashing(fields: &Checked) -> Hashing {
    Hashing {
        on: hash_on(fields, "hash_on"),
        fallback: hash_on(fields, "hash_fallback"),
        slots: number(fields, "slots"),
    }
}

/// The fields that name an input begin as the one that chooses it, but for the cookie, which there is only one of.
fn hash_on(fields: &Checked, field: &str) -> HashOn {
    let named = |what: &str| fields.str(&format!("{field}_{what}")).unwrap_or_default();
    match fields.str(field).unwrap_or("none") {
        "consumer" => HashOn::Consumer,
        "ip" => HashOn::Ip,
        "header" => named("header").parse().map_or(HashOn::Nothing, HashOn::Header),
        "cookie" => {
            let text = |field| fields.str(field).unwrap_or_default().into();
            HashOn::Cookie(text("hash_on_cookie"), text("hash_on_cookie_path"))
        }
        "path" => HashOn::Path,
        "query_arg" => HashOn::Query(named("query_arg").into()),
        "uri_capture" => HashOn::Capture(named("uri_capture").into()),
        _ => HashOn::Nothing,
    }
}

fn checks(upstream: &Checked) -> Checks {
    let Some(all) = upstream.get("healthchecks") else { return Checks::default() };
    Checks {
        passive: all.get("passive").map(limits).unwrap_or_default(),
        active: all.get("active").and_then(active),
        threshold: all.get("threshold").and_then(Checked::as_num).unwrap_or_default(),
    }
}

/// `None` when no interval is set.
fn active(fields: &Checked) -> Option<Active> {
    let every = |state: &str| seconds(fields.get(state)?.get("interval"));
    let (healthy_every, unhealthy_every) = (every("healthy"), every("unhealthy"));
    if healthy_every.is_none() && unhealthy_every.is_none() {
        return None;
    }
    Some(Active {
        kind: match fields.str("type") {
            Some("tcp") => Kind::Tcp,
            Some("https") => Kind::Https,
            _ => Kind::Http,
        },
        timeout: seconds(fields.get("timeout")).unwrap_or(Duration::from_secs(1)),
        concurrency: number::<usize>(fields, "concurrency").max(1),
        path: fields.str("http_path").unwrap_or("/").into(),
        sni: fields.str("https_sni").map(Into::into),
        verify: fields.bool("https_verify_certificate"),
        headers: fields.pairs("headers").iter().flat_map(|(name, values)| headers(name, values)).collect(),
        healthy_every: healthy_every.unwrap_or_default(),
        unhealthy_every: unhealthy_every.unwrap_or_default(),
        limits: limits(fields),
    })
}

fn headers(name: &str, values: &Checked) -> Vec<(HeaderName, HeaderValue)> {
    let Ok(name) = name.parse::<HeaderName>() else { return Vec::new() };
    let values = values.items().iter().filter_map(|value| value.as_str()?.parse().ok());
    values.map(|value| (name.clone(), value)).collect()
}

/// A time that is not zero.
fn seconds(field: Option<&Checked>) -> Option<Duration> {
    let seconds = field.and_then(Checked::as_num).filter(|seconds| *seconds > 0.0)?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// The limits of `active` or `passive`.
fn limits(fields: &Checked) -> Limits {
    let (healthy, unhealthy) = (fields.get("healthy"), fields.get("unhealthy"));
    let statuses = |of: Option<&Checked>| {
        let all = of.map(|of| of.list("http_statuses")).unwrap_or_default();
        all.iter().filter_map(|status| status.as_int().and_then(|status| u16::try_from(status).ok())).collect()
    };
    let count = |of: Option<&Checked>, name: &str| of.map(|of| number(of, name)).unwrap_or_default();
    Limits {
        healthy: statuses(healthy),
        unhealthy: statuses(unhealthy),
        successes: count(healthy, "successes"),
        http_failures: count(unhealthy, "http_failures"),
        tcp_failures: count(unhealthy, "tcp_failures"),
        timeouts: count(unhealthy, "timeouts"),
    }
}

fn target(entity: &Entity, host_header: Option<&str>) -> Target {
    let written = entity.fields.str("target").unwrap_or_default();
    let port = host_port(written).ok().and_then(|parts| parts.port).unwrap_or(DEFAULT_PORT);
    let name = bracketed(written);
    let shown = host_header.unwrap_or(&name);
    Target {
        id: entity.id,
        host: host(written),
        authorities: [false, true].map(|https| authority(shown, port, https)),
        port,
        weight: number(&entity.fields, "weight"),
        name: name.into(),
    }
}
