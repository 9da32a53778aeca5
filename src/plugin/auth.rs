//! What every authentication plugin does once it knows who asks, or that nobody is known (`kong/plugins.md` §1).

use super::{Build, Ctx, Flow};
use crate::body::Body;
use crate::config::value::Checked;
use crate::consumers::{Consumer, Consumers, CredentialId, Directory, Kind};
use crate::entity::{Compat, ConsumerId};
use crate::reply;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use std::sync::OnceLock;

const CONSUMER_ID: HeaderName = HeaderName::from_static("x-consumer-id");
const USERNAME: HeaderName = HeaderName::from_static("x-consumer-username");
const CUSTOM_ID: HeaderName = HeaderName::from_static("x-consumer-custom-id");
const IDENTIFIER: HeaderName = HeaderName::from_static("x-credential-identifier");
const CREDENTIAL_USERNAME: HeaderName = HeaderName::from_static("x-credential-username");
const ANONYMOUS: HeaderName = HeaderName::from_static("x-anonymous-consumer");

/// The names under which upstreams are told who asks.
const TOLD: [HeaderName; 8] = [
    CONSUMER_ID,
    USERNAME,
    CUSTOM_ID,
    IDENTIFIER,
    CREDENTIAL_USERNAME,
    ANONYMOUS,
    HeaderName::from_static("x-consumer-groups"),
    HeaderName::from_static("x-authenticated-groups"),
];

/// By whom a request was authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authenticated {
    /// A credential of the configuration.
    By(CredentialId),
    /// What a function plugin said.
    Foreign,
}

/// What the authentication plugins have in common.
#[derive(Debug)]
pub(super) struct Auth {
    compat: Compat,
    consumers: Directory,
    anonymous: Option<Anonymous>,
}

/// The consumer for those who are not known, by id or username. Who that is turns out when everybody is compiled.
#[derive(Debug)]
struct Anonymous {
    name: Box<str>,
    id: OnceLock<Option<ConsumerId>>,
}

/// A rule for the `realm` in a challenge, which goes into a header.
pub(super) fn realm(text: &str) -> Result<(), String> {
    if text.chars().any(char::is_control) { Err("must not hold control characters".to_owned()) } else { Ok(()) }
}

/// A value of `WWW-Authenticate`. `None` for a realm that no header can hold.
pub(super) fn challenge(scheme: &str, realm: &str) -> Option<HeaderValue> {
    let realm = realm.replace('\\', "\\\\").replace('"', "\\\"");
    HeaderValue::from_bytes(format!("{scheme} realm=\"{realm}\"").as_bytes()).ok()
}

// === impl Auth ===

impl Auth {
    /// Reads `anonymous`.
    pub(super) fn read(config: &Checked, cx: &mut Build<'_>) -> Self {
        let anonymous = config.str("anonymous").filter(|name| !name.is_empty());
        let anonymous = anonymous.map(|name| Anonymous { name: name.into(), id: OnceLock::new() });
        Self { compat: cx.compat, consumers: cx.consumers(), anonymous }
    }

    /// Everybody there is.
    pub(super) fn consumers(&self) -> &Consumers {
        self.consumers.get()
    }

    /// Whether those who are not known may pass.
    pub(super) fn admits_anybody(&self) -> bool {
        self.anonymous.is_some()
    }

    /// Whether another plugin's credential is enough: where `anonymous` is set, one of several plugins is.
    pub(super) fn is_settled(&self, cx: &Ctx) -> bool {
        self.admits_anybody() && cx.authenticated.is_some()
    }

    /// Lets the owner of a credential in.
    pub(super) fn admit(&self, id: CredentialId, req: &mut Request<Body>, cx: &mut Ctx) {
        let consumers = self.consumers();
        let Some(credential) = consumers.credential(id) else { return };
        let Some(consumer) = consumers.get(credential.consumer) else { return };
        (cx.consumer, cx.authenticated) = (Some(credential.consumer), Some(Authenticated::By(id)));
        let headers = req.headers_mut();
        introduce(consumer, headers);
        put(headers, IDENTIFIER, credential.identifier.as_ref());
        let username = matches!(credential.kind, Kind::Password | Kind::Signature).then_some(&credential.identifier);
        if self.compat == Compat::Kong2 {
            // Kong 3 has given that header up.
            put(headers, CREDENTIAL_USERNAME, username.and_then(Option::as_ref));
        }
    }

    /// Lets somebody pass who was not asked, such as a preflight request: whom an earlier plugin let in, or nobody.
    pub(super) fn pass(req: &mut Request<Body>, cx: &Ctx) -> Flow {
        if cx.consumer.is_none() && cx.authenticated.is_none() {
            forget(req.headers_mut());
        }
        Flow::Continue
    }

    /// Answers, or lets the anonymous consumer in.
    pub(super) fn refuse(&self, answer: Response<Body>, req: &mut Request<Body>, cx: &mut Ctx) -> Flow {
        let Some(anonymous) = &self.anonymous else { return Flow::Respond(answer) };
        let Some((id, consumer)) = anonymous.who(self.consumers()) else {
            tracing::error!(anonymous = &*anonymous.name, "the anonymous consumer does not exist");
            return Flow::Respond(reply::exit(StatusCode::INTERNAL_SERVER_ERROR, reply::UNEXPECTED));
        };
        (cx.consumer, cx.authenticated) = (Some(id), None);
        let headers = req.headers_mut();
        introduce(consumer, headers);
        headers.insert(ANONYMOUS, HeaderValue::from_static("true"));
        Flow::Continue
    }

    /// For [`Plugin::remark`](super::Plugin::remark): what becomes of those who are not known.
    pub(super) fn remark(&self) -> String {
        let anonymous = self.anonymous.as_ref().map(|anonymous| &anonymous.name);
        anonymous.map_or_else(String::new, |name| format!("; who is not known goes on as consumer `{name}`"))
    }
}

fn introduce(consumer: &Consumer, headers: &mut HeaderMap) {
    forget(headers);
    let known = &consumer.headers;
    put(headers, CONSUMER_ID, Some(&known.id));
    put(headers, USERNAME, known.username.as_ref());
    put(headers, CUSTOM_ID, known.custom_id.as_ref());
}

/// What a client says of itself by the names of [`TOLD`] never passes, nor with `_` for `-`: an upstream that reads
/// headers as CGI variables takes both for one. Kong lets some of it pass.
fn forget(headers: &mut HeaderMap) {
    TOLD.iter().for_each(|name| _ = headers.remove(name));
    forget_spellings(headers);
}

/// Forgets headers that are called as in [`TOLD`], but for `_` in place of `-`.
pub(super) fn forget_spellings(headers: &mut HeaderMap) {
    let same = |(sent, name): (u8, u8)| sent == name || (sent, name) == (b'_', b'-');
    let is = |sent: &str, name: &str| sent.len() == name.len() && sent.bytes().zip(name.bytes()).all(same);
    let is_told = |sent: &str| sent.contains('_') && TOLD.iter().any(|name| is(sent, name.as_str()));
    while let Some(sent) = headers.keys().find(|sent| is_told(sent.as_str())).cloned() {
        headers.remove(sent);
    }
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: Option<&HeaderValue>) {
    if let Some(value) = value {
        headers.insert(name, value.clone());
    }
}

// === impl Anonymous ===

impl Anonymous {
    fn who<'a>(&self, consumers: &'a Consumers) -> Option<(ConsumerId, &'a Consumer)> {
        let id = (*self.id.get_or_init(|| consumers.find(&self.name)))?;
        Some((id, consumers.get(id)?))
    }
}
