//! A server's locations to routes, for each group of its names.

use super::super::document::{Entry, Node, Plugin, Route, Target};
use super::access::{self, Shut};
use super::answer::{Answer, answer};
use super::certificates::{self, Absolute, Clients};
use super::hosts::{Group, Part, Scheme};
use super::limits::{self, Zones};
use super::notes::Notes;
use super::order::{Order, Path};
use super::redirect;
use super::server::{Location, Pattern, Server};
use super::tree::{Directive, Owner, Scope};
use super::{headers, proxy};
use std::collections::{BTreeSet, HashSet};

/// A route, and what decides where in the file it goes.
pub(super) struct Built {
    /// It.
    pub(super) route: Route,
    /// Its service; none where a plugin answers.
    pub(super) target: Option<Target>,
    /// What its answers carry.
    pub(super) answer: Answer,
    /// Whose remarks go above it.
    pub(super) owners: Vec<Owner>,
}

/// What all routes are made with.
pub(super) struct Builder<'a> {
    /// Zones of `limit_req`.
    pub(super) zones: Zones<'a>,
    /// Names of upstreams.
    pub(super) upstreams: BTreeSet<String>,
    /// Makes paths absolute.
    pub(super) absolute: Absolute<'a>,
    /// The setting for the size of bodies.
    pub(super) body: u64,
    /// What the listeners ask of all clients.
    pub(super) clients: Option<Clients>,
    /// Names of routes that are taken.
    pub(super) names: HashSet<String>,
}

// === impl Builder ===

