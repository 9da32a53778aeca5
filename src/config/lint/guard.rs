//! Whether something asks a client who it is before a route's requests go on.

use super::listeners;
use super::subject::{Subject, View, config};
use crate::config::model::{Entity, Model};
use foldhash::{HashMap, HashMapExt, HashSet};
use uuid::Uuid;

/// Plugins that let in only some, answer themselves, or may do either.
const GUARDS: &[&str] = &[
    "acl",
    "basic-auth",
    "forward-auth",
    "hmac-auth",
    "htpasswd",
    "ip-restriction",
    "jwt",
    "key-auth",
    "ldap-auth",
    "oauth2",
    "openid-connect",
    "post-function",
    "pre-function",
    "redirect",
    "request-termination",
    "session",
];

/// Consumers, to be found as `anonymous` names them.
pub(super) struct Guarded<'a> {
    /// By username: the first one, with its place in the file.
    names: HashMap<&'a str, (usize, Uuid)>,
    /// Those with a guard of their own.
    own: HashSet<Uuid>,
}

// === impl Guarded ===

impl<'a> Guarded<'a> {
    fn of(model: &'a Model) -> Self {
        let mut names = HashMap::new();
        for (at, consumer) in model.all("consumers").iter().enumerate() {
            if let Some(name) = consumer.key.as_deref() {
                names.entry(name).or_insert((at, consumer.id));
            }
        }
        let guards = model.all("plugins").iter().filter(|plugin| plugin.fields.bool("enabled") && is_named(plugin));
        Self { names, own: guards.filter_map(|plugin| plugin.link("consumer")).collect() }
    }

    /// Who is meant by a username or id: of several, who comes first.
    fn find(&self, model: &Model, name: &str) -> Option<Uuid> {
        let id = name.parse::<Uuid>().ok().filter(|id| id.to_string() == name);
        let by_id = id.and_then(|id| Some((*model.tables.get("consumers")?.by_id.get(&id)?, id)));
        self.names.get(name).copied().into_iter().chain(by_id).min().map(|(_, id)| id)
    }
}

/// Whether a route is open to whoever reaches the gateway from another machine.
pub(super) fn is_open(subject: &Subject<'_>, view: &View<'_>) -> bool {
    listeners::open(subject.settings).is_some()
        && !view.plugins.iter().any(|plugin| is_guard(subject, plugin))
        && !asks_for_certificate(subject, view)
}

/// One that lets anybody pass as an `anonymous` consumer guards nothing, unless a plugin of that consumer's does.
fn is_guard(subject: &Subject<'_>, plugin: &Entity) -> bool {
    let anonymous = config(plugin).and_then(|config| config.str("anonymous"));
    is_named(plugin) && anonymous.is_none_or(|name| is_stopped(subject, name))
}

/// Whether the requests of a consumer are kept from going on. Those of one who does not exist are.
fn is_stopped(subject: &Subject<'_>, name: &str) -> bool {
    let guarded = subject.guarded.get_or_init(|| Guarded::of(subject.model));
    guarded.find(subject.model, name).is_none_or(|consumer| guarded.own.contains(&consumer))
}

fn is_named(plugin: &Entity) -> bool {
    plugin.fields.str("name").is_some_and(|name| GUARDS.contains(&name))
}

/// By the server names: all of the route's hosts ask for a certificate, and it takes nothing without TLS.
fn asks_for_certificate(subject: &Subject<'_>, view: &View<'_>) -> bool {
    let fields = &view.route.fields;
    let asks = |host: &str| subject.demanding.contains(&host.to_ascii_lowercase());
    !fields.list("hosts").is_empty()
        && fields.strs("protocols").all(|name| name == "https" || name == "grpcs")
        && fields.strs("hosts").all(asks)
}
