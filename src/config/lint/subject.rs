//! What rules look at: the model by route, with the plugins in effect there, and what stands in the text.

use super::guard::Guarded;
use crate::config::model::{Entity, Model};
use crate::config::report::Span;
use crate::config::value::Checked;
use crate::courtesy::breathe;
use crate::route::{Shadow, Spec, shadows};
use crate::settings::Settings;
use crate::world::World;
use foldhash::{HashMap, HashMapExt};
use std::cell::OnceCell;
use std::collections::HashSet;

/// A configuration without errors, and what is known around it.
pub(super) struct Subject<'a> {
    /// What it means.
    pub model: &'a Model,
    /// What was written.
    pub text: &'a str,
    /// The time and the environment in which it is read.
    pub world: World<'a>,
    /// The settings that it will be served with.
    pub settings: &'a Settings,
    /// Its routes that are routed to, in the order of the document.
    pub routes: Vec<View<'a>>,
    /// Paths of these routes that no request reaches.
    pub shadows: Vec<Shadow>,
    /// Server names, in lower case, whose clients must show a certificate.
    pub demanding: HashSet<String>,
    /// Whom plugins of their own let in; nearly never asked for.
    pub guarded: OnceCell<Guarded<'a>>,
}

/// A route, and what happens to its requests.
pub(super) struct View<'a> {
    /// The route.
    pub route: &'a Entity,
    /// Where it leads.
    pub service: Option<&'a Entity>,
    /// The plugins that run on it whoever asks: of each name the one that counts.
    pub plugins: Vec<&'a Entity>,
}

/// Plugins without consumer, by route and service.
type Scopes<'a> = HashMap<(Option<usize>, Option<usize>), Vec<&'a Entity>>;

// === impl Subject ===

impl<'a> Subject<'a> {
    pub(super) fn new(
        model: &'a Model,
        specs: &[Spec],
        text: &'a str,
        world: World<'a>,
        settings: &'a Settings,
    ) -> Self {
        let scopes = scopes(model);
        let (routes, services) = (model.all("routes"), model.all("services"));
        let view = |spec: &Spec| {
            breathe();
            let at = spec.id.index();
            let route = routes.get(at)?;
            let number = model.position("services", route, "service");
            let plugins = in_effect(&scopes, at, number);
            Some(View { route, service: number.map(|at| &services[at]), plugins })
        };
        let routes = specs.iter().filter_map(view).collect();
        let (shadows, guarded) = (shadows(specs, model.compat), OnceCell::new());
        Self { model, text, world, settings, routes, shadows, demanding: demanding(model), guarded }
    }

    /// Its routes that are routed to.
    pub(super) fn routes(&self) -> impl Iterator<Item = &View<'a>> {
        self.routes.iter().inspect(|_| breathe())
    }

    /// All plugins of a name that run at all, with their `config`.
    pub(super) fn plugins(&self, name: &'a str) -> impl Iterator<Item = (&'a Entity, &'a Checked)> {
        let all = self.model.all("plugins").iter().filter(move |entity| runs(entity));
        all.filter(move |entity| entity.fields.str("name") == Some(name))
            .filter_map(|entity| Some((entity, config(entity)?)))
    }

    /// The text at a place; empty where a value comes from elsewhere.
    pub(super) fn written(&self, span: Span) -> &'a str {
        self.text.get(span.range()).unwrap_or_default()
    }

    /// The variable that a value at a place comes from, if it names one.
    pub(super) fn variable(&self, span: Span) -> Option<&'a str> {
        let written = self.written(span);
        let rest = written.split_once("{vault://env/").or_else(|| written.split_once("${"));
        let (_, rest) = rest.or_else(|| written.split_once('$').filter(|(_, rest)| !rest.starts_with('(')))?;
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-').unwrap_or(rest.len());
        (end > 0).then_some(&rest[..end])
    }
}

/// The `config` of a plugin.
pub(super) fn config(plugin: &Entity) -> Option<&Checked> {
    plugin.plugin.as_ref().map(|built| &built.config)
}

fn demanding(model: &Model) -> HashSet<String> {
    let demands =
        |sni: &&Entity| sni.fields.get("client_ca").is_some() && sni.fields.str("client_verify") != Some("optional");
    let names = model.all("snis").iter().filter(demands).filter_map(|sni| sni.fields.str("name"));
    names.map(str::to_ascii_lowercase).collect()
}

fn runs(entity: &Entity) -> bool {
    entity.fields.bool("enabled")
}

fn scopes(model: &Model) -> Scopes<'_> {
    let mut scopes = Scopes::new();
    for plugin in model.all("plugins").iter().filter(|plugin| runs(plugin) && plugin.link("consumer").is_none()) {
        let scope = (model.position("routes", plugin, "route"), model.position("services", plugin, "service"));
        scopes.entry(scope).or_default().push(plugin);
    }
    scopes
}

/// The more specific instance of a name goes first (`kong/plugins.md` §1).
fn in_effect<'a>(scopes: &Scopes<'a>, route: usize, service: Option<usize>) -> Vec<&'a Entity> {
    let levels = [(Some(route), service), (Some(route), None), (None, service), (None, None)];
    let mut found: Vec<&Entity> = Vec::new();
    for plugin in levels.iter().filter_map(|level| scopes.get(level)).flatten() {
        if !found.iter().any(|other| other.fields.str("name") == plugin.fields.str("name")) {
            found.push(plugin);
        }
    }
    found
}

// === impl View ===

impl<'a> View<'a> {
    /// The plugin of this name that runs here, with its `config`.
    pub(super) fn plugin(&self, name: &str) -> Option<(&'a Entity, &'a Checked)> {
        let found = self.plugins.iter().find(|plugin| plugin.fields.str("name") == Some(name))?;
        Some((found, config(found)?))
    }

    /// Whether a plugin of one of these names runs here.
    pub(super) fn has(&self, names: &[&str]) -> bool {
        self.plugins.iter().filter_map(|plugin| plugin.fields.str("name")).any(|name| names.contains(&name))
    }

    /// What to call the route.
    pub(super) fn name(&self) -> String {
        named("route", self.route)
    }

    /// Whether it may get any path.
    pub(super) fn takes_all_paths(&self) -> bool {
        let paths = self.route.fields.list("paths");
        let all = |path: &str| matches!(path, "/" | "/.*" | "/(.*)" | "~/" | "~/.*" | "~/(.*)" | "~/.*$" | "/.*$");
        paths.is_empty() || paths.iter().filter_map(Checked::as_str).any(all)
    }
}

/// ``route `x` ``, or `this route` if it has no name.
pub(super) fn named(noun: &str, entity: &Entity) -> String {
    entity.key.as_ref().map_or_else(|| format!("this {noun}"), |name| format!("{noun} `{name}`"))
}
