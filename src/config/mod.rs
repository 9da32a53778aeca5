//! Bytes to snapshot, or to a report: the one front door for start-up, reload and `gateway check`.

mod check;
mod compile;
mod document;
mod entities;
mod expand;
mod header;
mod ids;
mod json;
pub mod kong_print;
mod lines;
mod mask;
mod model;
mod nearest;
mod pem;
mod plugins;
pub mod render;
pub mod report;
mod resolve;
mod scalar;
pub mod schema;
mod shorthand;
mod tree;
mod unsupported;
pub mod value;
mod yaml;

use crate::plugin::Entry;
use crate::settings::{Plugins, Settings};
use crate::snapshot::Snapshot;
use report::{Diagnostic, Report, Source, Span};

/// Most bytes of a document.
pub const MAX_TEXT: usize = 64 << 20;

/// Reads, resolves and compiles one document. Pure: the environment is an argument, nothing is touched.
///
/// The report holds warnings also when a snapshot comes back, and at least one error when none does. A name that ends
/// in `.json` is JSON, one that ends in `.yml` or `.yaml` is YAML; anything else is tried as both, as Kong does
/// (`kong/declarative.md` §1).
pub fn load(source: &Source, env: &dyn Fn(&str) -> Option<String>, settings: &Settings) -> (Option<Snapshot>, Report) {
    load_with(source, env, &settings.plugins, crate::plugin::TABLE)
}

/// The same, with the plugins of a table.
fn load_with(
    source: &Source,
    env: expand::Env<'_>,
    enabled: &Plugins,
    table: &'static [Entry],
) -> (Option<Snapshot>, Report) {
    let mut report = Report::default();
    let Some((tree, root)) = tree(source, &mut report) else { return (None, report) };
    let document = document::read(tree, root, env, enabled, table, &mut report);
    let model = resolve::resolve(document, &mut report);
    let snapshot = if report.has_errors() { None } else { compile::compile(&model, &mut report) };
    (snapshot, report)
}

fn tree(source: &Source, report: &mut Report) -> Option<(tree::Tree, tree::NodeId)> {
    if source.text.len() > MAX_TEXT {
        let message = format!("the document has {} bytes; {MAX_TEXT} are allowed", source.text.len());
        report.push(Diagnostic::error("too-large", Span::default(), message.clone()).kong(Vec::new(), message));
        return None;
    }
    let yaml = source.name.ends_with(".yml") || source.name.ends_with(".yaml");
    if source.name.ends_with(".json") || (!yaml && json::is_json(&source.text)) {
        json::read(&source.text, report)
    } else {
        yaml::read(&source.text, report)
    }
}
