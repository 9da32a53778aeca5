//! What people want to know of a configuration and a request need not: texts as they were written, and where. Kept apart
//! from the snapshot, which is what serves.

use super::compile::specs;
use super::lines::Lines;
use super::model::{Entity, Model};
use crate::plugin::chain::address;
use crate::route::Spec;
use std::collections::HashMap;

/// An outline of a configuration.
#[derive(Clone, Debug, Default)]
pub struct Outline {
    /// What the router was built from.
    pub specs: Vec<Spec>,
    /// By [`RouteId`](crate::entity::RouteId).
    pub routes: Vec<RouteOutline>,
    /// By [`ServiceId`](crate::entity::ServiceId).
    pub services: Vec<ServiceOutline>,
    plugins: HashMap<usize, PluginOutline>,
}

/// A route, for people.
#[derive(Clone, Debug)]
pub struct RouteOutline {
    /// What to call it: its name, or where it stands.
    pub name: String,
    /// Its line, counted from 1.
    pub line: usize,
    /// `protocols`.
    pub protocols: Vec<String>,
}

/// A service, for people.
#[derive(Clone, Debug)]
pub struct ServiceOutline {
    /// What to call it.
    pub name: String,
    /// Its line, counted from 1.
    pub line: usize,
    /// Where it is, as one URL.
    pub url: String,
}

/// A plugin's instance, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginOutline {
    /// Its line, counted from 1.
    pub line: usize,
    /// What it is bound to, as kind and name; nothing if it runs for every request.
    pub scope: Vec<(&'static str, String)>,
}

// === impl Outline ===

impl Outline {
    /// Of a model that was read from a text.
    pub(super) fn of(model: &Model, text: &str) -> Self {
        let lines = Lines::new(text);
        let line = |entity: &Entity| lines.position(start(entity)).0;
        let routes = model.all("routes").iter().map(|entity| route(entity, line(entity)));
        let services = model.all("services").iter().map(|entity| service(entity, line(entity)));
        let plugins = model.all("plugins").iter().filter_map(|entity| {
            let plugin = &entity.plugin.as_ref()?.plugin;
            Some((address(&**plugin), PluginOutline { line: line(entity), scope: scope(model, entity) }))
        });
        Self { specs: specs(model), routes: routes.collect(), services: services.collect(), plugins: plugins.collect() }
    }

    /// What is known of an instance.
    #[must_use]
    pub fn plugin(&self, plugin: &dyn crate::plugin::Plugin) -> Option<&PluginOutline> {
        self.plugins.get(&address(plugin))
    }
}

/// Plugins have no key; their name is where people look.
fn start(entity: &Entity) -> usize {
    let name = entity.fields.get("name").map(|name| name.span).filter(|_| entity.key.is_none());
    name.unwrap_or(entity.place).start()
}

fn route(entity: &Entity, line: usize) -> RouteOutline {
    let protocols = entity.fields.strs("protocols").map(str::to_owned).collect();
    RouteOutline { name: name(entity, line), line, protocols }
}

fn service(entity: &Entity, line: usize) -> ServiceOutline {
    let fields = &entity.fields;
    let text = |field| fields.str(field).unwrap_or_default();
    let port = fields.int("port").unwrap_or_default();
    let usual = matches!((text("protocol"), port), ("http", 80) | ("https", 443));
    let port = if usual { String::new() } else { format!(":{port}") };
    let url = format!("{}://{}{port}{}", text("protocol"), text("host"), text("path"));
    ServiceOutline { name: name(entity, line), line, url }
}

/// The name, or for what has none the line.
fn name(entity: &Entity, line: usize) -> String {
    entity.key.as_deref().map_or_else(|| format!("(line {line})"), str::to_owned)
}

fn scope(model: &Model, entity: &Entity) -> Vec<(&'static str, String)> {
    let kinds = [("route", "routes"), ("service", "services"), ("consumer", "consumers")];
    let bound = kinds.into_iter().filter_map(|(kind, table)| {
        let at = model.position(table, entity, kind)?;
        let owner = &model.all(table)[at];
        Some((kind, owner.identity().to_string()))
    });
    bound.collect()
}
