//! Bytes to snapshot, or to a report: the one front door for start-up, reload and `gateway check`.

mod blank;
mod check;
pub mod codes;
mod compile;
mod document;
mod entities;
mod expand;
pub mod export;
mod expression;
mod header;
pub(crate) mod hosts;
mod ids;
mod inside;
pub mod inventory;
mod json;
pub mod json_schema;
pub mod kong_print;
pub mod kong_schema;
pub mod kong_table;
mod lines;
pub mod lint;
pub mod listing;
mod mask;
mod model;
mod nearest;
pub mod one;
pub mod outline;
mod pem;
pub mod places;
mod plugins;
pub mod render;
pub mod report;
mod resolve;
mod scalar;
pub mod schema;
pub mod section;
mod shorthand;
mod syntax;
mod tree;
mod unsupported;
pub mod value;
mod yaml;

pub use plugins::enabled;

use crate::courtesy;
use crate::plugin::Entry;
use crate::settings::Settings;
use crate::settings::reading::Edge;
use crate::snapshot::Snapshot;
use crate::world::World;
use http::Extensions;
use inventory::Inventory;
use model::Model;
use outline::Outline;
use report::{Diagnostic, Report, Source, Span};
use section::Setting;

/// Most bytes of a document.
pub const MAX_TEXT: usize = 64 << 20;

/// A document that was read and not yet understood. It may hold settings, which say how it is to be understood.
#[derive(Debug)]
pub struct Opened {
    source: Source,
    settings: Vec<Setting>,
    tree: Option<(tree::Tree, tree::NodeId)>,
    report: Report,
}

/// What a configuration leaves to the one that comes after it. Nothing, before the first.
#[derive(Clone, Debug, Default)]
pub struct Legacy {
    /// What it was made of.
    pub inventory: Inventory,
    /// What its plugins shared, such as counts; see [`crate::plugin::Build::before`].
    shared: Extensions,
}

/// Reads one document. A name that ends in `.json` is JSON, one that ends in `.yml` or `.yaml` is YAML; anything else is
/// tried as both, as Kong does (`kong/declarative.md` §1).
#[must_use]
pub fn open(source: &Source, world: World<'_>, edge: Edge<'_>) -> Opened {
    let mut report = Report::default();
    let tree = tree(source, &mut report);
    let read = |(tree, root): &(tree::Tree, tree::NodeId)| section::read(tree, *root, world, &mut report);
    let settings = tree.as_ref().map(read).unwrap_or_default();
    section::judge(&settings, world, edge, &mut report);
    Opened { source: source.clone(), settings, tree, report }
}

/// Reads, resolves and compiles one document with settings that are known already. Pure: what it asks of the machine is
/// an argument.
///
/// The report holds warnings also when a snapshot comes back, and at least one error when none does.
pub fn load(source: &Source, world: World<'_>, settings: &Settings) -> (Option<Snapshot>, Report) {
    open(source, world, Edge::NOTHING).compile(world, settings)
}

/// A document as it is written, as JSON. Nothing if it cannot be read.
#[must_use]
pub fn plain(source: &Source) -> Option<serde_json::Value> {
    tree(source, &mut Report::default()).map(|(tree, root)| tree.json(root))
}

// === impl Opened ===

impl Opened {
    /// The settings in the document.
    #[must_use]
    pub fn settings(&self) -> &[Setting] {
        &self.settings
    }

    /// Whether the document, or a setting in it, cannot be used in any case.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.report.has_errors()
    }

    /// Resolves and compiles it; see [`load`].
    #[must_use]
    pub fn compile(self, world: World<'_>, settings: &Settings) -> (Option<Snapshot>, Report) {
        self.compile_with(world, settings, crate::plugin::TABLE)
    }

    /// The same, after another configuration: what that counted goes on where it can. With a snapshot comes what it will
    /// leave itself.
    #[must_use]
    pub fn compile_after(
        self,
        before: &Legacy,
        world: World<'_>,
        settings: &Settings,
    ) -> (Option<(Snapshot, Legacy)>, Report) {
        let (made, report) = self.make(world, settings, crate::plugin::TABLE, &before.shared);
        let legacy = |model: Model| Legacy { inventory: Inventory::of(&model), shared: model.read.shared };
        (made.map(|(snapshot, model)| (snapshot, legacy(model))), report)
    }

    /// The same, and with a snapshot what people want to know besides. `source` is what was opened.
    #[must_use]
    pub fn compile_outlined(
        self,
        source: &Source,
        world: World<'_>,
        settings: &Settings,
    ) -> (Option<(Snapshot, Outline)>, Report) {
        let (made, report) = self.make(world, settings, crate::plugin::TABLE, &Extensions::new());
        (made.map(|(snapshot, model)| (snapshot, Outline::of(&model, &source.text))), report)
    }

    /// The same, with the plugins of a table.
    fn compile_with(
        self,
        world: World<'_>,
        settings: &Settings,
        table: &'static [Entry],
    ) -> (Option<Snapshot>, Report) {
        let (made, report) = self.make(world, settings, table, &Extensions::new());
        (made.map(|(snapshot, _)| snapshot), report)
    }

    fn make(
        self,
        world: World<'_>,
        settings: &Settings,
        table: &'static [Entry],
        before: &Extensions,
    ) -> (Option<(Snapshot, Model)>, Report) {
        let Self { source, tree, mut report, .. } = self;
        let Some((tree, root)) = tree else { return (None, report) };
        let document = document::read(tree, root, world, settings, table, before, &mut report);
        report.size = document.size();
        let model = resolve::resolve(document, &mut report);
        let specs = if report.has_errors() { Vec::new() } else { compile::specs(&model) };
        let snapshot = if report.has_errors() { None } else { compile::compile(&model, &specs, &mut report) };
        let snapshot = snapshot.map(|snapshot| {
            let wanted = !settings.admin_listen.is_empty();
            let (shown, now) = (settings.admin_show_secrets, world.now);
            let listing = wanted.then(|| listing::list(&model, &source.text, shown, now).into());
            let secrets = snapshot.secrets.iter().chain(&settings.log_secrets).cloned().collect();
            Snapshot { listing, secrets, ..snapshot }
        });
        if snapshot.is_some() {
            lint::run(&model, &specs, &source, world, settings, &mut report);
        }
        courtesy::free(specs);
        inside::settle(&mut report, &source.text);
        (snapshot.map(|snapshot| (snapshot, model)), report)
    }
}

fn tree(source: &Source, report: &mut Report) -> Option<(tree::Tree, tree::NodeId)> {
    if source.text.len() > MAX_TEXT {
        let message = format!("the document has {} bytes; {MAX_TEXT} are allowed", source.text.len());
        report.push(Diagnostic::error("too-large", Span::new(0, 1), message.clone()).kong(Vec::new(), message));
        return None;
    }
    let yaml = source.name.ends_with(".yml") || source.name.ends_with(".yaml");
    if source.name.ends_with(".json") || (!yaml && json::is_json(&source.text)) {
        json::read(&source.text, report)
    } else {
        yaml::read(&source.text, report)
    }
}
