//! nginx's configuration in the gateway's terms: lex, parse, include; servers with their names and locations; then each
//! idea in a file of its own, and `routes.rs` puts together what they say.

mod access;
mod accounts;
mod answer;
mod certificates;
mod files;
mod headers;
mod host;
mod hosts;
mod lex;
mod limits;
mod listen;
mod naming;
mod notes;
mod order;
mod parse;
mod proxy;
mod redirect;
mod replies;
mod routes;
mod server;
mod settings;
mod site;
mod tree;
mod upstreams;
mod value;

use super::document::{Document, Entry, Node, Plugin, Service};
use super::{Imported, Include, Refused};
use crate::config::report::{Diagnostic, Source, Span};
use files::Files;
use hosts::Group;
use notes::Notes;
use routes::{Builder, Built};
use server::Server;
use std::collections::{HashMap, HashSet};
use tree::{Directive, Scope};

/// Servers and locations in all.
const MAX_BLOCKS: usize = 10_000;

/// Translates configuration files. Relative paths in them are taken from `folder`, as nginx takes them from that of its
/// main file; `include` answers for the files that they name.
///
/// # Errors
/// The first fault of syntax, or of size.
pub fn import(files: &[Source], folder: &str, include: Include<'_>) -> Result<Imported, Box<Refused>> {
    let mut notes = Notes::default();
    let (mut main, mut http) = (Vec::new(), Vec::new());
    let mut reader = Files::new(include);
    for file in files {
        divide(reader.read(file, &mut notes)?, &mut main, &mut http);
    }
    let blocks = tree::assign(&mut http);
    if blocks > MAX_BLOCKS {
        let message = format!("{blocks} servers and locations; {MAX_BLOCKS} are translated at once");
        let nothing = Source::new("", "");
        let source = files.first().unwrap_or(&nothing);
        return Err(files::refuse(source, Diagnostic::error("nginx-too-much", Span::default(), message)));
    }
    accounts::account(&main, "", &mut notes);
    accounts::account(&http, "http", &mut notes);
    let scope = Scope::new(&main).within(&http);
    Ok(translate(&scope, &absolute(folder), notes))
}

/// A file is a whole configuration, or a part that others include into `http`.
fn divide(all: Vec<Directive>, main: &mut Vec<Directive>, http: &mut Vec<Directive>) {
    if !all.iter().any(|directive| directive.name == "http") {
        http.extend(all);
        return;
    }
    for directive in all {
        match directive.block {
            Some(block) if directive.name == "http" => http.extend(block),
            block => main.push(Directive { block, ..directive }),
        }
    }
}

fn absolute(folder: &str) -> impl Fn(&str) -> String {
    let folder = folder.trim_end_matches('/').to_owned();
    move |path| if path.starts_with('/') { path.to_owned() } else { format!("{folder}/{path}") }
}

fn translate(http: &Scope<'_>, absolute: &dyn Fn(&str) -> String, mut notes: Notes) -> Imported {
    let notes = &mut notes;
    let servers = server::servers(http, notes);
    let groups = hosts::groups(&servers, notes);
    let (upstreams, usable) = upstreams::upstreams(http, notes);
    let body = body(&servers, notes);
    let mut builder = Builder {
        zones: limits::zones(http),
        upstreams: usable,
        absolute,
        body,
        clients: certificates::shared(&servers, absolute, notes),
        names: HashSet::new(),
        notes: &mut *notes,
    };
    let pairs = servers.iter().zip(&groups).flat_map(|(server, own)| own.iter().map(move |group| (server, group)));
    let built: Vec<Built> = pairs.flat_map(|(server, group)| builder.build(server, group)).collect();

    let mut document = Document { upstreams, ..Document::default() };
    document.settings = settings(http, &servers, &groups, &built, body, absolute, notes);
    document.certificates = certificates::certificates(&servers, absolute, notes);
    arrange(built, &mut document, notes);
    document.head.extend(needless(notes));
    let locations = servers.iter().map(|server| server.locations.len()).sum();
    Imported { document, notes: notes.all(), servers: servers.len(), locations }
}

