#![allow(clippy::unwrap_used)]
use super::*;
use crate::config::load;
use crate::config::report::{Report, Source};
use crate::config::tree::{NodeId, Raw, Tree};
use crate::settings::{RouterFlavor, Settings};
use crate::world::World;
use jsonschema::Validator;
use std::fs;
use std::path::{Path, PathBuf};

fn validator() -> Validator {
    jsonschema::draft7::new(&schema(None)).unwrap()
}

/// A document as an editor sees it.
fn read(path: &Path) -> Option<Value> {
    let source = Source::from_bytes(path.to_str().unwrap(), &fs::read(path).unwrap()).ok()?;
    let (tree, root) = super::super::tree(&source, &mut Report::default())?;
    Some(value(&tree, root))
}

fn value(tree: &Tree, id: NodeId) -> Value {
    match &tree.node(id).raw {
        Raw::Null => Value::Null,
        Raw::Bool(b) => (*b).into(),
        Raw::Int(n) => (*n).into(),
        Raw::Num(n) => (*n).into(),
        Raw::Text(text) => (&**text).into(),
        Raw::List(items) => items.iter().map(|item| value(tree, *item)).collect(),
        Raw::Map(pairs) => Value::Object(pairs.iter().map(|p| (p.key.to_string(), value(tree, p.value))).collect()),
    }
}

/// Whatever a sample asks for is set, and fits.
fn variable(name: &str) -> Option<String> {
    Some(if name.ends_with("URL") { "http://h.test:1".to_owned() } else { "1".to_owned() })
}

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let all = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut all: Vec<_> = all.filter(|path| path.extension().is_some_and(|e| e == "yml" || e == "json")).collect();
    all.sort();
    all
}

fn faults(validator: &Validator, document: &Value) -> Vec<String> {
    validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn the_schema_is_one() {
    for compat in [None, Some(Compat::Kong2), Some(Compat::Kong3)] {
        jsonschema::meta::validate(&schema(compat)).unwrap();
    }
}

/// Sample files, and every file under tests/check: what is accepted passes; what is refused for what a schema can see fails.
#[test]
fn schema_and_reader_agree() {
    let (validator, mut seen, mut wrong) = (validator(), [0, 0], Vec::new());
    let samples =
        ["", "tests/real", "tests/wire", "benches/compare", "tests/check"].iter().flat_map(|folder| files(folder));
    for path in samples {
        let Some(document) = read(&path) else { continue };
        let source = Source::from_bytes(path.to_str().unwrap(), &fs::read(&path).unwrap()).unwrap();
        // A schema knows no settings.
        let settings = Settings { router_flavor: RouterFlavor::Expressions, ..Settings::default() };
        let (_, report) = load(&source, World { env: &variable, ..World::EMPTY }, &settings);
        let visible = |code: &str| matches!(code, "unknown-field" | "wrong-type" | "missing-field");
        let refused = report.found.iter().any(|found| visible(found.code));
        let faults = faults(&validator, &document);
        let name = path.file_name().unwrap().to_str().unwrap();
        if refused && faults.is_empty() {
            wrong.push(format!("{name} is refused, and passes the schema"));
        }
        if !report.has_errors() && !faults.is_empty() {
            wrong.push(format!("{name} is fine, and fails the schema: {}", faults.join("; ")));
        }
        seen[usize::from(refused)] += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen[0] > 10 && seen[1] > 5, "{seen:?}");
}

#[test]
fn variables_stand_for_anything() {
    let service =
        json!({ "name": "a", "host": "${HOST}", "port": "${PORT}", "enabled": "$ON", "protocol": "${P:-http}" });
    let route = json!({ "paths": ["${PREFIX}"], "https_redirect_status_code": "{vault://env/CODE}" });
    let document = json!({ "_format_version": "2.1", "services": [service], "routes": [route] });
    assert_eq!(faults(&validator(), &document), [""; 0]);
}

#[test]
fn versions_differ() {
    let of = |version: &str| {
        json!({ "_format_version": version, "services": [{ "url": "http://a", "plugins": [
            { "name": "cors", "config": { "private_network": true } }
        ] }] })
    };
    assert_eq!(faults(&validator(), &of("3.0")), [""; 0]);
    assert_eq!(faults(&validator(), &of("2.1")).len(), 1);
    let only = jsonschema::draft7::new(&schema(Some(Compat::Kong2))).unwrap();
    assert!(!only.is_valid(&of("3.0")), "`_format_version` is another one");
}

#[test]
fn what_is_ours_is_marked() {
    let schema = schema(None);
    let sni = &schema["definitions"]["snis-2"]["properties"]["client_ca"]["description"];
    assert_eq!(sni, "A field of this gateway; Kong refuses it.");
    let plugin = &schema["definitions"]["config-of-limit-req-3"]["description"];
    assert_eq!(plugin, "A plugin of this gateway; Kong has none of this name.");
}
