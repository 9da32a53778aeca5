//! The entities of the configuration, read only: lists and their pages, single ones, and what belongs to another
//! (`kong/operations.md` §8).

use super::answer::Now;
use super::reply::{not_found, ok};
use super::{refuse, schemas};
use crate::config::one::Extent;
use crate::listing::{Item, Listing};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{Method, Request, Response};
use serde_json::{Value, json};
use uuid::Uuid;

/// Lists: the path, and the key of the list in a Kong file.
pub(super) const KINDS: &[(&str, &str)] = &[
    ("acls", "acls"),
    ("basic-auths", "basicauth_credentials"),
    ("ca_certificates", "ca_certificates"),
    ("certificates", "certificates"),
    ("consumers", "consumers"),
    ("hmac-auths", "hmacauth_credentials"),
    ("jwts", "jwt_secrets"),
    ("key-auths", "keyauth_credentials"),
    ("oauth2", "oauth2_credentials"),
    ("plugins", "plugins"),
    ("routes", "routes"),
    ("services", "services"),
    ("snis", "snis"),
    ("upstreams", "upstreams"),
];

/// Lists within another entity: its path, theirs, their kind, and the reference.
pub(super) const NESTED: &[(&str, &str, &str, &str)] = &[
    ("certificates", "services", "services", "client_certificate"),
    ("certificates", "snis", "snis", "certificate"),
    ("certificates", "upstreams", "upstreams", "client_certificate"),
    ("consumers", "acls", "acls", "consumer"),
    ("consumers", "basic-auth", "basicauth_credentials", "consumer"),
    ("consumers", "hmac-auth", "hmacauth_credentials", "consumer"),
    ("consumers", "jwt", "jwt_secrets", "consumer"),
    ("consumers", "key-auth", "keyauth_credentials", "consumer"),
    ("consumers", "oauth2", "oauth2_credentials", "consumer"),
    ("consumers", "plugins", "plugins", "consumer"),
    ("routes", "plugins", "plugins", "route"),
    ("services", "plugins", "plugins", "service"),
    ("services", "routes", "routes", "service"),
    ("upstreams", "targets", "targets", "upstream"),
];

/// Entities that another refers to: the path, and the kind.
const REFERRED: &[(&str, &str)] = &[
    ("certificate", "certificates"),
    ("client_certificate", "certificates"),
    ("consumer", "consumers"),
    ("route", "routes"),
    ("service", "services"),
];

/// What a path means.
pub(super) enum Meant<'a> {
    /// A list of a kind.
    List(&'static str, Vec<&'a Item>),
    /// One of a kind, by the text that asks for it; `None` if there is none.
    One(&'static str, &'a str, Option<&'a Item>),
}

/// The entity that all the rest of a path is about does not exist.
struct Missing;

/// The answer to a question about entities; `None` if it is about something else.
pub(super) fn answer(asked: &Request<Bytes>, path: &str, secrets: bool, now: &Now<'_>) -> Option<Response<Bytes>> {
    let listing = now.snapshot.listing.as_deref()?;
    let steps: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let meant = match meant(listing, &steps) {
        Ok(meant) => meant?,
        Err(Missing) => return Some(not_found()),
    };
    Some(match *asked.method() {
        Method::GET | Method::HEAD => match meant {
            Meant::List(_, items) => list(asked, path, &items, secrets),
            Meant::One(_, _, one) => one.map_or_else(not_found, |item| ok(item.document(secrets))),
        },
        Method::OPTIONS if matches!(meant, Meant::List(..)) => refuse::options(refuse::LIST),
        Method::OPTIONS => refuse::options(refuse::ONE),
        _ => write(asked, &meant, owner(listing, &steps), now),
    })
}

