//! `upstream` blocks.

use super::super::document::Upstream;
use super::host;
use super::notes::Notes;
use super::tree::{Directive, Scope};
use std::collections::BTreeMap;

/// All upstreams of a level, and whether each can be used. One that can't is told.
pub(super) fn upstreams(http: &Scope<'_>, notes: &mut Notes) -> (Vec<Upstream>, BTreeMap<String, bool>) {
    let blocks = http.own().iter().filter(|directive| directive.name == "upstream" && directive.block.is_some());
    let (mut all, mut usable) = (Vec::new(), BTreeMap::new());
    for directive in blocks {
        let found = upstream(directive, notes);
        usable.insert(directive.arg(0).unwrap_or_default().to_owned(), found.is_some());
        all.extend(found);
    }
    (all, usable)
}

fn upstream(directive: &Directive, notes: &mut Notes) -> Option<Upstream> {
    let name = directive.arg(0).unwrap_or_default();
    if !host::is_host(name) || host::is_address(name) {
        notes.lost(directive, "the gateway's upstreams have names like hosts");
        return None;
    }
    let servers: Vec<_> = directive.children().iter().filter(|child| child.name == "server").collect();
    let weighted = servers.iter().any(|server| server.texts().any(|text| text.starts_with("weight=")));
    let targets: Vec<_> = servers.iter().filter_map(|server| target(server, weighted, notes)).collect();
    if targets.is_empty() {
        notes.lost(directive, "no server of it could be carried over");
        return None;
    }
    let comments = vec![format!("{} {}", notes.place(directive.at), directive.shown())];
    Some(Upstream { comments, name: name.to_owned(), targets })
}

fn target(server: &Directive, weighted: bool, notes: &mut Notes) -> Option<(String, Option<u64>)> {
    let Some(address) = address(server.arg(0).unwrap_or_default()) else {
        notes.lost(server, "the gateway's targets are HOST:PORT");
        return None;
    };
    let mut weight = weighted.then_some(1);
    for parameter in server.texts().skip(1) {
        match parameter.split_once('=').unwrap_or((parameter, "")) {
            ("weight", number) => {
                weight = number.parse().ok().filter(|number| (1..=65_535).contains(number)).or(Some(1))
            }
            ("down", _) => weight = Some(0),
            ("backup", _) => {
                notes.lost(server, "the gateway has no spare targets, so this one is left out");
                return None;
            }
            ("resolve", _) | ("max_fails", "0") => {}
            ("max_fails" | "fail_timeout", _) => {
                notes.differs(
                    server,
                    "a target that fails is tried again with the next request, not left alone for a time",
                );
            }
            _ => notes.differs(server, &format!("`{parameter}` has no counterpart")),
        }
    }
    Some((address, weight))
}

/// `HOST:PORT`; nginx's port is 80 if none is written.
fn address(text: &str) -> Option<String> {
    let (host, port) = host::split(text)?;
    host::is_upstream_host(host).then(|| format!("{host}:{}", port.unwrap_or(80)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets() {
        assert_eq!(address("api:8181").as_deref(), Some("api:8181"));
        assert_eq!(address("10.0.0.1").as_deref(), Some("10.0.0.1:80"));
        assert_eq!(address("[::1]:8080").as_deref(), Some("[::1]:8080"));
        assert_eq!((address("unix:/run/x"), address(""), address("a:b")), (None, None, None));
    }
}
