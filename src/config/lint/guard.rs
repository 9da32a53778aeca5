//! Whether something asks a client who it is before a route's requests go on.

use super::listeners;
use super::subject::{Subject, View};
use crate::config::model::Entity;

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

/// Whether a route is open to whoever reaches the gateway from another machine.
pub(super) fn is_open(subject: &Subject<'_>, view: &View<'_>) -> bool {
    listeners::open(subject.settings).is_some() && !view.has(GUARDS) && !asks_for_certificate(subject, view)
}

/// By the server names: all of the route's hosts ask for a certificate, and it takes nothing without TLS.
fn asks_for_certificate(subject: &Subject<'_>, view: &View<'_>) -> bool {
    let fields = &view.route.fields;
    let asks = |host: &str| subject.model.all("snis").iter().any(|sni| demands(sni, host));
    let hosts = fields.list("hosts");
    !hosts.is_empty()
        && fields.strs("protocols").all(|name| name == "https" || name == "grpcs")
        && fields.strs("hosts").all(asks)
}

fn demands(sni: &Entity, host: &str) -> bool {
    let named = sni.fields.str("name").is_some_and(|name| name.eq_ignore_ascii_case(host));
    named && sni.fields.get("client_ca").is_some() && sni.fields.str("client_verify") != Some("optional")
}