/// The setting for the size of bodies: the largest that any location takes, since routes can only be told less.
fn body(servers: &[Server<'_>], notes: &mut Notes) -> u64 {
    let passing = servers.iter().flat_map(|server| &server.locations);
    let passing = passing.filter(|location| location.scope.own_named("proxy_pass").is_some());
    let sizes: Vec<u64> = passing.map(|location| limits::body(&location.scope, notes)).collect();
    sizes.into_iter().reduce(limits::larger).unwrap_or(limits::BODY)
}

fn settings(
    http: &Scope<'_>,
    servers: &[Server<'_>],
    groups: &[Vec<Group>],
    built: &[Built],
    body: u64,
    absolute: &dyn Fn(&str) -> String,
    notes: &mut Notes,
) -> Vec<Entry> {
    let listens = listen::proxy_listen(servers.iter().flat_map(|server| &server.listens));
    let mut all = Vec::new();
    all.extend((!listens.is_empty()).then(|| Entry::new("proxy_listen", Node::texts(listens))));
    let default = servers.iter().zip(groups).find(|(s, own)| s.serves(true) && own.iter().any(|g| g.catch_all));
    all.extend(certificates::settings(servers, default.map(|(server, _)| server), absolute, notes));
    let size = Entry::new("client_max_body_size", Node::Text(limits::written(body)));
    all.push(if body == limits::BODY { size.under("nginx's default; 0 would be unlimited") } else { size });
    all.extend(settings::settings(http, servers, notes));
    all.extend(tunnels(servers, built));
    all
}

/// WebSockets may be silent for as long as the upstream's timeout lets them; here for an hour, or this.
fn tunnels(servers: &[Server<'_>], built: &[Built]) -> Option<Entry> {
    let upgrades = |header: &&Directive| header.arg(0).is_some_and(|name| name.eq_ignore_ascii_case("upgrade"));
    let any = servers.iter().flat_map(|server| &server.locations);
    let any = any.filter(|location| location.scope.all("proxy_set_header").iter().any(upgrades)).count() > 0;
    let longest = built.iter().filter_map(|one| one.target.as_ref()?.read_timeout).max()?;
    let entry = Entry::new("tunnel_timeout", Node::Text(format!("{}s", longest / 1000)));
    (any && longest > 3_600_000)
        .then(|| entry.under("the longest proxy_read_timeout: WebSockets may be silent that long"))
}

/// Puts routes with their services, and headers of answers where they hold for the most.
fn arrange(built: Vec<Built>, document: &mut Document, notes: &Notes) {
    let mut placed = HashSet::new();
    let shared = built.first().map(|one| one.answer.clone()).unwrap_or_default();
    let everywhere = !shared.is_empty() && built.iter().all(|one| one.answer == shared);
    if everywhere {
        document.plugins.push(shared.plugin());
    }
    let (mut taken, mut numbers) = (HashSet::new(), HashMap::new());
    for mut one in built {
        for owner in one.owners.iter().filter(|owner| placed.insert(**owner)) {
            one.route.comments.extend(notes.of(*owner));
        }
        one.route.plugins.extend((!everywhere && !one.answer.is_empty()).then(|| one.answer.plugin()));
        let Some(target) = one.target else {
            document.routes.push(one.route);
            continue;
        };
        let number = *numbers.entry(target.clone()).or_insert_with(|| {
            let name = naming::service(&target.host, target.port, &mut taken);
            document.services.push(Service { name, target, ..Service::default() });
            document.services.len() - 1
        });
        document.services[number].routes.push(one.route);
    }
    document.services.iter_mut().for_each(gather);
    document.head.extend(notes.unplaced(&placed));
}

/// A plugin that is the same on all routes of a service is the service's.
fn gather(service: &mut Service) {
    let own = |plugins: &[Plugin]| plugins.iter().find(|plugin| plugin.name == "security-headers").cloned();
    let Some(first) = service.routes.first().and_then(|route| own(&route.plugins)) else { return };
    if service.routes.iter().all(|route| own(&route.plugins).as_ref() == Some(&first)) {
        service.routes.iter_mut().for_each(|route| route.plugins.retain(|plugin| *plugin != first));
        service.plugins.push(first);
    }
}

/// What there is no need of here, at the end of the head.
fn needless(notes: &Notes) -> Vec<String> {
    let all = notes.needless();
    let title = (!all.is_empty()).then(|| "Needless here:".to_owned());
    title.into_iter().chain(all.into_iter().map(|line| format!("- {line}"))).collect()
}
