//! `prometheus`: counts requests by service and route (`kong/plugins.md` §19). What was counted is asked for on the status
//! and admin listeners (`admin/metrics.rs`).
//!
//! A route's series is looked up once; a request adds to the counts of its worker, and waits for nobody.

mod cells;
pub mod expose;
pub mod registry;
mod schema;
#[cfg(test)]
mod tests;

use super::{Build, Ctx, Define, Ended, Origin, Plugin};
use crate::config::schema::Record;
use crate::config::value::Checked;
use crate::consumers::Directory;
use crate::entity::{Compat, RouteId};
use crate::lua::catalog::Catalog;
use cells::{Kind, Source};
use registry::{Labels, Registry, Series};
use std::sync::{Arc, OnceLock};

/// The plugin.
#[derive(Debug)]
pub struct Prometheus {
    compat: Compat,
    wants: Wants,
    catalog: Catalog,
    consumers: Directory,
    registry: &'static Registry,
    /// By route; known once requests come.
    series: OnceLock<Box<[OnceLock<Arc<Series>>]>>,
}

/// What is counted.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::struct_excessive_bools)]
struct Wants {
    statuses: bool,
    latency: bool,
    bandwidth: bool,
    consumers: bool,
    targets: bool,
}

// === impl Prometheus ===

impl Plugin for Prometheus {
    fn log(&self, cx: &mut Ctx) {
        let (Some(route), Some(_), Some(ended)) = (cx.route, cx.service, &cx.ended) else { return };
        if let Some(series) = self.series(route) {
            self.count(series, cx, ended);
        }
    }

    fn measures(&self) -> bool {
        self.wants.bandwidth
    }

    fn tells_of_targets(&self) -> Option<bool> {
        Some(self.wants.targets)
    }

    fn remark(&self) -> Option<String> {
        Some("counts the request for /metrics".to_owned())
    }
}

impl Prometheus {
    fn series(&self, route: RouteId) -> Option<&Series> {
        let routes = &self.catalog.get().routes;
        let all = self.series.get_or_init(|| routes.iter().map(|_| OnceLock::new()).collect());
        let own = all.get(route.index())?;
        Some(own.get_or_init(|| self.registry.series(&self.labels(route))))
    }

    /// A service without a name is called by its host, a route without one by its id.
    fn labels(&self, route: RouteId) -> Labels {
        let entities = self.catalog.get();
        let route = entities.routes.get(route.index());
        let id = route.and_then(|route| route.get("service")?.str("id"));
        let service = entities.services.iter().find(|service| service.str("id") == id);
        let text = |found: Option<&str>| found.unwrap_or_default().into();
        Labels {
            compat: self.compat,
            service: text(service.and_then(|service| service.str("name").or_else(|| service.str("host")))),
            route: text(route.and_then(|route| route.str("name").or_else(|| route.str("id")))),
        }
    }

    fn count(&self, series: &Series, cx: &Ctx, ended: &Ended) {
        let cells = series.cells(cx.arrival.worker.as_u128());
        let (status, source) = (ended.status.as_u16(), self.source(cx));
        if self.wants.statuses {
            cells.statuses.add(status, source);
        }
        if self.wants.consumers
            && let Some(name) = self.consumer(cx)
        {
            cells.add_for(&name, status, source);
        }
        if self.wants.latency {
            cells.observe(Kind::Request, ended.whole);
            cells.observe(Kind::Gateway, ended.gateway);
            if cx.origin == Origin::Upstream {
                cells.observe(Kind::Upstream, ended.upstream);
            }
        }
        if self.wants.bandwidth {
            cells.transferred(ended.received, ended.sent);
        }
    }

    /// Kong 2.8 does not say who answered.
    fn source(&self, cx: &Ctx) -> Source {
        match (self.compat, cx.origin) {
            (Compat::Kong2, _) | (Compat::Kong3, Origin::Upstream) => Source::Service,
            (Compat::Kong3, _) if cx.exited => Source::Exit,
            (Compat::Kong3, _) => Source::Error,
        }
    }

    fn consumer(&self, cx: &Ctx) -> Option<Box<str>> {
        let consumer = self.consumers.get().get(cx.consumer?)?;
        Some(consumer.identity.to_string().into())
    }
}

impl Define for Prometheus {
    const NAME: &'static str = "prometheus";
    const CONSUMER_SCOPE: bool = false;

    fn priority(_compat: Compat) -> i32 {
        13
    }

    fn schema() -> &'static Record {
        &schema::CONFIG
    }

    fn build(config: &Checked, cx: &mut Build<'_>) -> Option<Self> {
        let old = cx.compat == Compat::Kong2;
        let wants = Wants {
            statuses: old || config.bool("status_code_metrics"),
            latency: old || config.bool("latency_metrics"),
            bandwidth: old || config.bool("bandwidth_metrics"),
            consumers: config.bool("per_consumer") && (old || config.bool("status_code_metrics")),
            targets: old || config.bool("upstream_health_metrics"),
        };
        Some(Self {
            compat: cx.compat,
            wants,
            catalog: cx.shared.get_or_insert_default::<Catalog>().clone(),
            consumers: cx.consumers(),
            registry: Registry::process(),
            series: OnceLock::new(),
        })
    }
}
