//! Where a route is about to be made: a server, those of its names that it is for, what holds there, and its path.

use super::hosts::{Group, Scheme};
use super::order::Path;
use super::redirect::upgrade;
use super::server::Server;
use super::tree::{At, Scope};

/// It.
#[derive(Clone, Copy)]
pub(super) struct Site<'s> {
    /// The server.
    pub(super) server: &'s Server<'s>,
    /// Its names.
    pub(super) group: &'s Group,
    /// What holds.
    pub(super) scope: &'s Scope<'s>,
    /// The path.
    pub(super) path: &'s Path,
}

// === impl Site ===

impl<'s> Site<'s> {
    /// The same for other names.
    pub(super) fn of(self, group: &'s Group) -> Self {
        Self { group, ..self }
    }

    /// The same at another path.
    pub(super) fn at(self, path: &'s Path) -> Self {
        Self { path, ..self }
    }

    /// The same with what holds in a location.
    pub(super) fn within(self, scope: &'s Scope<'s>) -> Self {
        Self { scope, ..self }
    }

    /// The names that are written out, each as a group of its own.
    pub(super) fn written(self) -> Vec<Group> {
        let names = self.group.names.iter().filter(|name| !name.contains('*'));
        names.map(|name| Group { names: vec![name.clone()], catch_all: false, ..self.group.clone() }).collect()
    }

    /// What sends the group's requests without TLS to the same with it.
    pub(super) fn to_tls(self) -> Option<At> {
        let name = self.group.names.first().map(String::as_str);
        upgrade(self.server, name).map(|found| found.directive.at)
    }

    /// The scheme that a redirect to the request's own has.
    pub(super) fn scheme(self) -> &'static str {
        let tls = self.group.scheme != Scheme::Any || self.server.serves(true);
        if tls { "https" } else { "http" }
    }

    /// `:PORT`, where it is not that of the scheme.
    pub(super) fn port(self) -> String {
        let tls = self.scheme() == "https";
        let own = if tls { 443 } else { 80 };
        let listens = self.server.listens.iter().filter(|listen| listen.ssl == tls);
        let ports: Vec<u16> = listens.map(|listen| listen.port).collect();
        match ports.first() {
            Some(port) if !ports.contains(&own) => format!(":{port}"),
            _ => String::new(),
        }
    }
}
