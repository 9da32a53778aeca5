//! [`Model`] to [`Snapshot`]: numbers for ids, durations, addresses, matchers, chains. Nothing is left to parse.
//!
//! Works on a model without errors. The only thing that can still be wrong is what the router cannot match.

mod catalog;
mod chains;
mod consumers;
mod secure;
mod upstreams;

use super::entities::text::{HostKind, host_port};
use super::model::{Entity, Model};
use super::report::{Diagnostic, Report, Span, Step};
use super::value::Checked;
use crate::acme::Plan;
use crate::consumers::{Consumers, Directory};
use crate::courtesy::breathe;
use crate::entity::{RouteId, ServiceId, UpstreamId};
use crate::lua::catalog::Catalog;
use crate::plugin::Plugin;
use crate::route::{Asked, Router, Spec, SpecError};
use crate::snapshot::{Host, PathHandling, Route, Service, Snapshot, Upstream, authority};
use chains::Chains;
use foldhash::fast::FixedState;
use http::{HeaderName, StatusCode};
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;
pub(super) use upstreams::targets;

/// Compiles a model whose routes ask for `specs`. `None`: reported.
pub(super) fn compile(model: &Model, specs: &[Spec], report: &mut Report) -> Option<Snapshot> {
    let mut chains = Chains::of(model);
    let mut secure = secure::Secure::of(model);
    let services = model.all("services").iter().map(|entity| service(model, entity, &mut secure, report));
    let services: Box<[Service]> = services.collect();
    let routes = model.all("routes").iter().enumerate().map(|(at, entity)| route(model, at, entity, &mut chains));
    let routes = routes.collect();
    let router = Router::build(specs, model.compat);
    let router = router.map_err(|errors| errors.iter().for_each(|error| report.push(unroutable(model, error)))).ok();
    if let Some(known) = model.read.shared.get::<Catalog>() {
        known.fill(catalog::compile(model));
    }
    let upstreams = upstreams::compile(model, &mut secure);
    let snapshot = Snapshot {
        compat: model.compat,
        router: router?,
        routes,
        names: names(&services, &upstreams),
        services,
        upstreams,
        consumers: everybody(model),
        certificates: secure::certificates(model),
        listing: None,
        live: model.read.live.clone(),
        outboxes: model.read.shared.get().cloned().unwrap_or_default(),
        global: chains.global(),
        secrets: secrets(model),
        acme: orders(model),
        tells_of_targets: tells_of_targets(model),
    };
    (!report.has_errors()).then_some(snapshot)
}

/// The names that services and targets have.
fn names(services: &[Service], upstreams: &[Upstream]) -> HashSet<Box<str>, FixedState> {
    let targets = upstreams.iter().flat_map(|upstream| &upstream.targets).map(|target| &target.host);
    let hosts = services.iter().map(|service| &service.host).chain(targets);
    let names = hosts.filter_map(|host| match host {
        Host::Name(name) => Some(name.clone()),
        Host::Address(_) | Host::Upstream(_) => None,
    });
    names.collect()
}

/// Everybody, and the plugins are told of them.
fn everybody(model: &Model) -> Arc<Consumers> {
    let consumers = Arc::new(consumers::compile(model));
    if let Some(directory) = model.read.shared.get::<Directory>() {
        directory.fill(Arc::clone(&consumers));
    }
    consumers
}

/// What plugins call secrets, each once.
fn secrets(model: &Model) -> Arc<[Box<str>]> {
    plugins(model).flat_map(|plugin| plugin.secrets()).cloned().collect::<BTreeSet<_>>().into_iter().collect()
}

/// As those plugins want it that have a say; without one, it is told.
fn tells_of_targets(model: &Model) -> bool {
    let said: Vec<bool> = plugins(model).filter_map(|plugin| plugin.tells_of_targets()).collect();
    said.is_empty() || said.contains(&true)
}

fn plugins(model: &Model) -> impl Iterator<Item = &dyn Plugin> {
    let built = model.all("plugins").iter().filter_map(|entity| entity.plugin.as_ref());
    built.map(|built| &*built.plugin)
}

/// Certificates to order, as a plugin for everything wants it.
fn orders(model: &Model) -> Option<Arc<Plan>> {
    let bound = |entity: &&Entity| ["route", "service", "consumer"].iter().any(|kind| entity.link(kind).is_some());
    let running = model.all("plugins").iter().filter(|entity| chains::runs(entity) && !bound(entity));
    running.filter_map(|entity| entity.plugin.as_ref()?.plugin.certificates()).next().cloned()
}

fn service(model: &Model, entity: &Entity, secure: &mut secure::Secure<'_>, report: &mut Report) -> Service {
    breathe();
    let fields = &entity.fields;
    let https = fields.str("protocol") == Some("https");
    let (written, port) = (fields.str("host").unwrap_or_default(), number(fields, "port"));
    let host = service_host(model, written);
    Service {
        identity: entity.identity(),
        tls: https.then(|| secure.upstream(model, entity, &host, report)),
        authority: authority(&bracketed(written), port, https),
        host,
        port,
        path: fields.str("path").unwrap_or("/").to_owned(),
        retries: number(fields, "retries"),
        connect_timeout: milliseconds(fields, "connect_timeout"),
        write_timeout: milliseconds(fields, "write_timeout"),
        read_timeout: milliseconds(fields, "read_timeout"),
    }
}

/// The name of an upstream entity goes before everything else (`kong/proxying.md` §5).
fn service_host(model: &Model, written: &str) -> Host {
    let upstream = model.tables.get("upstreams").and_then(|table| table.by_key(written));
    upstream.map_or_else(|| host(written), |at| Host::Upstream(UpstreamId::from(at)))
}

