//! `ssl_certificate` and what a server asks of its clients' certificates.

use super::super::document::{Certificate, Entry, Node, Sni};
use super::host;
use super::notes::Notes;
use super::server::Server;
use super::tree::Scope;
use std::collections::HashSet;

/// The authorities that clients' certificates must come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Clients {
    /// Their file.
    pub(super) ca: String,
    /// Whether a client may do without.
    pub(super) optional: bool,
}

/// Makes a path absolute as nginx does.
pub(super) type Absolute<'a> = &'a dyn Fn(&str) -> String;

/// Certificates for the names of all servers with TLS, each pair of files once.
pub(super) fn certificates(servers: &[Server<'_>], absolute: Absolute<'_>, notes: &mut Notes) -> Vec<Certificate> {
    let shared = shared(servers, absolute, notes);
    let mut all: Vec<Certificate> = Vec::new();
    let mut seen = HashSet::new();
    for server in servers.iter().filter(|server| server.serves(true)) {
        let pairs = pairs(&server.scope, absolute, notes);
        let clients = clients(&server.scope, absolute, notes).filter(|_| shared.is_none());
        let names = server.names.iter().filter(|name| !host::is_address(name) && seen.insert((*name).clone()));
        let snis: Vec<Sni> = names.map(|name| sni(name, clients.as_ref())).collect();
        if pairs.is_empty() || snis.is_empty() {
            continue;
        }
        let comment = notes.place(server.scope.last("ssl_certificate").map_or(server.directive.at, |d| d.at));
        match all.iter_mut().find(|certificate| certificate.pairs == pairs) {
            Some(certificate) => certificate.snis.extend(snis),
            None => all.push(Certificate { comments: vec![comment], pairs, snis }),
        }
    }
    all
}

fn sni(name: &str, clients: Option<&Clients>) -> Sni {
    let client_ca = clients.map(|clients| clients.ca.clone());
    Sni { name: name.to_owned(), client_ca, optional: clients.is_some_and(|clients| clients.optional) }
}

/// The settings for clients that name no host, or one that no server has: the default server's.
pub(super) fn settings(
    servers: &[Server<'_>],
    default: Option<&Server<'_>>,
    absolute: Absolute<'_>,
    notes: &mut Notes,
) -> Vec<Entry> {
    let mut settings = Vec::new();
    if let Some(server) = default {
        let (chains, keys): (Vec<_>, Vec<_>) = pairs(&server.scope, absolute, notes).into_iter().unzip();
        if !chains.is_empty() {
            let comment = "For clients that ask for no name, or for none of those below.";
            settings.push(Entry::new("ssl_cert", one_or_more(chains)).under(comment));
            settings.push(Entry::new("ssl_cert_key", one_or_more(keys)));
        }
    }
    if let Some(clients) = shared(servers, absolute, notes) {
        settings.push(Entry::new("ssl_client_certificate", Node::text(clients.ca)));
        let verify = if clients.optional { "optional" } else { "on" };
        settings.push(Entry::new("ssl_verify_client", Node::text(verify)));
    }
    settings
}

fn one_or_more(mut texts: Vec<String>) -> Node {
    if texts.len() == 1 { Node::Text(texts.remove(0)) } else { Node::texts(texts) }
}

/// What all servers with TLS ask of clients, if it is the same: a setting then.
pub(super) fn shared(servers: &[Server<'_>], absolute: Absolute<'_>, notes: &mut Notes) -> Option<Clients> {
    let with_tls = servers.iter().filter(|server| server.serves(true));
    let mut all = with_tls.map(|server| clients(&server.scope, absolute, notes));
    let first = all.next()??;
    all.all(|other| other.as_ref() == Some(&first)).then_some(first)
}

/// What a server asks of clients.
pub(super) fn clients(scope: &Scope<'_>, absolute: Absolute<'_>, notes: &mut Notes) -> Option<Clients> {
    let verify = scope.last("ssl_verify_client")?;
    let optional = match verify.arg(0) {
        Some("on") => false,
        Some("optional") => true,
        Some("off") => return None,
        _ => {
            notes.differs(verify, "certificates that no authority signed are refused: here it is `optional`");
            true
        }
    };
    let ca = scope.text("ssl_client_certificate").or_else(|| scope.text("ssl_trusted_certificate"));
    let ca = ca.filter(|path| is_file(path));
    if ca.is_none() {
        notes.lost(verify, "there is no ssl_client_certificate that is a file with a fixed name");
    }
    Some(Clients { ca: absolute(ca?), optional })
}

fn pairs(scope: &Scope<'_>, absolute: Absolute<'_>, notes: &mut Notes) -> Vec<(String, String)> {
    let (chains, keys) = (scope.all("ssl_certificate"), scope.all("ssl_certificate_key"));
    let mut pairs = Vec::new();
    for (number, chain) in chains.iter().enumerate() {
        let (Some(path), Some(key)) = (chain.arg(0), keys.get(number).and_then(|key| key.arg(0))) else {
            notes.lost(chain, "it has no ssl_certificate_key");
            continue;
        };
        if ![path, key].into_iter().all(is_file) {
            notes.lost(chain, "the gateway's certificates are files with fixed names");
        } else if number > 1 {
            notes.lost(chain, "a certificate has one other pair beside it, no more");
        } else {
            pairs.push((absolute(path), absolute(key)));
        }
    }
    pairs
}

/// Whether it is a file's name, and none that a list or a reference would end in.
pub(super) fn is_file(text: &str) -> bool {
    let special = |c: char| c.is_control() || "${},:".contains(c);
    let elsewhere = text.starts_with("data:") || text.starts_with("engine:") || text.starts_with("store:");
    !text.is_empty() && text.trim() == text && !text.contains(special) && !elsewhere
}
