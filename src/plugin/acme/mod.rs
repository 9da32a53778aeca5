//! `acme`: certificates that the gateway orders for itself, from Let's Encrypt or any other authority that speaks ACME
//! (RFC 8555; `kong/plugins/acme`).
//!
//! Here are its `config`, as a [`Plan`], and answers to the authority's challenges. They are given before there is a route,
//! so that none is needed for them and no redirect to https or plugin comes first; in Kong a route must take the path.
//! `server/acme` orders.

mod schema;
#[cfg(test)]
mod tests;

use super::{Build, Ctx, Define, Plugin, Rare};
use crate::acme::{Challenges, Domains, External, KeyKind, Plan};
use crate::body::Body;
use crate::config::schema::Record;
use crate::config::value::Checked;
use crate::entity::Compat;
use crate::reply;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderValue, Request, Response, StatusCode, header};
use std::sync::Arc;
use std::time::Duration;

/// The plugin.
#[derive(Debug)]
pub struct Acme(Arc<Plan>);

/// Where an authority asks (RFC 8555 §8.3).
const CHALLENGE: &str = "/.well-known/acme-challenge/";
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=UTF-8");
const MINUTE: f64 = 60.0;
const DAY: f64 = 86_400.0;

// === impl Acme ===

impl Plugin for Acme {
    /// A token that is none is 404 over plain HTTP and for the plugin's domains, as in Kong.
    fn rewrite(&self, req: &mut Request<Body>, cx: &mut Ctx) -> Option<Response<Body>> {
        let token = req.uri().path().strip_prefix(CHALLENGE).filter(|token| !token.is_empty())?;
        if let Some(answer) = self.0.challenges.find(token) {
            // Kong's answers end with a line feed; authorities ignore it (RFC 8555 §8.3).
            return Some(reply::reply(StatusCode::OK, Some(TEXT), [&answer[..], b"\n"].concat()));
        }
        let ours = !cx.https && host(req).is_some_and(|host| self.0.domains.allow(&host));
        ours.then(|| reply::exit_bare(StatusCode::NOT_FOUND, &cx.asker(req)))
    }

    fn phases(&self) -> Rare {
        Rare { rewrite: true, ..Rare::default() }
    }

    fn certificates(&self) -> Option<&Arc<Plan>> {
        Some(&self.0)
    }

    fn remark(&self) -> Option<String> {
        Some("answers an authority's challenges before there is a route; here no order is under way".to_owned())
    }
}

/// Whom a request asks, in lower case, without port.
fn host(req: &Request<Body>) -> Option<String> {
    let host = req.headers().get(header::HOST)?.to_str().ok()?;
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    Some(name.trim_end_matches('.').to_ascii_lowercase())
}

impl Define for Acme {
    const NAME: &'static str = "acme";
    const CONSUMER_SCOPE: bool = false;
    const ROUTE_SCOPE: bool = false;

    fn priority(compat: Compat) -> i32 {
        match compat {
            Compat::Kong2 => 1007,
            Compat::Kong3 => 1705,
        }
    }

    fn schema() -> &'static Record {
        &schema::CONFIG
    }

    fn build(config: &Checked, cx: &mut Build<'_>) -> Option<Self> {
        let known = cx.before.get::<Challenges>().cloned();
        let challenges = cx.shared.get_or_insert_with(|| known.unwrap_or_default()).clone();
        Some(Self(Arc::new(Plan {
            directory: directory(config.str("api_uri").unwrap_or_default()),
            email: config.str("account_email").unwrap_or_default().into(),
            agreed: config.bool("tos_accepted"),
            external: external(config),
            key: key(config),
            renew_before: duration(config, "renew_threshold_days", DAY),
            backoff: duration(config, "fail_backoff_minutes", MINUTE),
            domains: Domains::new(config.strs("domains"), config.bool("allow_any_domain")),
            challenges,
        })))
    }
}

/// As Kong puts it together.
fn directory(url: &str) -> Box<str> {
    if url.ends_with("/directory") {
        return url.into();
    }
    format!("{}/directory", url.strip_suffix('/').unwrap_or(url)).into()
}

/// A key that is none is `gateway check`'s to tell: the authority will refuse an account without it.
fn external(config: &Checked) -> Option<External> {
    let key = external_key(config.str("eab_hmac_key")?)?;
    Some(External { id: config.str("eab_kid")?.into(), key: key.into() })
}

/// The bytes of `eab_hmac_key`, which is base64url (RFC 8555 §7.3.4), with or without padding.
#[must_use]
pub(crate) fn external_key(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()
}

fn key(config: &Checked) -> KeyKind {
    match (config.str("cert_type"), config.int("rsa_key_size")) {
        (Some("ecc"), _) => KeyKind::P256,
        (_, Some(2048)) => KeyKind::Rsa2048,
        (_, Some(3072)) => KeyKind::Rsa3072,
        _ => KeyKind::Rsa4096,
    }
}

/// What is negative, or longer than can be told, is none.
fn duration(config: &Checked, field: &str, unit: f64) -> Duration {
    let number = config.get(field).and_then(Checked::as_num).unwrap_or_default();
    Duration::try_from_secs_f64(number * unit).unwrap_or_default()
}