impl Builder<'_> {
    /// The routes of a group.
    pub(super) fn build(&mut self, server: &Server<'_>, group: &Group, notes: &mut Notes) -> Vec<Built> {
        let mut group = group.clone();
        let guarded = self.guard(server, &mut group, notes);
        if group.names.is_empty() && !group.catch_all {
            return Vec::new();
        }
        let mut built = match group.part {
            Part::Redirect => vec![self.to_tls(server, &group, notes)],
            Part::Whole | Part::Beside => match server.scope.own_named("return") {
                Some(directive) if redirect::upgrade(server, None).is_none_or(|up| up.directive.at != directive.at) => {
                    self.returning(server, &group, directive, &whole(), &server.scope, notes)
                }
                _ => self.locations(server, &group, notes),
            },
        };
        if guarded {
            for one in &mut built {
                one.route.snis.clone_from(&group.names);
            }
            built.push(self.to_tls(server, &group, notes));
        }
        if let Some(first) = built.first_mut() {
            first.owners.insert(0, server.owner());
        }
        built
    }

    /// Whether only clients with a certificate may come in. Their routes ask for the name in the handshake then: it is
    /// what the certificate was demanded for.
    fn guard(&self, server: &Server<'_>, group: &mut Group, notes: &mut Notes) -> bool {
        let clients = certificates::clients(&server.scope, self.absolute, notes).filter(|clients| !clients.optional);
        if clients.is_none() || self.clients.is_some() || !server.serves(true) || group.part != Part::Whole {
            return false;
        }
        let verify = server.scope.last("ssl_verify_client").unwrap_or(server.directive);
        if group.catch_all {
            group.catch_all = false;
            notes.differs(verify, "requests for names that no server has get 404: nothing asks them for a certificate");
        }
        if group.scheme == Scheme::Any {
            group.scheme = Scheme::Https(None);
            notes.differs(verify, "without TLS, and so without a certificate, nothing is served");
        }
        true
    }

    fn locations(&mut self, server: &Server<'_>, group: &Group, notes: &mut Notes) -> Vec<Built> {
        let order = Order::new(&server.locations);
        let paths = order.paths(&server.locations);
        let skipped = redirect::root(server).filter(|root| self.is_upgrade(server, *root));
        let mut all = Vec::new();
        for (number, (location, path)) in server.locations.iter().zip(paths).enumerate() {
            if skipped == Some(number) {
                continue;
            }
            match path {
                Ok(path) => all.extend(self.location(server, group, location, &path, &order, notes)),
                Err(reason) => notes.lost(location.directive, &reason),
            }
        }
        if group.part == Part::Whole && !group.catch_all && !order.has(&server.locations, "/") {
            all.push(self.rest(server, group, notes));
        }
        all
    }

    fn is_upgrade(&self, server: &Server<'_>, root: usize) -> bool {
        let own = server.locations[root].scope.own_named("return").map(|directive| directive.at);
        redirect::upgrade(server, None).is_some_and(|found| Some(found.directive.at) == own)
    }

    fn location(
        &mut self,
        server: &Server<'_>,
        group: &Group,
        location: &Location<'_>,
        path: &Path,
        order: &Order,
        notes: &mut Notes,
    ) -> Vec<Built> {
        let scope = &location.scope;
        let owner = location.directive.owner;
        let mut built = if let Some(directive) = scope.own_named("return") {
            self.returning(server, group, directive, path, scope, notes)
        } else if let Some(shut) = access::shut(scope, notes) {
            vec![self.shut(server, group, path, shut, scope, notes)]
        } else if let Some(directive) = scope.own_named("proxy_pass") {
            let mut all = vec![self.passing(server, group, location, directive, path, notes)];
            all.extend(self.slash(server, group, location, order, notes));
            all
        } else if group.part == Part::Beside {
            Vec::new()
        } else {
            let shut = Shut { status: 501, message: "not carried over from nginx" };
            vec![self.shut(server, group, path, shut, scope, notes)]
        };
        for one in &mut built {
            one.route.comments.insert(0, format!("{} {}", notes.place(location.directive.at), location.directive.shown()));
            one.owners.push(owner);
        }
        built
    }

    fn passing(
        &mut self,
        server: &Server<'_>,
        group: &Group,
        location: &Location<'_>,
        directive: &Directive,
        path: &Path,
        notes: &mut Notes,
    ) -> Built {
        let scope = &location.scope;
        let pass = match proxy::pass(directive, scope, &location.pattern, &self.upstreams, notes) {
            Ok(pass) => pass,
            Err(reason) => {
                notes.lost(directive, &reason);
                let shut = Shut { status: 501, message: "not carried over from nginx" };
                return self.shut(server, group, path, shut, scope, notes);
            }
        };
        let password = match access::password(scope, self.absolute, notes) {
            Ok(password) => password,
            Err(shut) => return self.shut(server, group, path, shut, scope, notes),
        };
        let sent = headers::sent(scope, pass.host.as_deref(), server.label(), notes);
        let mut built = self.plain(server, group, path, scope, notes);
        built.route.strip_path = pass.strip_path;
        built.route.plain_join = pass.plain_join;
        built.route.preserve_host = sent.preserve_host;
        let size = limits::body(scope, notes);
        let plugins = &mut built.route.plugins;
        plugins.extend(limits::requests(scope, &self.zones, notes));
        plugins.extend(password);
        plugins.extend((size != self.body).then(|| limits::smaller(size)));
        plugins.extend(sent.plugin());
        built.target = Some(pass.target);
        built
    }

    /// A route that a plugin answers.
    fn shut(
        &mut self,
        server: &Server<'_>,
        group: &Group,
        path: &Path,
        shut: Shut,
        scope: &Scope<'_>,
        notes: &mut Notes,
    ) -> Built {
        let mut built = self.plain(server, group, path, scope, notes);
        built.route.plugins.push(termination(vec![
            Entry::new("status_code", Node::Int(shut.status.into())),
            Entry::new("message", Node::text(shut.message)),
        ]));
        built
    }

    /// What no location takes: nginx looks for a file of its own. The gateway would look among the routes of other hosts.
    fn rest(&mut self, server: &Server<'_>, group: &Group, notes: &mut Notes) -> Built {
        let shut = Shut { status: 404, message: "Not Found" };
        let mut built = self.shut(server, group, &whole(), shut, &server.scope, notes);
        built.route.comments.push(format!("what no location of {} takes", server.label()));
        built
    }

    /// Sends what comes without TLS to the same with it.
    fn to_tls(&mut self, server: &Server<'_>, group: &Group, notes: &mut Notes) -> Built {
        let shut = Shut { status: 404, message: "Not Found" };
        let mut built = self.shut(server, group, &whole(), shut, &server.scope, notes);
        built.route.comments.push(format!("{} without TLS", server.label()));
        built
    }

    fn returning(
        &mut self,
        server: &Server<'_>,
        group: &Group,
        directive: &Directive,
        path: &Path,
        scope: &Scope<'_>,
        notes: &mut Notes,
    ) -> Vec<Built> {
        if let Some(found) = redirect::read(directive, server.label()) {
            return self.redirecting(server, group, &found, directive, path, scope, notes);
        }
        let plugin = match fixed(directive, scope, notes) {
            Some(plugin) => plugin,
            None if group.catch_all && directive.arg(0) == Some("444") => return Vec::new(),
            None => termination(vec![Entry::new("status_code", Node::Int(404))]),
        };
        let mut built = self.plain(server, group, path, scope, notes);
        built.route.plugins.push(plugin);
        built.route.comments.push(format!("{} {}", notes.place(directive.at), directive.shown()));
        vec![built]
    }

    #[allow(clippy::too_many_arguments)]
    fn redirecting(
        &mut self,
        server: &Server<'_>,
        group: &Group,
        found: &redirect::Redirect,
        directive: &Directive,
        path: &Path,
        scope: &Scope<'_>,
        notes: &mut Notes,
    ) -> Vec<Built> {
        let scheme = found.scheme.unwrap_or_else(|| scheme(server, group));
        let comment = format!("{} {}", notes.place(directive.at), directive.shown());
        let to = |host: &str| format!("{scheme}://{host}{}", found.path.as_deref().unwrap_or_default());
        let mut all = Vec::new();
        if let Some(host) = &found.host {
            let mut built = self.plain(server, group, path, scope, notes);
            built.route.plugins.push(redirection(found.status, to(host), found.path.is_none()));
            all.push(built);
        } else {
            for name in self.own_names(group, directive, notes) {
                let one = Group { names: vec![name.clone()], catch_all: false, ..group.clone() };
                let mut built = self.plain(server, &one, path, scope, notes);
                let host = format!("{name}{}", if found.scheme.is_none() { port(server, group) } else { String::new() });
                built.route.plugins.push(redirection(found.status, to(&host), found.path.is_none()));
                all.push(built);
            }
        }
        all.iter_mut().for_each(|built| built.route.comments.push(comment.clone()));
        all
    }

    /// The names that a redirect to the request's own host is written out for.
    fn own_names(&self, group: &Group, directive: &Directive, notes: &mut Notes) -> Vec<String> {
        let plain: Vec<String> = group.names.iter().filter(|name| !name.contains('*')).cloned().collect();
        if plain.is_empty() {
            notes.lost(directive, "the gateway's redirects name their host, and this server has no name to take");
        } else if plain.len() < group.names.len() || group.catch_all {
            notes.differs(directive, "redirected are requests for the server's written names; others are not");
        }
        plain
    }

    /// nginx sends `/x` to `/x/` where the latter is a location with `proxy_pass` and the former is none.
    fn slash(
        &mut self,
        server: &Server<'_>,
        group: &Group,
        location: &Location<'_>,
        order: &Order,
        notes: &mut Notes,
    ) -> Vec<Built> {
        let Pattern::Prefix { path, .. } = &location.pattern else { return Vec::new() };
        let Some(short) = path.strip_suffix('/').filter(|short| !short.is_empty()) else { return Vec::new() };
        if order.has(&server.locations, short) {
            return Vec::new();
        }
        let names: Vec<&String> = group.names.iter().filter(|name| !name.contains('*')).collect();
        if names.len() < group.names.len() || names.is_empty() {
            let reason = format!("a request for `{short}` is sent to `{path}` for the server's written names only");
            notes.differs(location.directive, &reason);
        }
        let (scheme, port) = (scheme(server, group), port(server, group));
        let mut all = Vec::new();
        for name in names {
            let one = Group { names: vec![name.clone()], catch_all: false, ..group.clone() };
            let mut built = self.plain(server, &one, &order.exact(short), &server.scope, notes);
            built.route.plugins.push(redirection(301, format!("{scheme}://{name}{port}{path}"), false));
            all.push(built);
        }
        all
    }

    /// A route that does nothing yet.
    fn plain(
        &mut self,
        server: &Server<'_>,
        group: &Group,
        path: &Path,
        scope: &Scope<'_>,
        notes: &mut Notes,
    ) -> Built {
        let (https_only, redirect) = match group.scheme {
            Scheme::Any => (false, None),
            Scheme::Https(status) => (true, status),
        };
        let route = Route {
            name: self.name(server.label(), &path.text),
            hosts: if group.catch_all { Vec::new() } else { group.names.clone() },
            path: path.text.clone(),
            regex_priority: path.priority,
            https_only,
            redirect,
            ..Route::default()
        };
        let answer = answer(scope, server.label(), notes);
        Built { route, target: None, answer, owners: Vec::new() }
    }

    /// `HOST-PATH`, with a number if that is taken.
    fn name(&mut self, label: &str, path: &str) -> String {
        unique(&format!("{label}-{}", slug(path)), &mut self.names)
    }
}

