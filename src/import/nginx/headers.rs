//! `proxy_set_header`: what the upstream is told. The gateway says who the client is by itself; everything else becomes
//! `request-transformer`.

use super::super::document::{Entry, Node, Plugin};
use super::notes::Notes;
use super::server::Server;
use super::tree::{Directive, Scope};
use super::value::{Value, translate};

/// What is sent besides what the client sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Sent {
    /// The client's Host.
    pub(super) preserve_host: bool,
    /// This Host.
    host: Option<String>,
    remove: Vec<String>,
    add: Vec<String>,
}

/// Reads what holds in a scope. `default_host` is nginx's `$proxy_host` where the gateway would send another.
pub(super) fn sent(scope: &Scope<'_>, default_host: Option<&str>, server: &Server<'_>, notes: &mut Notes) -> Sent {
    let server_name = server.label();
    let mut sent = Sent { host: default_host.map(str::to_owned), ..Sent::default() };
    for directive in scope.all("proxy_set_header") {
        let (Some(name), Some(value)) = (directive.arg(0), directive.arg(1)) else {
            notes.lost(directive, "it has no name and value");
            continue;
        };
        match name.to_ascii_lowercase().as_str() {
            "host" => host(value, server, directive, &mut sent, notes),
            "upgrade" | "connection" | "keep-alive" | "te" | "transfer-encoding" => {
                upgrade(name, value, directive, notes)
            }
            known if known.starts_with("x-forwarded-") || known == "x-real-ip" => {
                client(known, value, directive, notes)
            }
            known => other(known, name, value, server_name, directive, &mut sent, notes),
        }
    }
    sent
}

fn host(value: &str, server: &Server<'_>, directive: &Directive, sent: &mut Sent, notes: &mut Notes) {
    match value {
        "$http_host" => (sent.preserve_host, sent.host) = (true, None),
        "$host" => {
            (sent.preserve_host, sent.host) = (true, None);
            if server.listens.iter().any(|listen| !matches!(listen.port, 80 | 443)) {
                notes.differs(directive, "the upstream sees the Host that the client sent, its port included");
            }
        }
        "$proxy_host" => {}
        _ if value.starts_with("$host:") || value.starts_with("$http_host:") => {
            (sent.preserve_host, sent.host) = (true, None);
            notes.differs(directive, "the upstream sees the Host that the client sent, its port included");
        }
        _ => match translate(value, server.label()) {
            Value::Fixed(host) if !host.is_empty() && host.bytes().all(|b| b.is_ascii_graphic()) => {
                sent.host = Some(host)
            }
            _ => notes.lost(directive, "a Host like this cannot be made; the upstream sees its own name"),
        },
    }
}

/// The gateway passes on upgrades by itself, and keeps connections by itself.
fn upgrade(name: &str, value: &str, directive: &Directive, notes: &mut Notes) {
    let usual = match value.to_ascii_lowercase().as_str() {
        "" | "$http_upgrade" | "$connection_upgrade" | "upgrade" | "websocket" | "keep-alive" | "close" => true,
        other => other == "$http_connection" || other.ends_with("connection_upgrade"),
    };
    if !usual {
        notes.lost(directive, &format!("the gateway sets `{name}` by itself, to what the connection is"));
    }
}

/// `X-Real-IP`, `X-Forwarded-*`: always set by the gateway, and not by anything else.
fn client(name: &str, value: &str, directive: &Directive, notes: &mut Notes) {
    let reason = match (name, value) {
        ("x-real-ip", "$remote_addr" | "$realip_remote_addr")
        | ("x-forwarded-for", "$proxy_add_x_forwarded_for")
        | ("x-forwarded-proto", "$scheme")
        | ("x-forwarded-host", "$host" | "$http_host")
        | ("x-forwarded-port", "$server_port") => return,
        ("x-forwarded-for", "$remote_addr") => "the gateway adds the client's address to what the client sent",
        ("x-forwarded-host", "$server_name") => "the gateway sends the host that the client asked for",
        ("x-forwarded-host", "$host:$server_port" | "$http_host:$server_port") => "the gateway sends the host alone",
        ("x-forwarded-for" | "x-forwarded-proto" | "x-forwarded-host" | "x-forwarded-port", _)
            if value.starts_with("$http_") || value.starts_with("$proxy_x_") =>
        {
            "the gateway believes it of peers in `trusted_ips`, and says what it sees itself for all others"
        }
        ("x-real-ip", _) => "the gateway sends the client's address, as `trusted_ips` and `real_ip_header` tell it",
        ("x-forwarded-prefix", _) => "the gateway sends the part of the path that it took away",
        ("x-forwarded-proto" | "x-forwarded-host" | "x-forwarded-port" | "x-forwarded-for" | "x-forwarded-path", _) => {
            "the gateway says what it sees itself (for another port: `port_maps`)"
        }
        _ => {
            notes.lost(directive, "X-Forwarded-* are the gateway's own, and it has none of this name");
            return;
        }
    };
    notes.differs(directive, reason);
}

fn other(
    known: &str,
    name: &str,
    value: &str,
    server_name: &str,
    directive: &Directive,
    sent: &mut Sent,
    notes: &mut Notes,
) {
    let good = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
    if name.is_empty() || !name.bytes().all(good) {
        notes.lost(directive, "request-transformer does not know such a name");
        return;
    }
    let passed = value.strip_prefix("$http_").is_some_and(|header| header == known.replace('-', "_"));
    match translate(value, server_name) {
        // It passes as it is, anyway.
        Value::Template(_) if passed => {}
        Value::Fixed(text) | Value::Template(text) if text.contains(char::is_control) => {
            notes.lost(directive, "a header's value holds no control characters");
        }
        Value::Fixed(text) if text.is_empty() => sent.remove.push(name.to_owned()),
        Value::Fixed(text) if text.starts_with(':') || text.contains("$(") => {
            notes.lost(directive, "request-transformer cannot write such a value");
        }
        Value::Fixed(text) => sent.set(name, &text),
        Value::Template(text) => {
            sent.set(name, &text);
            notes.differs(directive, "where the variable is empty the header is sent empty; nginx leaves it out");
        }
        Value::Unknown(variable) => {
            notes.lost(directive, &format!("the gateway's templates have nothing like `${variable}`"));
        }
    }
}

// === impl Sent ===

impl Sent {
    fn set(&mut self, name: &str, value: &str) {
        self.remove.push(name.to_owned());
        self.add.push(format!("{name}:{value}"));
    }

    /// The plugin that does it, if one is needed.
    pub(super) fn plugin(&self) -> Option<Plugin> {
        let host = self.host.as_ref().map(|host| format!("Host:{host}"));
        let lists =
            [("remove", self.remove.clone()), ("replace", host.into_iter().collect()), ("add", self.add.clone())];
        let config: Vec<Entry> = lists.into_iter().filter(|(_, all)| !all.is_empty()).map(step).collect();
        (!config.is_empty()).then_some(Plugin { name: "request-transformer", config })
    }
}

fn step((name, headers): (&str, Vec<String>)) -> Entry {
    Entry::new(name, Node::Map(vec![Entry::new("headers", Node::texts(headers))]))
}
