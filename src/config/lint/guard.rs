//! Whether something asks a client who it is before a route's requests go on.

use super::listeners;
use super::subject::{Subject, View};

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
    let asks = |host: &str| subject.demanding.contains(&host.to_ascii_lowercase());
    !fields.list("hosts").is_empty()
        && fields.strs("protocols").all(|name| name == "https" || name == "grpcs")
        && fields.strs("hosts").all(asks)
}
