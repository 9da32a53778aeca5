//! `hmac-auth`: requests that a consumer's secret signed (`kong/plugins.md` §9, recorded suite of that name).
//!
//! The order of the checks is Kong's, and so is what each says. Somebody who is not known is found out no sooner than a
//! wrong signature ([`crate::consumers::signers`]).

mod date;
mod params;
mod schema;
mod signing;
#[cfg(test)]
mod tests;

use super::auth::{self, Auth};
use super::{Build, Ctx, Define, Flow, Plugin};
use crate::body::Body;
use crate::buffer::{self, Read};
use crate::config::schema::Record;
use crate::config::value::Checked;
use crate::consumers::CredentialId;
use crate::consumers::signers::{HASHES, Signer};
use crate::entity::Compat;
use crate::nginx64;
use crate::reply;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::LocalBoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, header};
use params::{HEADERS, Params, Shown};
use signing::Signed;
use std::time::{SystemTime, UNIX_EPOCH};

/// The plugin.
#[derive(Debug)]
pub struct HmacAuth {
    auth: Auth,
    /// How far a request's date may be off, in seconds.
    clock_skew: f64,
    /// What has to be among what is signed.
    enforced: Box<[Box<[u8]>]>,
    /// Whether each of [`HASHES`] may be used.
    allowed: [bool; HASHES.len()],
    reads_body: bool,
    hide_credentials: bool,
    challenge: Option<HeaderValue>,
}

/// Whose signature a request has, while its body is read.
#[derive(Clone, Copy)]
struct SignedBy(CredentialId);

/// Why a signature was not taken, for who explains.
#[derive(Clone, Copy)]
struct NotTaken(Refusal);

/// Why a request is not let in, in Kong's words.
type Refusal = &'static str;

const NO_HEADER: Refusal = "Unauthorized";
const NO_DATE: Refusal =
    "HMAC signature cannot be verified, a valid date or x-date header is required for HMAC Authentication";
const UNVERIFIABLE: Refusal = "HMAC signature cannot be verified";
const WRONG: Refusal = "HMAC signature does not match";

const DATES: [HeaderName; 2] = [HeaderName::from_static("x-date"), header::DATE];
const DIGEST: HeaderName = HeaderName::from_static("digest");

// === impl HmacAuth ===

impl Plugin for HmacAuth {
    fn access(&self, req: &mut Request<Body>, cx: &mut Ctx) -> Flow {
        if self.auth.is_settled(cx) {
            return Flow::Continue;
        }
        match self.judge(req, cx) {
            Ok(credential) if self.reads_body => {
                cx.stash.insert(SignedBy(credential));
                Flow::Wait
            }
            judged => self.settle(judged, req, cx),
        }
    }

    fn wait<'a>(&'a self, req: &'a mut Request<Body>, cx: &'a mut Ctx) -> LocalBoxFuture<'a, Flow> {
        Box::pin(async move {
            let signed_by = cx.stash.remove::<SignedBy>();
            let body = buffer::read(req.body_mut(), cx.body_buffer).await;
            let is_right = matches!(body, Read::Whole(body) if is_digest_of(&body, req.headers()));
            let judged = signed_by.filter(|_| is_right).map(|SignedBy(credential)| credential);
            self.settle(judged.ok_or(WRONG), req, cx)
        })
    }

    fn reason(&self, cx: &Ctx) -> Option<String> {
        cx.stash.get::<NotTaken>().map(|NotTaken(why)| match *why {
            NO_HEADER => "there is no signature".to_owned(),
            why => format!("the signature is not taken: {why}"),
        })
    }

    fn remark(&self) -> Option<String> {
        let names = HASHES.iter().zip(self.allowed).filter(|(_, allowed)| *allowed).map(|((name, _), _)| *name);
        let names = names.collect::<Vec<_>>().join(", ");
        let enforced = self.enforced.iter().map(|name| format!("`{}`", String::from_utf8_lossy(name)));
        let enforced = enforced.collect::<Vec<_>>().join(", ");
        let over = if enforced.is_empty() { String::new() } else { format!(" over {enforced} and what else it lists") };
        let body = if self.reads_body { "; the body must be what `Digest` says" } else { "" };
        let (skew, rest) = (self.clock_skew, self.auth.remark());
        Some(format!("asks for a signature{over} ({names}) and a date at most {skew} s off{body}{rest}"))
    }
}

impl HmacAuth {
    /// Whose credential signed the request. Its body is not looked at.
    fn judge(&self, req: &mut Request<Body>, cx: &Ctx) -> Result<CredentialId, Refusal> {
        if !HEADERS.iter().any(|name| req.headers().contains_key(name)) {
            return Err(NO_HEADER);
        }
        let Shown { header, params } = Shown::of(req.headers());
        if !self.is_on_time(req.headers(), params.as_ref(), cx.wall) {
            return Err(NO_DATE);
        }
        let judged = params.ok_or(UNVERIFIABLE).and_then(|params| self.verify(&params, req, cx));
        if self.hide_credentials {
            req.headers_mut().remove(header);
        }
        judged
    }

