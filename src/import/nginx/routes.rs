//! A server's locations to routes, for each group of its names.

use super::super::document::{Route, Target};
use super::access;
use super::answer::{Answer, answer};
use super::certificates::{self, Absolute, Clients};
use super::hosts::{Group, Part, Scheme};
use super::limits::{self, Zones};
use super::notes::Notes;
use super::order::{Order, Path};
use super::server::{Location, Server};
use super::site::Site;
use super::tree::{Directive, Owner};
use super::{headers, naming, proxy, replies};
use std::collections::{BTreeMap, HashSet};

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
    /// Names of upstreams, and whether they can be used.
    pub(super) upstreams: BTreeMap<String, bool>,
    /// Makes paths absolute.
    pub(super) absolute: Absolute<'a>,
    /// The setting for the size of bodies.
    pub(super) body: u64,
    /// What the listeners ask of all clients.
    pub(super) clients: Option<Clients>,
    /// Names of routes that are taken.
    pub(super) names: HashSet<String>,
    /// What is told.
    pub(super) notes: &'a mut Notes,
}

// === impl Builder ===

impl Builder<'_> {
    /// The routes of a group.
    pub(super) fn build(&mut self, server: &Server<'_>, group: &Group) -> Vec<Built> {
        let mut group = group.clone();
        let guarded = self.guard(server, &mut group);
        if group.names.is_empty() && !group.catch_all {
            return Vec::new();
        }
        let whole = Path::whole();
        let site = Site { server, group: &group, scope: &server.scope, path: &whole };
        let mut built = match group.part {
            Part::Redirect => vec![self.upgrading(site)],
            Part::Whole | Part::Beside => self.served(site),
        };
        if guarded {
            built.iter_mut().for_each(|one| one.route.snis.clone_from(&group.names));
            built.push(self.upgrading(site));
        }
        if let Some(first) = built.first_mut() {
            if group.catch_all {
                let whose = if group.names.is_empty() {
                    "Every name".to_owned()
                } else {
                    format!("{}, and every name", group.names.join(", "))
                };
                first.route.comments.insert(0, format!("{whose} that no other server has."));
            }
            first.owners.insert(0, server.directive.owner);
        }
        built
    }

    /// A server that answers for itself with a `return` has no use for its locations.
    fn served(&mut self, site: Site<'_>) -> Vec<Built> {
        let to_tls = site.to_tls();
        match site.scope.own_named("return") {
            Some(directive) if Some(directive.at) != to_tls => self.returning(site, directive),
            _ => self.locations(site),
        }
    }

    /// Whether only clients with a certificate may come in. Their routes ask for the name in the handshake then: it is
    /// what the certificate was demanded for.
    fn guard(&mut self, server: &Server<'_>, group: &mut Group) -> bool {
        let clients = certificates::clients(&server.scope, self.absolute, self.notes);
        let demanded = clients.is_some_and(|clients| !clients.optional) && self.clients.is_none();
        if !demanded || !server.serves(true) || group.part != Part::Whole {
            return false;
        }
        let verify = server.scope.last("ssl_verify_client").unwrap_or(server.directive);
        if group.catch_all {
            group.catch_all = false;
            self.notes.differs(verify, "names that no server has get 404: nothing asks them for a certificate");
        }
        if group.scheme == Scheme::Any {
            group.scheme = Scheme::Https(None);
            self.notes.differs(verify, "without TLS, and so without a certificate, nothing is served");
        }
        true
    }

    fn locations(&mut self, site: Site<'_>) -> Vec<Built> {
        let Site { server, group, .. } = site;
        let order = Order::new(&server.locations);
        let to_tls = site.to_tls();
        let redirects = |location: &Location<'_>| {
            to_tls.is_some() && location.scope.own_named("return").map(|own| own.at) == to_tls
        };
        let mut all = Vec::new();
        for (location, path) in server.locations.iter().zip(order.paths()) {
            match path {
                _ if redirects(location) => {}
                Ok(path) => all.extend(self.location(site.at(&path), location, &order)),
                Err(reason) => self.notes.lost(location.directive, &reason),
            }
        }
        if group.part == Part::Whole && !group.catch_all && !order.has_rest() {
            all.push(self.rest(site));
        }
        all
    }

    fn location(&mut self, site: Site<'_>, location: &Location<'_>, order: &Order<'_>) -> Vec<Built> {
        let scope = &location.scope;
        let here = site.within(scope);
        let mut built = if let Some(directive) = scope.own_named("return") {
            self.returning(here, directive)
        } else if let Some(shut) = access::shut(scope, self.notes) {
            vec![self.shut(here, shut)]
        } else if let Some(directive) = scope.own_named("proxy_pass") {
            let mut all = vec![self.passing(here, location, directive)];
            all.extend(self.slash(site, location, order));
            all
        } else if site.group.part == Part::Beside {
            Vec::new()
        } else {
            vec![self.shut(here, replies::MISSING)]
        };
        let place = self.notes.place(location.directive.at);
        for one in &mut built {
            one.route.comments.insert(0, format!("{place} {}", location.directive.shown()));
            one.owners.push(location.directive.owner);
        }
        built
    }

    fn passing(&mut self, site: Site<'_>, location: &Location<'_>, directive: &Directive) -> Built {
        let scope = site.scope;
        let pass = match proxy::pass(directive, scope, &location.pattern, &self.upstreams, self.notes) {
            Ok(pass) => pass,
            Err(reason) => {
                self.notes.lost(directive, &reason);
                return self.shut(site, replies::MISSING);
            }
        };
        let password = match access::password(scope, self.absolute, self.notes) {
            Ok(password) => password,
            Err(shut) => return self.shut(site, shut),
        };
        let sent = headers::sent(scope, pass.host.as_deref(), site.server, self.notes);
        let size = limits::body(scope, self.notes);
        let mut built = self.plain(site);
        built.route.strip_path = pass.strip_path;
        built.route.plain_join = pass.plain_join;
        built.route.preserve_host = sent.preserve_host;
        let plugins = &mut built.route.plugins;
        plugins.extend(limits::requests(scope, &self.zones, self.notes));
        plugins.extend(password);
        plugins.extend((size != self.body).then(|| limits::smaller(size)));
        plugins.extend(sent.plugin());
        built.target = Some(pass.target);
        built
    }

    /// A route that does nothing yet.
    pub(super) fn plain(&mut self, site: Site<'_>) -> Built {
        let (https_only, redirect) = match site.group.scheme {
            Scheme::Any => (false, None),
            Scheme::Https(status) => (true, status),
        };
        let route = Route {
            name: naming::route(site.server.label(), &site.path.text, &mut self.names),
            hosts: if site.group.catch_all { Vec::new() } else { site.group.names.clone() },
            path: site.path.text.clone(),
            regex_priority: site.path.priority,
            https_only,
            redirect,
            ..Route::default()
        };
        let answer = answer(site.scope, site.server.label(), self.notes);
        Built { route, target: None, answer, owners: Vec::new() }
    }
}