fn host(written: &str) -> Host {
    let bare = host_port(written).map_or(written, |parts| parts.host);
    bare.parse().map_or_else(|_| Host::Name(bare.to_ascii_lowercase().into()), Host::Address)
}

/// An IPv6 address as it stands in a Host header.
fn bracketed(written: &str) -> String {
    match host_port(written) {
        Ok(parts) if parts.kind == HostKind::V6 => format!("[{}]", parts.host),
        Ok(parts) => parts.host.to_owned(),
        Err(_) => written.to_owned(),
    }
}

fn number<N: TryFrom<i64> + Default>(fields: &Checked, name: &str) -> N {
    fields.int(name).and_then(|n| N::try_from(n).ok()).unwrap_or_default()
}

fn milliseconds(fields: &Checked, name: &str) -> Duration {
    Duration::from_millis(fields.int(name).and_then(|n| u64::try_from(n).ok()).unwrap_or(60_000))
}

fn route(model: &Model, at: usize, entity: &Entity, chains: &mut Chains) -> Route {
    breathe();
    let fields = &entity.fields;
    let service = model.position("services", entity, "service");
    let has = |name: &str| fields.strs("protocols").any(|protocol| protocol == name);
    let redirect = || StatusCode::from_u16(number(fields, "https_redirect_status_code")).ok();
    Route {
        identity: entity.identity(),
        service: service.map(ServiceId::from),
        strip_path: fields.bool("strip_path"),
        preserve_host: fields.bool("preserve_host"),
        path_handling: if fields.str("path_handling") == Some("v1") { PathHandling::V1 } else { PathHandling::V0 },
        https_only: (has("https") && !has("http")).then(redirect).flatten(),
        grpc: (has("grpc") || has("grpcs")) && !has("http") && !has("https"),
        chain: chains.of_route(at, service),
    }
}

/// Routes of a service that is not enabled are not routed to (`kong/routing.md` §1).
pub(super) fn specs(model: &Model) -> Vec<Spec> {
    let services = model.all("services");
    let enabled = |entity: &Entity| {
        model.position("services", entity, "service").is_none_or(|at| services[at].fields.bool("enabled"))
    };
    let routes = model.all("routes").iter().enumerate().filter(|(_, entity)| enabled(entity));
    routes.map(|(at, entity)| spec(at, entity)).collect()
}

/// What a route asks of a request.
fn spec(at: usize, entity: &Entity) -> Spec {
    breathe();
    let fields = &entity.fields;
    let texts = |name: &str| fields.strs(name).map(str::to_owned).collect::<Vec<_>>();
    let headers = fields.pairs("headers").iter().filter_map(|(name, values)| {
        let values = values.items().iter().filter_map(Checked::as_str).map(str::to_owned);
        Some((HeaderName::from_bytes(name.as_bytes()).ok()?, values.collect()))
    });
    Spec {
        id: RouteId::from(at),
        uuid: entity.id,
        hosts: texts("hosts"),
        paths: texts("paths"),
        methods: texts("methods"),
        headers: headers.collect(),
        snis: texts("snis"),
        regex_priority: fields.int("regex_priority").unwrap_or_default(),
        // What is not written is the time of loading: later than everything that is written.
        created_at: fields.int("created_at").unwrap_or(i64::MAX),
        expression: fields.str("expression").map(|text| asked(text, fields)),
    }
}

/// An expression, of which Kong makes `protocols` a part; a route for https alone tells others to use that.
fn asked(text: &str, fields: &Checked) -> Asked {
    let has = |names: [&str; 2]| fields.strs("protocols").any(|protocol| names.contains(&protocol));
    let redirects = fields.list("protocols").len() == 1 && has(["https", "https"]);
    let tls = match (has(["http", "grpc"]), has(["https", "grpcs"])) {
        (true, false) => Some(false),
        (false, true) if !redirects => Some(true),
        _ => None,
    };
    Asked { text: text.to_owned(), priority: fields.int("priority").unwrap_or_default(), tls }
}

/// What the router says about a text of a route, at the place of that text.
fn unroutable(model: &Model, error: &SpecError) -> Diagnostic {
    let Some(entity) = model.all("routes").get(error.route.index()) else {
        return Diagnostic::error("invalid-value", Span::default(), error.message.clone());
    };
    let lists = ["paths", "hosts", "snis", "methods"];
    let found = lists.iter().find_map(|list| {
        let at = entity.fields.strs(list).position(|text| text == error.text)?;
        Some((*list, at, entity.fields.list(list)[at].span))
    });
    let name = entity.key.as_deref().unwrap_or("without a name");
    let message = |field: &str| format!("`{field}` of route `{name}`: {}", error.message);
    let Some((list, at, span)) = found else {
        return Diagnostic::error("invalid-value", entity.place, message("headers"));
    };
    let path = entity.path.iter().cloned().chain([Step::Key(list.into()), Step::Entry(at)]).collect();
    let words = format!("invalid regex: '{}' (PCRE returned: {})", error.text, error.message);
    Diagnostic::error("invalid-value", span, message(list)).kong(path, words)
}

/// How many routes of a text reach the router.
#[cfg(test)]
fn specs_of(text: &str) -> usize {
    use super::{document, resolve, yaml};
    use crate::world::World;
    let mut report = Report::default();
    let Some((tree, root)) = yaml::read(text, &mut report) else { return 0 };
    let settings = crate::settings::Settings::default();
    let document = document::read(
        tree,
        root,
        World::EMPTY,
        &settings,
        crate::plugin::TABLE,
        &http::Extensions::new(),
        &mut report,
    );
    specs(&resolve::resolve(document, &mut report)).len()
}

#[cfg(test)]
mod tests;
