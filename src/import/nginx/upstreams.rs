//! `upstream` blocks.

use super::super::document::Upstream;
use super::notes::Notes;
use super::tree::{Directive, Scope};

/// All upstreams of a level. One without a usable server is left out, and told.
pub(super) fn upstreams(http: &Scope<'_>, notes: &mut Notes) -> Vec<Upstream> {
    let blocks = http.own().iter().filter(|directive| directive.name == "upstream" && directive.block.is_some());
    blocks.filter_map(|directive| upstream(directive, notes)).collect()
}

fn upstream(directive: &Directive, notes: &mut Notes) -> Option<Upstream> {
    let name = directive.arg(0).unwrap_or_default();
    let good = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
    let label = |label: &str| !label.is_empty() && !label.ends_with('-');
    if !name.bytes().all(good) || !name.split('.').all(label) || name.parse::<std::net::IpAddr>().is_ok() {
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
            ("weight", number) => weight = number.parse().ok().filter(|number| (1..=65_535).contains(number)).or(Some(1)),
            ("down", _) => weight = Some(0),
            ("backup", _) => {
                notes.lost(server, "the gateway has no spare targets, so this one is left out");
                return None;
            }
            ("resolve", _) | ("max_fails", "0") => {}
            ("max_fails" | "fail_timeout", _) => {
                notes.differs(server, "a target that fails is tried again with the next request, not left alone for a time");
            }
            _ => notes.differs(server, &format!("`{parameter}` has no counterpart")),
        }
    }
    Some((address, weight))
}

/// `HOST:PORT`; nginx's port is 80 if none is written.
fn address(text: &str) -> Option<String> {
    let (host, port) = match text.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')) {
        Some((host, port)) => (host, port.parse::<u16>().ok()?),
        None => (text, 80),
    };
    let good = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
    let label = |label: &str| !label.is_empty() && !label.ends_with('-');
    let named = host.bytes().all(good) && host.split('.').all(label);
    let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let v6 = inner.is_some_and(|inner| inner.parse::<std::net::Ipv6Addr>().is_ok());
    (named || v6).then(|| format!("{host}:{port}"))
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
