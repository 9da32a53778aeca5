//! Which server answers which name, without TLS and with it, in terms of routes: hosts, and whether TLS is demanded.
//!
//! nginx chooses a server by address and port first and by name then. The gateway has one table of routes for all
//! listeners, and a route either takes both kinds of requests or sends those without TLS to the same with it.

use super::notes::Notes;
use super::redirect::upgrade;
use super::server::Server;
use std::collections::HashMap;

/// Names of a server that are treated alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    /// The names.
    pub(super) names: Vec<String>,
    /// And every name that no server has.
    pub(super) catch_all: bool,
    /// Whether TLS is demanded.
    pub(super) scheme: Scheme,
    /// How much of the server they get.
    pub(super) part: Part,
}

/// Whether requests without TLS are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    /// They are.
    Any,
    /// They are sent to the same with TLS, or refused.
    Https(Option<u16>),
}

/// How much of a server a group gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// All.
    Whole,
    /// Nothing: only the redirect to TLS.
    Redirect,
    /// What stands beside the redirect to TLS.
    Beside,
}

/// The servers that are asked without TLS, or those with it.
struct Side<'a> {
    names: HashMap<&'a str, usize>,
    default: Option<usize>,
}

/// Groups for each server.
pub(super) fn groups(servers: &[Server<'_>], notes: &mut Notes) -> Vec<Vec<Group>> {
    let sides = Sides { servers, plain: Side::new(servers, false, notes), tls: Side::new(servers, true, notes) };
    let rest = sides.rest(notes);
    let mut all: Vec<Vec<Group>> = Vec::new();
    for (number, server) in servers.iter().enumerate() {
        let mut own: Vec<Group> = Vec::new();
        if let Some((_, scheme, part)) = rest.filter(|(server, _, _)| *server == number) {
            own.push(Group { names: Vec::new(), catch_all: true, scheme, part });
        }
        for name in &server.names {
            let found = sides.treat(number, name, rest, notes);
            for (scheme, part) in found {
                add(&mut own, name, scheme, part);
            }
        }
        let default = [sides.plain.default, sides.tls.default].contains(&Some(number));
        if own.is_empty() && server.names.is_empty() && !default {
            tell_nameless(server, notes);
        }
        all.push(own);
    }
    sides.besides(&mut all);
    tell_wildcards(servers, &all, notes);
    split(all)
}

fn add(groups: &mut Vec<Group>, name: &str, scheme: Scheme, part: Part) {
    match groups.iter_mut().find(|group| group.scheme == scheme && group.part == part) {
        Some(group) => group.names.push(name.to_owned()),
        None => groups.push(Group { names: vec![name.to_owned()], catch_all: false, scheme, part }),
    }
}

/// A server that nothing comes to: for want of a name, or because its names could not be carried over.
fn tell_nameless(server: &Server<'_>, notes: &mut Notes) {
    let written = server.scope.own().iter().filter(|own| own.name == "server_name");
    if written.flat_map(|own| own.texts()).any(|name| name.starts_with('~') || name.contains(['$', '.'])) {
        notes.lost(server.directive, "none of its names could be carried over, so nothing in it was");
    } else {
        notes.covered(server.directive, "servers that nginx never chooses, having no name");
    }
}

/// Of two wildcards that fit, nginx takes the longer name.
fn tell_wildcards(servers: &[Server<'_>], all: &[Vec<Group>], notes: &mut Notes) {
    for ((number, server), _) in servers.iter().enumerate().zip(all).filter(|(_, own)| !own.is_empty()) {
        let wild = server.names.iter().filter(|name| name.contains('*'));
        let others = servers.iter().enumerate().filter(|(other, _)| *other != number);
        let mut others = others.flat_map(|(_, other)| &other.names).filter(|name| name.contains('*'));
        if wild.clone().any(|own| others.any(|other| covers(other, own))) {
            let reason =
                "of two wildcards that fit, the route with the longer path wins here, and in nginx the longer name";
            notes.differs(server.directive, reason);
        }
    }
}

/// Sets names apart that a wildcard of another server would win over: the gateway prefers routes all whose hosts are
/// plain, and those with a host over those without. What stands beside a redirect must win over every route there is.
fn split(all: Vec<Vec<Group>>) -> Vec<Vec<Group>> {
    let wild: Vec<(usize, String)> = all
        .iter()
        .enumerate()
        .flat_map(|(number, groups)| groups.iter().flat_map(move |g| g.names.iter().map(move |n| (number, n.clone()))))
        .filter(|(_, name)| name.contains('*'))
        .collect();
    let each = |(number, groups): (usize, Vec<Group>)| {
        let apart = |name: &String| wild.iter().any(|(other, host)| *other != number && covers(host, name));
        let parts = |group: Group| match group.part {
            Part::Beside => parted(group, &|name| !name.contains('*')),
            _ => parted(group, &apart),
        };
        groups.into_iter().flat_map(parts).collect()
    };
    all.into_iter().enumerate().map(each).collect()
}

fn parted(group: Group, apart: &dyn Fn(&String) -> bool) -> Vec<Group> {
    let (names, rest): (Vec<_>, Vec<_>) = group.names.iter().cloned().partition(apart);
    let named = (!names.is_empty()).then(|| Group { names, catch_all: false, ..group.clone() });
    let other = (group.catch_all || !rest.is_empty()).then_some(Group { names: rest, ..group });
    named.into_iter().chain(other).collect()
}

/// Whether a wildcard stands for a name.
fn covers(wildcard: &str, name: &str) -> bool {
    match (wildcard.strip_prefix('*'), wildcard.strip_suffix('*')) {
        (Some(end), _) => name.len() > end.len() && name.ends_with(end),
        (_, Some(start)) => name.len() > start.len() && name.starts_with(start),
        _ => false,
    }
}

struct Sides<'a, 'b> {
    servers: &'b [Server<'a>],
    plain: Side<'b>,
    tls: Side<'b>,
}

/// What names that no server has get: a server's number, and how.
type Rest = Option<(usize, Scheme, Part)>;

// === impl Sides ===

impl Sides<'_, '_> {
    fn rest(&self, notes: &mut Notes) -> Rest {
        let redirect = |number: usize| upgrade(&self.servers[number], None).map(|found| found.status);
        match (self.tls.default, self.plain.default) {
            (None, None) => None,
            (None, Some(plain)) => Some(match redirect(plain) {
                Some(status) => (plain, Scheme::Https(Some(status)), Part::Redirect),
                None => (plain, Scheme::Any, Part::Whole),
            }),
            (Some(tls), None) => Some((tls, Scheme::Https(None), Part::Whole)),
            (Some(tls), Some(plain)) => {
                let status = redirect(plain);
                if tls == plain && status.is_none() {
                    return Some((tls, Scheme::Any, Part::Whole));
                }
                if status.is_some() {
                    return Some((tls, Scheme::Https(status), Part::Whole));
                }
                let reason = "names that no server has get this server without TLS; here they are sent to TLS";
                notes.differs(self.servers[plain].directive, reason);
                let named = self.servers[tls].names.first().map(|name| self.demand(tls, name, notes));
                Some((tls, named.unwrap_or(Scheme::Https(None)), Part::Whole))
            }
        }
    }

    /// How a name of a server is treated: not at all where another server is its better part.
    fn treat(&self, number: usize, name: &str, rest: Rest, notes: &mut Notes) -> Vec<(Scheme, Part)> {
        let listed = |side: &Side<'_>| side.names.get(name) == Some(&number);
        match (listed(&self.plain), listed(&self.tls)) {
            (_, true) => vec![(self.demand(number, name, notes), Part::Whole)],
            (true, false) => self.without_tls(number, name, rest, notes),
            // Its addresses were not carried over, which is told where they stand.
            (false, false) if self.servers[number].listens.is_empty() => Vec::new(),
            (false, false) => {
                let reason = "another server has a name of this one already; the gateway does not tell ports apart";
                notes.lost(self.servers[number].directive, reason);
                Vec::new()
            }
        }
    }

    /// A server with TLS: what happens without?
    fn demand(&self, number: usize, name: &str, notes: &mut Notes) -> Scheme {
        let Some(plain) = self.plain.find(name) else { return Scheme::Https(None) };
        if let Some(found) = upgrade(&self.servers[plain], Some(name)) {
            return Scheme::Https(Some(found.status));
        }
        if plain == number {
            return Scheme::Any;
        }
        if self.plain.names.contains_key(name) {
            let reason = format!("without TLS `{name}` is told to use TLS: the gateway has one server for both");
            notes.lost(self.servers[plain].directive, &reason);
        } else {
            let reason = "without TLS nginx answers for these names as the first server there does; here: use TLS";
            notes.differs(self.servers[number].directive, reason);
        }
        Scheme::Https(None)
    }

    /// What a server has beside its redirect to TLS: other locations, where the redirect is one.
    fn beside(&self, number: usize, name: Option<&str>) -> Option<(Scheme, Part)> {
        let server = &self.servers[number];
        let more = server.locations.len() > 1 && server.scope.own_named("return").is_none();
        (more && upgrade(server, name).is_some()).then_some((Scheme::Any, Part::Beside))
    }

    /// Names that come to a server only because no other has them without TLS get what it has beside its redirect.
    fn besides(&self, all: &mut [Vec<Group>]) {
        let Some(default) = self.plain.default else { return };
        for (name, _) in self.tls.names.iter().filter(|(name, _)| !self.plain.names.contains_key(*name)) {
            let found = self.plain.find(name).and_then(|plain| Some((plain, self.beside(plain, Some(name))?)));
            if let Some((plain, (scheme, part))) = found {
                add(&mut all[plain], name, scheme, part);
            }
        }
        if let Some((scheme, part)) = self.beside(default, None).filter(|_| self.tls.default != Some(default)) {
            all[default].push(Group { names: Vec::new(), catch_all: true, scheme, part });
        }
        all.iter_mut().flatten().for_each(|group| group.names.sort_by_key(|name| self.place(name)));
    }

    /// Where a name stands in the files.
    fn place(&self, name: &str) -> (usize, usize) {
        let number = self.tls.names.get(name).or_else(|| self.plain.names.get(name)).copied().unwrap_or_default();
        (number, self.servers[number].names.iter().position(|own| own == name).unwrap_or_default())
    }

    /// A server without TLS.
    fn without_tls(&self, number: usize, name: &str, rest: Rest, notes: &mut Notes) -> Vec<(Scheme, Part)> {
        let server = &self.servers[number];
        let status = upgrade(server, Some(name)).map(|found| found.status);
        if self.tls.names.contains_key(name) {
            return self.beside(number, Some(name)).into_iter().collect();
        }
        if status.is_some() && self.tls.names.keys().any(|host| covers(host, name)) {
            notes
                .differs(server.directive, "its redirect to TLS is that of the wildcard that takes its names with TLS");
            return Vec::new();
        }
        match status {
            Some(status) => {
                let same = rest.is_some_and(|(_, scheme, _)| scheme == Scheme::Https(Some(status)));
                let redirect = (!same).then_some((Scheme::Https(Some(status)), Part::Redirect));
                redirect.into_iter().chain(self.beside(number, Some(name))).collect()
            }
            None => {
                if self.tls.default.is_some() {
                    notes.differs(
                        server.directive,
                        "with TLS nginx has another server for its names; here it serves them",
                    );
                }
                vec![(Scheme::Any, Part::Whole)]
            }
        }
    }
}

// === impl Side ===

impl<'b> Side<'b> {
    fn new(servers: &'b [Server<'_>], tls: bool, notes: &mut Notes) -> Self {
        let mut names = HashMap::new();
        for (number, server) in servers.iter().enumerate().filter(|(_, server)| server.serves(tls)) {
            for name in &server.names {
                names.entry(name.as_str()).or_insert(number);
            }
        }
        let own = if tls { 443 } else { 80 };
        let defaults = defaults(servers, tls);
        let first = defaults.iter().find(|(port, _)| *port == own).or(defaults.first());
        let default = first.map(|(_, server)| *server);
        for (port, other) in defaults.iter().filter(|(_, server)| Some(*server) != default) {
            let reason = format!("names that no server has get this one on port {port}; here all ports are alike");
            notes.differs(servers[*other].directive, &reason);
        }
        Self { names, default }
    }

    /// The server for a name: its own, that of a wildcard, or the default.
    fn find(&self, name: &str) -> Option<usize> {
        let wild = || {
            let fits = self.names.iter().filter(|(host, _)| covers(host, name));
            fits.max_by_key(|(host, _)| (host.starts_with('*'), host.len())).map(|(_, server)| *server)
        };
        self.names.get(name).copied().or_else(wild).or(self.default)
    }
}

/// The default server of each address, by port.
fn defaults(servers: &[Server<'_>], tls: bool) -> Vec<(u16, usize)> {
    let mut found: Vec<(&str, u16, usize, bool)> = Vec::new();
    for (number, server) in servers.iter().enumerate() {
        for listen in server.listens.iter().filter(|listen| listen.ssl == tls) {
            match found.iter_mut().find(|(address, ..)| *address == listen.address) {
                Some(known) if listen.default && !known.3 => *known = (&listen.address, listen.port, number, true),
                Some(_) => {}
                None => found.push((&listen.address, listen.port, number, listen.default)),
            }
        }
    }
    found.into_iter().map(|(_, port, server, _)| (port, server)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards() {
        assert!(covers("*.a.test", "x.y.a.test") && covers("www.a.*", "www.a.test"));
        assert!(!covers("*.a.test", "a.test") && !covers("a.test", "a.test"));
    }
}