/// A name that no other has.
pub(super) fn unique(base: &str, taken: &mut HashSet<String>) -> String {
    let numbered = (2..).map(|number| format!("{base}-{number}"));
    let found = std::iter::once(base.to_owned()).chain(numbered).find(|name| !taken.contains(name));
    let name = found.unwrap_or_else(|| base.to_owned());
    taken.insert(name.clone());
    name
}

/// What a path looks like in a name.
pub(super) fn slug(path: &str) -> String {
    let good = |c: char| if c.is_ascii_alphanumeric() || "._~".contains(c) { c } else { '-' };
    let text: String = path.trim_start_matches('~').chars().map(good).collect();
    let words: Vec<&str> = text.split('-').filter(|word| !word.is_empty()).collect();
    if words.is_empty() { "root".to_owned() } else { words.join("-") }
}

fn whole() -> Path {
    Path { text: "/".to_owned(), priority: 0 }
}

/// The scheme that a redirect to the request's own has.
fn scheme(server: &Server<'_>, group: &Group) -> &'static str {
    let tls = group.scheme != Scheme::Any || server.serves(true);
    if tls { "https" } else { "http" }
}

/// `:PORT`, where it is not that of the scheme.
fn port(server: &Server<'_>, group: &Group) -> String {
    let tls = scheme(server, group) == "https";
    let own = if tls { 443 } else { 80 };
    let ports: Vec<u16> = server.listens.iter().filter(|listen| listen.ssl == tls).map(|listen| listen.port).collect();
    match ports.first() {
        Some(port) if !ports.contains(&own) => format!(":{port}"),
        _ => String::new(),
    }
}

fn termination(config: Vec<Entry>) -> Plugin {
    Plugin { name: "request-termination", config }
}

fn redirection(status: u16, location: String, keep_path: bool) -> Plugin {
    let mut config =
        vec![Entry::new("status_code", Node::Int(status.into())), Entry::new("location", Node::text(location))];
    config.extend(keep_path.then(|| Entry::new("keep_incoming_path", Node::Bool(true))));
    Plugin { name: "redirect", config }
}

/// `return STATUS [TEXT]`.
fn fixed(directive: &Directive, scope: &Scope<'_>, notes: &mut Notes) -> Option<Plugin> {
    let status: u16 = match directive.arg(0).and_then(|text| text.parse().ok()) {
        Some(444) => {
            notes.differs(directive, "nginx closes the connection; here the answer is 404");
            return None;
        }
        Some(status @ 100..=599) if !(redirect::is_redirect(status) && directive.args.len() > 1) => status,
        _ => {
            notes.lost(directive, "the gateway's redirects and answers have fixed texts; the answer is 404");
            return None;
        }
    };
    let mut config = vec![Entry::new("status_code", Node::Int(status.into()))];
    let text = directive.texts().skip(1).collect::<Vec<_>>().join(" ");
    if text.contains(['$', '\u{0}']) {
        notes.differs(directive, "the text holds a variable, and is left out");
    } else if !text.is_empty() {
        let kind = scope.text("default_type").unwrap_or("text/plain");
        config.push(Entry::new("content_type", Node::text(kind)));
        config.push(Entry::new("body", Node::text(text)));
    }
    Some(termination(config))
}
