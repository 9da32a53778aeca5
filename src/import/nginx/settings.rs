//! What holds for all servers alike: `_gateway`.

use super::super::document::{Entry, Node};
use super::certificates::is_file;
use super::notes::Notes;
use super::server::Server;
use super::tree::{Directive, Scope};
use crate::settings::{cloudflare, units};

/// Whether a value is one.
type Fits = fn(&str) -> bool;

/// Directives that are settings of the same name here, with the same values, and what those look like.
const SAME: &[(&str, Fits)] = &[
    ("real_ip_header", is_header),
    ("real_ip_recursive", is_switch),
    ("keepalive_timeout", is_times),
    ("client_header_timeout", is_times),
    ("client_body_timeout", is_times),
    ("send_timeout", is_times),
    ("large_client_header_buffers", is_buffers),
];
/// Those that are settings in other words.
const OTHER: &[&str] = &["access_log", "error_log", "server_tokens", "set_real_ip_from"];

/// All of them but listeners, certificates and the size of bodies.
pub(super) fn settings(http: &Scope<'_>, servers: &[Server<'_>], notes: &mut Notes) -> Vec<Entry> {
    let mut settings = Vec::new();
    settings.extend(trusted(http, servers, notes));
    for (name, fits) in SAME {
        settings.extend(text(name, *fits, http, servers, notes));
    }
    if uniform("server_tokens", http, servers, notes).is_some_and(|directive| directive.says(&["off"])) {
        settings.push(Entry::new("headers", Node::text("off")).under("server_tokens off"));
    }
    settings.extend(uniform("access_log", http, servers, notes).and_then(|directive| access_log(directive, notes)));
    settings.extend(uniform("error_log", http, servers, notes).and_then(|directive| error_log(directive, notes)));
    for location in servers.iter().flat_map(|server| &server.locations) {
        let ours = |name: &str| OTHER.contains(&name) || SAME.iter().any(|(own, _)| *own == name);
        let own = location.scope.own().iter().filter(|own| ours(&own.name));
        own.for_each(|directive| notes.lost(directive, "a setting of the whole process here, not of a location"));
    }
    settings
}

/// The directive that holds for all servers. Where they differ, the one round them does, and theirs are lost.
fn uniform<'a>(name: &str, http: &Scope<'a>, servers: &[Server<'a>], notes: &mut Notes) -> Option<&'a Directive> {
    let words = |directive: &Directive| directive.texts().map(str::to_owned).collect::<Vec<_>>();
    let of_servers: Vec<_> = servers.iter().map(|server| server.scope.last(name)).collect();
    let same = |first: &&Directive| of_servers.iter().all(|other| other.map(words) == Some(words(first)));
    if let Some(first) = of_servers.first().copied().flatten().filter(same) {
        return Some(first);
    }
    for own in servers.iter().filter_map(|server| server.scope.own_named(name)) {
        notes.lost(own, "a setting of the whole process here, and servers differ in it");
    }
    http.last(name)
}

fn text(name: &str, fits: Fits, http: &Scope<'_>, servers: &[Server<'_>], notes: &mut Notes) -> Option<Entry> {
    let directive = uniform(name, http, servers, notes)?;
    let value = directive.texts().collect::<Vec<_>>().join(" ");
    if !fits(&value) {
        notes.lost(directive, "this is no value for it");
        return None;
    }
    Some(Entry::new(name, Node::Text(value)).under(notes.place(directive.at)))
}

fn is_header(text: &str) -> bool {
    text.parse::<http::HeaderName>().is_ok()
}

fn is_switch(text: &str) -> bool {
    matches!(text, "on" | "off")
}

/// One time, or two: `keepalive_timeout` has one for a header, too.
fn is_times(text: &str) -> bool {
    !text.is_empty() && text.split(' ').all(|time| units::time(time).is_some())
}

fn is_buffers(text: &str) -> bool {
    let parts = text.split_once(' ').map(|(number, size)| (number.parse::<u64>().ok(), units::size(size)));
    matches!(parts, Some((Some(1..=1000), Some(1..=0x1000_0000))))
}

/// `set_real_ip_from`, wherever it stands: the gateway trusts a peer or it does not.
fn trusted(http: &Scope<'_>, servers: &[Server<'_>], notes: &mut Notes) -> Option<Entry> {
    let name = "set_real_ip_from";
    let of_http = http.all(name);
    let of_servers = servers.iter().flat_map(|server| server.scope.own().iter().filter(|own| own.name == name));
    let mut all: Vec<&Directive> = of_http.clone();
    for directive in of_servers {
        if servers.len() > 1 {
            notes.differs(directive, "whom it trusts is trusted for every server here");
        }
        all.push(directive);
    }
    let mut networks: Vec<String> = Vec::new();
    for directive in &all {
        let text = directive.arg(0).unwrap_or_default();
        let good = text.parse::<ipnet::IpNet>().is_ok() || text.parse::<std::net::IpAddr>().is_ok();
        if !good {
            notes.lost(directive, "this is no address and no network");
        } else if !networks.iter().any(|known| known == text) {
            networks.push(text.to_owned());
        }
    }
    preset(&mut networks);
    let place = all.first().map(|first| notes.place(first.at)).unwrap_or_default();
    (!networks.is_empty()).then(|| Entry::new("trusted_ips", Node::texts(networks)).under(place))
}

/// Cloudflare's networks have a name here. It stands in their place where the file has all of them.
fn preset(networks: &mut Vec<String>) {
    let published: Vec<String> = cloudflare::networks().map(|network| network.to_string()).collect();
    if published.iter().all(|network| networks.contains(network)) {
        networks.retain(|network| !published.contains(network));
        networks.insert(0, "cloudflare".to_owned());
    }
}

fn access_log(directive: &Directive, notes: &mut Notes) -> Option<Entry> {
    let path = directive.arg(0).unwrap_or_default();
    if path.starts_with("syslog:") || !is_file(path) || path.contains(' ') {
        notes.lost(directive, "the access log is a file, or standard output");
        return None;
    }
    let others: Vec<&str> = directive.texts().skip(1).filter(|text| *text != "combined").collect();
    if !others.is_empty() {
        notes.differs(directive, "lines have nginx's format `combined`, and are written at once");
    }
    // What it is written with is format 3.0, whose own lines have more than nginx's.
    Some(Entry::new("proxy_access_log", Node::text(format!("{path} combined"))).under(notes.place(directive.at)))
}

fn error_log(directive: &Directive, notes: &mut Notes) -> Option<Entry> {
    if !matches!(directive.arg(0), Some("stderr" | "/dev/stderr")) {
        notes.differs(directive, "the gateway logs on standard error");
    }
    let level = directive.arg(1)?;
    let known = ["debug", "info", "notice", "warn", "error", "crit", "alert", "emerg"].contains(&level);
    known.then(|| Entry::new("log_level", Node::text(level)).under(notes.place(directive.at)))
}