fn meant<'a>(listing: &'a Listing, steps: &[&'a str]) -> Result<Option<Meant<'a>>, Missing> {
    let Some((_, kind)) = steps.first().and_then(|first| KINDS.iter().find(|(path, _)| path == first)) else {
        return Ok(None);
    };
    let Some(name) = steps.get(1) else { return Ok(Some(Meant::List(kind, listing.all(kind).iter().collect()))) };
    let found = listing.find(kind, name);
    let Some(step) = steps.get(2) else { return Ok(Some(Meant::One(kind, name, found))) };
    let owner = found.ok_or(Missing)?;
    if let Some((_, _, kind, field)) = NESTED.iter().find(|row| row.0 == steps[0] && row.1 == *step) {
        let belongs = |item: &&Item| item.refers(field, owner.id);
        let name = steps.get(3).filter(|name| *kind != "targets" || **name != "all");
        return Ok(match (name, steps.len()) {
            (None, ..=4) => Some(Meant::List(kind, listing.all(kind).iter().filter(belongs).collect())),
            (Some(name), 4) => Some(Meant::One(kind, name, listing.find(kind, name).filter(belongs))),
            _ => None,
        });
    }
    let Some((field, kind)) = REFERRED.iter().find(|(field, _)| field == step && steps.len() == 3) else {
        return Ok(None);
    };
    let there = owner.link(field).and_then(|id| listing.all(kind).iter().find(|item| item.id == id));
    Ok(Some(Meant::One(kind, field, there)))
}

/// The entity that a list belongs to: the reference to it, and its id.
fn owner(listing: &Listing, steps: &[&str]) -> Option<(&'static str, Uuid)> {
    let (_, kind) = KINDS.iter().find(|(path, _)| steps.first() == Some(path))?;
    let (_, _, _, field) = NESTED.iter().find(|row| steps.first() == Some(&row.0) && steps.get(2) == Some(&row.1))?;
    Some((field, listing.find(kind, steps.get(1)?)?.id))
}

/// A change cannot be made. What is wrong with it anyway is told first, as in Kong.
fn write(
    asked: &Request<Bytes>,
    meant: &Meant<'_>,
    owner: Option<(&'static str, Uuid)>,
    now: &Now<'_>,
) -> Response<Bytes> {
    let (kind, extent, key) = match (asked.method(), meant) {
        (&Method::POST, Meant::List(kind, _)) => (kind, Extent::Whole, None),
        (&Method::PUT, Meant::One(kind, text, _)) => (kind, Extent::Whole, Some((refuse::key(kind, text), *text))),
        (&Method::PATCH, Meant::One(kind, _, Some(_))) => (kind, Extent::Part, None),
        _ => return refuse::write(asked.method(), meant),
    };
    let mut entity = match schemas::entity(kind, asked, now) {
        Ok(entity) => entity,
        Err(refused) => return *refused,
    };
    let owner = owner.map(|(field, id)| (field, id.to_string()));
    let known = key.map(|(field, text)| (field, text.to_owned())).into_iter().chain(owner);
    for (field, text) in known.filter(|_| extent == Extent::Whole) {
        entity.entry(field).or_insert(text.into());
    }
    schemas::violation(kind, &entity, extent, now).unwrap_or_else(|| refuse::write(asked.method(), meant))
}

/// One page of a list.
fn list(asked: &Request<Bytes>, path: &str, items: &[&Item], secrets: bool) -> Response<Bytes> {
    let query = asked.uri().query().unwrap_or_default();
    let argument = |name: &str| {
        form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    };
    let size = argument("size");
    let Some(size) = size.as_deref().map_or(Some(100), |size| size.parse().ok().filter(|n| (1..=1000).contains(n)))
    else {
        return refuse::size();
    };
    let offset = argument("offset");
    let Some(first) = offset.as_deref().map_or(Some(0), position) else {
        return refuse::offset(offset.as_deref().unwrap_or_default());
    };
    let (tags, custom) = (argument("tags"), argument("custom_id"));
    let wanted = items.iter().filter(|item| tags.as_deref().is_none_or(|tags| tagged(item, tags)));
    let wanted = wanted.filter(|item| custom.is_none() || item.masked["custom_id"].as_str() == custom.as_deref());
    let mut rest = wanted.skip(first);
    let data: Vec<_> = rest.by_ref().take(size).map(|item| item.document(secrets)).collect();
    match rest.next() {
        None => ok(&json!({ "data": data, "next": Value::Null })),
        Some(_) => {
            let offset = URL_SAFE_NO_PAD.encode((first + size + 1).to_string());
            ok(&json!({ "data": data, "next": format!("{path}?offset={offset}"), "offset": offset }))
        }
    }
}

/// Where a page begins, by what the page before said: the place from 1, encoded as Kong does.
fn position(offset: &str) -> Option<usize> {
    let place: usize = String::from_utf8(URL_SAFE_NO_PAD.decode(offset).ok()?).ok()?.parse().ok()?;
    place.checked_sub(1)
}

/// `a,b` wants both, `a/b` either.
fn tagged(item: &Item, wanted: &str) -> bool {
    let has = |tag: &str| item.tags().any(|own| own == tag);
    if wanted.contains('/') { wanted.split('/').any(has) } else { wanted.split(',').all(has) }
}
