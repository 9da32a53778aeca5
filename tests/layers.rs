//! The architecture as a test (`docs/architecture.md`): a file may use only its own layer and lower ones, and a pure file
//! no sockets, files, environment, clock or runtime. A new module needs a row.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

/// What a path under `src/` begins with, its layer, and whether it is pure. The longest that fits counts.
const LAYERS: &[(&str, u8, bool)] = &[
    ("acme", 0, true),
    ("entity", 0, true),
    ("body", 0, true),
    ("args", 0, true),
    ("nginx64", 0, true),
    ("number", 0, true),
    ("pcre", 0, true),
    ("pipe", 0, false),
    ("courtesy", 0, false),
    ("crypto", 0, true),
    ("keys", 0, false),
    ("keys/fixtures", 3, false),
    ("health", 0, true),
    ("listing", 0, true),
    ("live", 0, true),
    ("offload", 0, false),
    ("outbox", 0, false),
    ("outbox/pace", 0, true),
    ("world", 0, true),
    ("settings", 0, true),
    ("sni", 0, true),
    ("token", 0, true),
    ("config/hosts", 0, true),
    ("config/report", 0, true),
    ("config/value", 0, true),
    ("config/schema", 0, true),
    ("consumers", 0, true),
    ("reply", 1, true),
    ("buffer", 1, true),
    ("http1", 1, true),
    ("http2", 1, true),
    ("route", 1, true),
    ("lua", 2, true),
    ("lua/limits", 2, false),
    ("plugin", 2, true),
    ("import", 2, true),
    ("snapshot", 3, true),
    ("config", 4, true),
    ("upstream", 4, false),
    ("upstream/balance", 4, true),
    ("upstream/checker/question", 4, true),
    ("upstream/http1/chunks", 4, true),
    ("upstream/http1/queue", 4, true),
    ("upstream/http1/reading", 4, true),
    ("upstream/http1/request", 4, true),
    ("upstream/http1/response", 4, true),
    ("observe", 4, false),
    ("observe/format", 0, true),
    ("observe/otlp", 4, true),
    ("observe/redact", 0, true),
    ("observe/reloads", 4, true),
    ("observe/repeats", 4, true),
    ("observe/trace", 0, true),
    ("observe/traffic", 4, true),
    ("probe", 5, false),
    ("probe/certificate", 5, true),
    ("probe/http", 5, true),
    ("probe/plan", 5, true),
    ("probe/prefix", 5, true),
    ("proxy", 5, false),
    ("proxy/affinity", 5, true),
    ("proxy/client", 5, true),
    ("proxy/decide", 5, true),
    ("proxy/detour", 5, true),
    ("proxy/facts", 5, true),
    ("proxy/failure", 5, true),
    ("proxy/ids", 5, true),
    ("proxy/inspect", 5, true),
    ("proxy/request", 5, true),
    ("proxy/response", 5, true),
    ("proxy/seen", 5, true),
    ("proxy/sizes", 5, true),
    ("admin", 6, false),
    ("admin/answer", 6, true),
    ("admin/config", 6, true),
    ("admin/entities", 6, true),
    ("admin/flatten", 6, true),
    ("admin/form", 6, true),
    ("admin/guard", 6, true),
    ("admin/health", 6, true),
    ("admin/info", 6, true),
    ("admin/metrics", 6, true),
    ("admin/refuse", 6, true),
    ("admin/reply", 6, true),
    ("admin/schemas", 6, true),
    ("admin/targets", 6, true),
    ("admin/unit", 6, true),
    ("admin/verbosity", 6, true),
    ("server", 6, false),
    ("server/acme/due", 6, true),
    ("server/answer", 6, true),
    ("server/http1/answer", 6, true),
    ("server/http1/request", 6, true),
    ("server/http2/blocks", 6, true),
    ("server/http2/meter", 6, true),
    ("server/limits", 6, true),
    ("server/proxy_protocol", 6, true),
    ("demo", 6, false),
    ("demo/answer", 6, true),
    ("demo/frames", 6, true),
    ("explain", 6, true),
    ("cli", 7, false),
    ("main", 8, false),
    ("lib", 8, true),
];

/// What no pure file says.
const IMPURE: &[&str] = &[
    "tokio::",
    "std::fs",
    "std::env",
    "std::process",
    "std::thread",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "ToSocketAddrs",
    "Instant::now",
    "SystemTime::now",
];

fn layer(path: &str) -> Option<(u8, bool)> {
    let fits =
        |row: &&(&str, u8, bool)| path.strip_prefix(row.0).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    LAYERS.iter().filter(fits).max_by_key(|row| row.0.len()).map(|row| (row.1, row.2))
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let all = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    all.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

/// The code of a file, without comments and without what only tests see.
fn code(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    let text = text.split("\nmod tests {").next().unwrap();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// Modules that the code names: `route` or `config/report` for `crate::config::report::…`.
fn uses(code: &str) -> impl Iterator<Item = String> {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    code.split("crate::").skip(1).map(move |rest| {
        let first = word(rest);
        match rest[first.len()..].strip_prefix("::") {
            Some(next) if !word(next).is_empty() => format!("{first}/{}", word(next)),
            _ => first,
        }
    })
}

#[test]
fn every_file_keeps_to_its_layer() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut faults = Vec::new();
    for path in sources(&root).iter().filter(|p| p.extension().is_some_and(|e| e == "rs")) {
        let name = path.strip_prefix(&root).unwrap().with_extension("").to_string_lossy().replace('\\', "/");
        if name.ends_with("tests") || name.ends_with("testing") {
            continue;
        }
        let Some((own, pure)) = layer(&name) else {
            faults.push(format!("src/{name}.rs has no layer: add a row to LAYERS"));
            continue;
        };
        let code = code(path);
        let upward = uses(&code).filter(|used| layer(used).is_some_and(|(other, _)| other > own));
        faults.extend(upward.map(|used| {
            format!(
                "src/{name}.rs (layer {own}) uses {used}, of a higher layer: move what both need down, or pass it in"
            )
        }));
        if code.contains("crate::{") {
            faults.push(format!("src/{name}.rs: write one `use crate::…` per module, so that this test can read it"));
        }
        let impure = IMPURE.iter().filter(|word| pure && code.contains(**word));
        faults.extend(
            impure.map(|word| format!("src/{name}.rs is pure, but says {word}: let the caller ask, and pass it in")),
        );
    }
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn the_table_is_read_as_meant() {
    assert_eq!(layer("config/report"), Some((0, true)));
    assert_eq!(layer("config/reporting"), Some((4, true)));
    assert_eq!(layer("nowhere"), None);
    let used: Vec<_> = uses("use crate::route::Router;\nuse crate::body;\ncrate::config::report::Report").collect();
    assert_eq!(used, ["route/Router", "body", "config/report"]);
}
