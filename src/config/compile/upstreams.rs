//! Upstreams and their targets.

use super::{bracketed, host, number};
use crate::config::entities::text::host_port;
use crate::config::model::{Entity, Model};
use crate::snapshot::{Target, Upstream, authority};

/// The port of a target that writes none (`kong/declarative.md` §4, targets).
const DEFAULT_PORT: u16 = 8000;

/// Every upstream, each with its targets.
pub(super) fn compile(model: &Model) -> Box<[Upstream]> {
    model.all("upstreams").iter().zip(targets(model)).map(|(entity, targets)| upstream(entity, targets)).collect()
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

fn upstream(entity: &Entity, targets: Vec<&Entity>) -> Upstream {
    let host_header: Option<Box<str>> = entity.fields.str("host_header").map(Into::into);
    let targets = targets.into_iter().map(|entity| target(entity, host_header.as_deref())).collect();
    Upstream { identity: entity.identity(), host_header, targets }
}

fn target(entity: &Entity, host_header: Option<&str>) -> Target {
    let written = entity.fields.str("target").unwrap_or_default();
    let port = host_port(written).ok().and_then(|parts| parts.port).unwrap_or(DEFAULT_PORT);
    let name = bracketed(written);
    let shown = host_header.unwrap_or(&name);
    Target {
        host: host(written),
        authorities: [false, true].map(|https| authority(shown, port, https)),
        port,
        weight: number(&entity.fields, "weight"),
        name: name.into(),
    }
}
