//! Routes without a service: what nginx answers itself, and doors that stay shut.

use super::super::document::{Entry, Node, Plugin};
use super::access::Shut;
use super::hosts::Scheme;
use super::notes::Notes;
use super::order::Order;
use super::redirect::{self, Redirect};
use super::routes::{Builder, Built};
use super::server::{Location, Pattern};
use super::site::Site;
use super::tree::{Directive, Scope};
use super::value::is_itself;

/// A location whose work the gateway cannot do. It keeps its path, or a shorter location would take its requests.
pub(super) const MISSING: Shut = Shut { status: 501, message: "not carried over from nginx" };

const NOT_FOUND: Shut = Shut { status: 404, message: "Not Found" };
/// What the text of an answer is where nobody says.
const PLAIN: &str = "text/plain";

// === impl Builder ===

impl Builder<'_> {
    /// A route that lets nobody in.
    pub(super) fn shut(&mut self, site: Site<'_>, shut: Shut) -> Built {
        let mut built = self.plain(site);
        let config = vec![
            Entry::new("status_code", Node::Int(shut.status.into())),
            Entry::new("message", Node::text(shut.message)),
        ];
        built.route.plugins.push(termination(config));
        built
    }

    /// What no location takes: nginx looks for a file. The gateway would look among routes of fewer conditions.
    pub(super) fn rest(&mut self, site: Site<'_>) -> Built {
        let mut built = self.shut(site, NOT_FOUND);
        built.route.comments.push(format!("What no location of {} takes.", site.server.label()));
        built
    }

    /// Sends what comes without TLS to the same with it.
    pub(super) fn upgrading(&mut self, site: Site<'_>) -> Built {
        let mut built = self.shut(site, NOT_FOUND);
        built.route.comments.push(format!("{} without TLS.", site.server.label()));
        built
    }

    /// `return`.
    pub(super) fn returning(&mut self, site: Site<'_>, directive: &Directive) -> Vec<Built> {
        let mut all = match redirect::read(directive, site.server.label()) {
            Some(found) => self.redirecting(site, &found, directive),
            None if site.group.catch_all && directive.arg(0) == Some("444") => {
                self.notes.differs(directive, "nginx closes the connection; here the answer is 404");
                Vec::new()
            }
            None => {
                let plugin = fixed(directive, site.scope, self.notes);
                let mut built = self.plain(site);
                built.route.plugins.push(plugin);
                vec![built]
            }
        };
        let comment = format!("{} {}", self.notes.place(directive.at), directive.shown());
        all.iter_mut().for_each(|one| one.route.comments.push(comment.clone()));
        all
    }

    fn redirecting(&mut self, site: Site<'_>, found: &Redirect, directive: &Directive) -> Vec<Built> {
        let scheme = found.scheme.unwrap_or_else(|| site.scheme());
        let path = found.path.as_deref().unwrap_or_default();
        let plugin = |host: &str| redirection(found.status, format!("{scheme}://{host}{path}"), found.path.is_none());
        if let Some(host) = &found.host {
            let mut built = self.plain(site);
            built.route.plugins.push(plugin(host));
            return vec![built];
        }
        let port = if found.scheme.is_none() { site.port() } else { String::new() };
        let written = site.written();
        self.tell_scheme(site, found.scheme.is_none(), directive);
        if written.is_empty() {
            self.notes.lost(directive, "the gateway's redirects name their host, and this server has no name to take");
            return vec![self.shut(site, MISSING)];
        }
        if written.len() < site.group.names.len() || site.group.catch_all {
            self.notes.differs(directive, "redirected are requests for the server's written names, not for all");
        }
        let one = |group| {
            let mut built = self.plain(site.of(group));
            built.route.plugins.push(plugin(&format!("{}{port}", group.names.concat())));
            built
        };
        written.iter().map(one).collect()
    }

    /// A redirect has one scheme, also where requests have two.
    fn tell_scheme(&mut self, site: Site<'_>, own: bool, directive: &Directive) {
        if own && site.group.scheme == Scheme::Any && site.server.serves(true) && site.server.serves(false) {
            self.notes.differs(directive, "requests without TLS are redirected to the same host with it");
        }
    }

    /// nginx sends `/x` to `/x/` where the latter is a location with `proxy_pass` and the former is none.
    pub(super) fn slash(&mut self, site: Site<'_>, location: &Location<'_>, order: &Order<'_>) -> Vec<Built> {
        let Pattern::Prefix { path, .. } = &location.pattern else { return Vec::new() };
        let Some(short) = path.strip_suffix('/').filter(|short| !short.is_empty()) else { return Vec::new() };
        if order.has(short) {
            return Vec::new();
        }
        let written = site.written();
        if written.len() < site.group.names.len() || written.is_empty() {
            let reason =
                format!("requests for `{short}` are sent to `{path}` for the server's written names, not for all");
            self.notes.differs(location.directive, &reason);
        }
        self.tell_scheme(site, true, location.directive);
        let exact = order.exact(short);
        let base = format!("{}://", site.scheme());
        let one = |group| {
            let mut built = self.plain(site.of(group).at(&exact));
            let to = format!("{base}{}{}{path}", group.names.concat(), site.port());
            built.route.plugins.push(redirection(301, to, false));
            built.route.comments.push("nginx's own redirect to the path with a slash; a query is not kept.".to_owned());
            built
        };
        written.iter().map(one).collect()
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
fn fixed(directive: &Directive, scope: &Scope<'_>, notes: &mut Notes) -> Plugin {
    let text = directive.texts().skip(1).collect::<Vec<_>>().join(" ");
    let status = match directive.arg(0).and_then(|text| text.parse::<u16>().ok()) {
        Some(444) => {
            notes.differs(directive, "nginx closes the connection; here the answer is 404");
            404
        }
        Some(status @ 200..=599) if text.is_empty() || !redirect::is_redirect(status) => status,
        _ => {
            notes.lost(directive, "the gateway's redirects and answers have fixed texts; the answer is 501");
            MISSING.status
        }
    };
    let mut config = vec![Entry::new("status_code", Node::Int(status.into()))];
    if !is_itself(&text) {
        if status == MISSING.status {
            return termination(config);
        }
        notes.differs(directive, "its text holds a variable, and is left out");
    } else if !text.is_empty() && !redirect::is_redirect(status) {
        config.push(Entry::new("content_type", Node::text(media_type(directive, scope, notes))));
        config.push(Entry::new("body", Node::text(text)));
    }
    termination(config)
}

/// `default_type`, where a header of the gateway's can hold it.
fn media_type<'a>(directive: &Directive, scope: &Scope<'a>, notes: &mut Notes) -> &'a str {
    let given = scope.text("default_type").unwrap_or(PLAIN);
    let lack = match given {
        _ if given.contains(char::is_control) => "a header's value holds no control characters",
        _ if !is_itself(given) => "the gateway would read it as a variable",
        _ => return given,
    };
    notes.differs(directive, &format!("{lack}, so its type is not `default_type`'s"));
    PLAIN
}
