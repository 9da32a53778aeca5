//! Where a document says what a snapshot's numbers stand for. A snapshot itself holds no place: who needs one reads the
//! document again.

use super::compile::targets;
use super::document;
use super::model::Entity;
use super::report::{Report, Source, Span};
use super::resolve;
use crate::entity::Compat;
use crate::route::is_plain;
use crate::settings::Settings;
use crate::world::World;
use http::Extensions;

/// Places of a document, by the numbers of its snapshot.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// By [`ServiceId`](crate::entity::ServiceId).
    pub services: Vec<ServicePlace>,
    /// By [`UpstreamId`](crate::entity::UpstreamId): where each of its targets is written.
    pub targets: Vec<Vec<Span>>,
    /// By [`RouteId`](crate::entity::RouteId).
    pub routes: Vec<RoutePlace>,
}

/// A route in the document.
#[derive(Clone, Debug)]
pub struct RoutePlace {
    /// Its paths that are prefixes, and where they are written.
    pub prefixes: Vec<(String, Span)>,
}

/// A service in the document.
#[derive(Clone, Copy, Debug)]
pub struct ServicePlace {
    /// Where its `url` or `host` is written.
    pub host: Span,
    /// Whether it is used at all.
    pub enabled: bool,
}

/// The places of a document that compiled with these settings.
#[must_use]
pub fn places(source: &Source, world: World<'_>, settings: &Settings) -> Places {
    let mut report = Report::default();
    let Some((tree, root)) = super::tree(source, &mut report) else { return Places::default() };
    let document = document::read(tree, root, world, settings, crate::plugin::TABLE, &Extensions::new(), &mut report);
    let model = resolve::resolve(document, &mut report);
    let targets = targets(&model).into_iter().map(|targets| targets.iter().map(|entity| entity.place).collect());
    Places {
        services: model.all("services").iter().map(service).collect(),
        targets: targets.collect(),
        routes: model.all("routes").iter().map(|entity| route(entity, model.compat)).collect(),
    }
}

fn service(entity: &Entity) -> ServicePlace {
    let host = entity.fields.get("host").map_or(entity.place, |host| host.span);
    ServicePlace { host, enabled: entity.fields.bool("enabled") }
}

fn route(entity: &Entity, compat: Compat) -> RoutePlace {
    let plain = |path: &str| if compat == Compat::Kong3 { !path.starts_with('~') } else { is_plain(path) };
    let texts = entity.fields.list("paths").iter().filter_map(|path| Some((path.as_str()?, path.span)));
    let prefixes = texts.filter(|(path, _)| plain(path)).map(|(path, span)| (path.to_owned(), span));
    RoutePlace { prefixes: prefixes.collect() }
}
