//! `listen`, and what the gateway's `proxy_listen` makes of all of them.

use super::host::is_host;
use super::notes::Notes;
use super::tree::{Directive, Scope};
use crate::settings;
use std::net::Ipv6Addr;

/// An address that a server is asked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listen {
    /// `ADDRESS:PORT`, the address written out.
    pub(super) address: String,
    /// The port.
    pub(super) port: u16,
    /// Whether it speaks TLS.
    pub(super) ssl: bool,
    /// Whether its server takes requests for names that no server has.
    pub(super) default: bool,
    /// What goes into `proxy_listen`, besides `ssl`.
    flags: Vec<String>,
}

/// A server's addresses. Without a `listen` it is port 80.
pub(super) fn of_server(scope: &Scope<'_>, notes: &mut Notes) -> Vec<Listen> {
    let written: Vec<_> = scope.own().iter().filter(|directive| directive.name == "listen").collect();
    let mut listens: Vec<_> = written.iter().filter_map(|directive| listen(directive, notes)).collect();
    if written.is_empty() {
        listens.extend(address("80"));
    }
    let on = |name| scope.last(name).is_some_and(|directive| directive.says(&["on"]));
    for listen in &mut listens {
        // `ssl on;` is from before nginx 1.25.1, `http2 on;` since then.
        listen.ssl |= on("ssl");
        if on("http2") && listen.ssl {
            listen.flag("http2");
        }
    }
    listens
}

/// All addresses as `proxy_listen` has them, each once, with the flags that any server gave it.
pub(super) fn proxy_listen<'a>(all: impl Iterator<Item = &'a Listen>) -> Vec<String> {
    let mut merged: Vec<Listen> = Vec::new();
    for listen in all {
        match merged.iter_mut().find(|other| other.address == listen.address) {
            Some(other) => {
                other.ssl |= listen.ssl;
                listen.flags.iter().for_each(|flag| other.flag(flag));
            }
            None => merged.push(listen.clone()),
        }
    }
    merged.iter().map(Listen::written).collect()
}

fn listen(directive: &Directive, notes: &mut Notes) -> Option<Listen> {
    let text = directive.arg(0).unwrap_or_default();
    if text.starts_with("unix:") {
        notes.lost(directive, "the gateway does not listen on Unix sockets");
        return None;
    }
    let Some(mut listen) = address(text) else {
        notes.lost(directive, "this is no address and port");
        return None;
    };
    for flag in directive.texts().skip(1) {
        match flag {
            "ssl" => listen.ssl = true,
            "default_server" | "default" => listen.default = true,
            "http2" | "proxy_protocol" | "reuseport" | "deferred" | "bind" => listen.flag(flag),
            "ipv6only=off" if listen.address.starts_with('[') => listen.flag(flag),
            "ipv6only=on" | "ipv6only=off" => {}
            "quic" | "http3" => {
                notes.lost(directive, "the gateway does not speak HTTP/3");
                return None;
            }
            _ if is_known(flag) => listen.flag(flag),
            _ => notes.differs(directive, &format!("the gateway's listeners do not know `{flag}`")),
        }
    }
    Some(listen)
}

/// Whether the gateway's own listeners take it.
fn is_known(flag: &str) -> bool {
    let ours = flag.starts_with("so_keepalive=") || flag.starts_with("backlog=");
    ours && !flag.contains(',') && settings::listen::parse(&format!("[::1]:80 {flag}"), &|_| None).is_ok()
}

/// `80`, `*:80`, `10.0.0.1`, `localhost:80`, `[::]:80`.
fn address(text: &str) -> Option<Listen> {
    let port = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0);
    let (host, port) = match port(text) {
        Some(port) => ("*", port),
        None => match text.rsplit_once(':').filter(|(host, _)| !host.starts_with('[') || host.ends_with(']')) {
            Some((host, digits)) => (host, port(digits)?),
            None => (text, 80),
        },
    };
    let host = match host.strip_prefix('[') {
        Some(inner) => format!("[{}]", inner.strip_suffix(']')?.parse::<Ipv6Addr>().ok()?),
        None if host == "*" => "0.0.0.0".to_owned(),
        None if is_host(host) => host.to_owned(),
        None => return None,
    };
    Some(Listen { address: format!("{host}:{port}"), port, ssl: false, default: false, flags: Vec::new() })
}

// === impl Listen ===

impl Listen {
    fn flag(&mut self, flag: &str) {
        if !self.flags.iter().any(|own| own == flag) {
            self.flags.push(flag.to_owned());
        }
    }

    fn written(&self) -> String {
        let ssl = self.ssl.then_some("ssl");
        let words = [self.address.as_str()].into_iter().chain(ssl).chain(self.flags.iter().map(String::as_str));
        words.collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let read = |text| address(text).map(|listen| listen.address);
        for (text, want) in [
            ("80", "0.0.0.0:80"),
            ("*:8080", "0.0.0.0:8080"),
            ("127.0.0.1", "127.0.0.1:80"),
            ("localhost:8000", "localhost:8000"),
            ("[::]:443", "[::]:443"),
            ("[::1]", "[::1]:80"),
        ] {
            assert_eq!(read(text).as_deref(), Some(want), "{text}");
        }
        for bad in ["", ":80", "[::1", "[x]:80", "a:b", "0", "70000:1x", "a b:80"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
