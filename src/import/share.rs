//! What stands in a document several times is written once, with a name (YAML's anchors), and then referred to.

use super::document::{Entry, Node};
use std::collections::HashMap;

/// Settings of a plugin that are shorter than this are repeated instead: they read more easily so.
const LINES: usize = 5;

/// Each `config` of a plugin that repeats: how often it stands there, and its name once it has one.
#[derive(Default)]
struct Known {
    all: Vec<(Vec<Entry>, usize, Option<String>)>,
    names: HashMap<String, usize>,
}

/// Gives names to plugins' settings that stand in a document more than once.
pub(super) fn share(document: &mut [Entry]) {
    let mut known = Known::default();
    entries(document, &mut |_, config| known.count(config));
    entries(document, &mut |plugin, config| known.replace(plugin, config));
}

/// Calls for each plugin's name and settings, in the order of the text.
fn entries(all: &mut [Entry], act: &mut dyn FnMut(&str, &mut Node)) {
    let plugin = match all.first() {
        Some(Entry { key, value: Node::Text(name), .. }) if key == "name" => name.clone(),
        _ => String::new(),
    };
    for entry in all {
        match &mut entry.value {
            config @ Node::Map(_) if entry.key == "config" => act(&plugin, config),
            value => node(value, act),
        }
    }
}

fn node(value: &mut Node, act: &mut dyn FnMut(&str, &mut Node)) {
    match value {
        Node::Map(map) => entries(map, act),
        Node::List(items) => items.iter_mut().for_each(|item| node(&mut item.value, act)),
        _ => {}
    }
}

/// Lines that a mapping takes.
fn lines(map: &[Entry]) -> usize {
    let of = |value: &Node| match value {
        Node::Map(map) => 1 + lines(map),
        Node::List(items) => 1 + items.len(),
        _ => 1,
    };
    map.iter().map(|entry| of(&entry.value)).sum()
}

// === impl Known ===

impl Known {
    fn count(&mut self, config: &Node) {
        let Node::Map(map) = config else { return };
        if lines(map) < LINES {
            return;
        }
        match self.all.iter_mut().find(|(other, ..)| other == map) {
            Some((_, count, _)) => *count += 1,
            None => self.all.push((map.clone(), 1, None)),
        }
    }

    fn replace(&mut self, plugin: &str, config: &mut Node) {
        let Node::Map(map) = config else { return };
        let Some((_, _, name)) = self.all.iter_mut().find(|(other, count, _)| *count > 1 && other == map) else {
            return;
        };
        if let Some(name) = name {
            *config = Node::Again(name.clone());
            return;
        }
        let number = self.names.entry(plugin.to_owned()).or_default();
        *number += 1;
        let own = if *number == 1 { plugin.to_owned() } else { format!("{plugin}-{number}") };
        *name = Some(own.clone());
        *config = Node::Named(own, std::mem::take(map));
    }
}