    /// Dates that are signed are the ones that count, if there are such. Kong takes any: who repeats a signed request there
    /// only has to add today's date under the other name.
    fn is_on_time(&self, headers: &HeaderMap, params: Option<&Params<'_>>, now: SystemTime) -> bool {
        let is_signed = |name: &HeaderName| params.is_some_and(|params| params.lists(name));
        let any_is_signed = DATES.iter().any(is_signed);
        let now = now.duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX));
        DATES.iter().filter(|name| !any_is_signed || is_signed(name)).any(|name| {
            let date = headers.get(name).and_then(|value| date::parse(value.to_str().ok()?));
            #[allow(clippy::cast_precision_loss)]
            date.is_some_and(|date| now.abs_diff(date) as f64 <= self.clock_skew)
        })
    }

    fn verify(&self, params: &Params<'_>, req: &Request<Body>, cx: &Ctx) -> Result<CredentialId, Refusal> {
        let is_listed = |name: &[u8]| params.headers().any(|listed| listed == name);
        if !self.enforced.iter().all(|name| is_listed(name)) || params.is_in_part(req.headers()) {
            return Err(UNVERIFIABLE);
        }
        let hash = HASHES.iter().position(|(name, _)| name.as_bytes() == params.algorithm);
        let hash = hash.filter(|hash| self.allowed[*hash]).ok_or(UNVERIFIABLE)?;
        let signer = self.auth.consumers().signers.find(params.username);
        let is_right = is_signed(signer, hash, params, &Signed::of(req), cx.compat);
        let credential = signer.credential.ok_or(UNVERIFIABLE)?;
        if is_right { Ok(credential) } else { Err(WRONG) }
    }

    fn settle(&self, judged: Result<CredentialId, Refusal>, req: &mut Request<Body>, cx: &mut Ctx) -> Flow {
        match judged {
            Ok(credential) => {
                self.auth.admit(credential, req, cx);
                Flow::Continue
            }
            Err(refusal) => self.refuse(refusal, req, cx),
        }
    }

    fn refuse(&self, refusal: Refusal, req: &mut Request<Body>, cx: &mut Ctx) -> Flow {
        let mut answer = reply::error(StatusCode::UNAUTHORIZED, Some(refusal), &cx.asker(req));
        if let Some(challenge) = &self.challenge {
            answer.headers_mut().insert(header::WWW_AUTHENTICATE, challenge.clone());
        }
        if cx.dry_run && self.auth.admits_anybody() {
            cx.stash.insert(NotTaken(refusal));
        }
        self.auth.refuse(answer, req, cx)
    }
}

fn is_signed(signer: &Signer, hash: usize, params: &Params<'_>, signed: &Signed<'_>, compat: Compat) -> bool {
    let signature = nginx64::decode(params.signature).unwrap_or_default();
    let is_over = |text: &[u8]| signer.signed(hash, text, &signature);
    is_over(&signed.text(params)) || (compat == Compat::Kong2 && is_over(&signed.text_decoded(params)))
}

/// Without `Digest`, the body must be empty.
fn is_digest_of(body: &[u8], headers: &HeaderMap) -> bool {
    let Some(said) = headers.get(DIGEST) else { return body.is_empty() };
    let hash = STANDARD.encode(digest(&SHA256, body));
    said.as_bytes().strip_prefix(b"SHA-256=") == Some(hash.as_bytes())
}

impl Define for HmacAuth {
    const NAME: &'static str = "hmac-auth";
    const CONSUMER_SCOPE: bool = false;

    fn priority(compat: Compat) -> i32 {
        match compat {
            Compat::Kong2 => 1000,
            Compat::Kong3 => 1030,
        }
    }

    fn schema() -> &'static Record {
        &schema::CONFIG
    }

    fn build(config: &Checked, cx: &mut Build<'_>) -> Option<Self> {
        // Kong 2 asks for nothing.
        let bare = || Some(HeaderValue::from_static("hmac"));
        let challenge = || config.str("realm").map_or_else(bare, |realm| auth::challenge("hmac", realm));
        Some(Self {
            auth: Auth::read(config, cx),
            clock_skew: config.get("clock_skew").and_then(Checked::as_num).unwrap_or(300.0),
            enforced: config.strs("enforce_headers").map(|name| name.as_bytes().into()).collect(),
            allowed: HASHES.map(|(name, _)| config.strs("algorithms").any(|allowed| allowed == name)),
            reads_body: config.bool("validate_request_body"),
            hide_credentials: config.bool("hide_credentials"),
            challenge: (cx.compat == Compat::Kong3).then(challenge).flatten(),
        })
    }
}
