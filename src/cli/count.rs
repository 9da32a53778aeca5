//! How much a snapshot holds, for people.

use crate::snapshot::Snapshot;
use std::collections::BTreeSet;

/// `2 services, 3 routes, plugins: cors, request-transformer`.
pub(super) fn contents(snapshot: &Snapshot) -> String {
    let plugins: BTreeSet<_> =
        snapshot.routes.iter().map(|route| &route.chain).chain([&snapshot.global]).flat_map(|c| c.names()).collect();
    let plugins = match plugins.len() {
        0 => "no plugins".to_owned(),
        _ => format!("plugins: {}", plugins.into_iter().collect::<Vec<_>>().join(", ")),
    };
    let services = number(snapshot.services.len(), "service");
    format!("{services}, {}, {plugins}", number(snapshot.routes.len(), "route"))
}

/// `1 route`, `2 routes`.
pub(super) fn number(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entity::Compat;
    use crate::plugin::Chain;
    use crate::route::Router;

    #[test]
    fn an_empty_snapshot() {
        let snapshot = Snapshot {
            compat: Compat::Kong2,
            router: Router::default(),
            routes: Box::default(),
            services: Box::default(),
            upstreams: Box::default(),
            names: std::collections::HashSet::default(),
            consumers: std::sync::Arc::default(),
            certificates: crate::snapshot::Certificates::default(),
            global: Chain::default(),
            secrets: [].into(),
            listing: None,
            outboxes: crate::outbox::Outboxes::default(),
            acme: None,
            live: Vec::new(),
            tells_of_targets: true,
        };
        assert_eq!(contents(&snapshot), "0 services, 0 routes, no plugins");
    }
}
