//! `jwt`: JSON Web Tokens that a consumer's key signed (`kong/plugins.md` §8, recorded suite of that name).
//!
//! The order of the checks is Kong's, and so is what each says. Keys were parsed when the configuration was loaded
//! ([`crate::consumers::tokens`]).

mod claims;
mod decoded;
mod places;
mod refusal;
mod schema;
#[cfg(test)]
mod tests;

use super::auth::Auth;
use super::{Build, Ctx, Define, Flow, Plugin};
use crate::args::Args;
use crate::body::Body;
use crate::config::schema::Record;
use crate::config::value::Checked;
use crate::consumers::CredentialId;
use crate::consumers::tokens::Key;
use crate::entity::Compat;
use claims::Checks;
use decoded::Decoded;
use http::{Method, Request};
use places::Places;
use refusal::{Challenge, Refusal};
use std::fmt;

/// The plugin.
#[derive(Debug)]
pub struct Jwt {
    auth: Auth,
    places: Places,
    /// The claim, or field of the header, that says who signed.
    key_claim: Box<str>,
    secret_is_base64: bool,
    checks: Checks,
    on_preflight: bool,
    challenge: Option<Challenge>,
}

/// The token that a request was let in with, in its stash: Kong's `kong.ctx.shared.authenticated_jwt_token`.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthenticatedToken(pub Box<[u8]>);

/// Why a token was not taken, for who explains.
#[derive(Clone)]
struct NotTaken(String);

// === impl Jwt ===

impl Plugin for Jwt {
    fn access(&self, req: &mut Request<Body>, cx: &mut Ctx) -> Flow {
        if self.auth.is_settled(cx) {
            return Flow::Continue;
        }
        if !self.on_preflight && req.method() == Method::OPTIONS {
            return Auth::pass(req, cx);
        }
        match self.judge(req, cx) {
            Ok((credential, token)) => {
                cx.stash.insert(token);
                self.auth.admit(credential, req, cx);
                Flow::Continue
            }
            Err(refusal) => self.refuse(&refusal, req, cx),
        }
    }

    fn secrets(&self) -> &[Box<str>] {
        self.places.secrets()
    }

    fn remark(&self) -> Option<String> {
        let (places, claim, checks) = (self.places.described(), &self.key_claim, self.checks.described());
        let rest = self.auth.remark();
        Some(format!("asks for a token in {places}; its `{claim}` names the credential{checks}{rest}"))
    }

    fn reason(&self, cx: &Ctx) -> Option<String> {
        cx.stash.get::<NotTaken>().map(|NotTaken(why)| why.clone())
    }
}

impl Jwt {
    /// Whose credential signed the request's token.
    fn judge(&self, req: &Request<Body>, cx: &Ctx) -> Result<(CredentialId, AuthenticatedToken), Refusal> {
        let args = if self.places.include_the_query() { cx.args(req) } else { Args::default() };
        let token = self.places.find(req.headers(), &args, cx.compat)?;
        Ok((self.verify(token, cx)?, AuthenticatedToken(token.into())))
    }

    fn verify(&self, token: &[u8], cx: &Ctx) -> Result<CredentialId, Refusal> {
        let token = Decoded::read(token, cx.compat)?;
        let name = token.issuer(&self.key_claim)?;
        let issuer = self.auth.consumers().tokens.find(name).ok_or(Refusal::NoIssuer)?;
        if issuer.algorithm != token.algorithm {
            return Err(Refusal::Algorithm);
        }
        let verifier = match issuer.key(self.secret_is_base64) {
            Key::Ready(verifier) => verifier,
            Key::Missing => return Err(Refusal::NoSecret),
            Key::Unusable => return Err(Refusal::Crash),
        };
        if !verifier.verifies(token.signed, &token.signature) {
            return Err(Refusal::Signature);
        }
        let errors = self.checks.errors(&token.claims, cx.wall);
        if errors.is_empty() { Ok(issuer.credential) } else { Err(Refusal::Claims(errors)) }
    }

    fn refuse(&self, refusal: &Refusal, req: &mut Request<Body>, cx: &mut Ctx) -> Flow {
        let answer = refusal.answer(&self.key_claim, self.challenge.as_ref());
        if cx.dry_run && (self.auth.admits_anybody() || *refusal == Refusal::Crash) {
            cx.stash.insert(NotTaken(refusal.reason(&self.key_claim)));
        }
        match refusal {
            Refusal::Crash => Flow::Respond(answer),
            _ => self.auth.refuse(answer, req, cx),
        }
    }
}

impl Define for Jwt {
    const NAME: &'static str = "jwt";
    const CONSUMER_SCOPE: bool = false;

    fn priority(compat: Compat) -> i32 {
        match compat {
            Compat::Kong2 => 1005,
            Compat::Kong3 => 1450,
        }
    }

    fn schema() -> &'static Record {
        &schema::CONFIG
    }

    fn build(config: &Checked, cx: &mut Build<'_>) -> Option<Self> {
        Some(Self {
            auth: Auth::read(config, cx),
            places: Places::read(config),
            key_claim: config.str("key_claim_name").unwrap_or("iss").into(),
            secret_is_base64: config.bool("secret_is_base64"),
            checks: Checks::read(config),
            on_preflight: config.bool("run_on_preflight"),
            challenge: (cx.compat == Compat::Kong3).then(|| Challenge::new(config.str("realm"))).flatten(),
        })
    }
}

// === impl AuthenticatedToken ===

/// A token is a secret: nothing of it is shown.
impl fmt::Debug for AuthenticatedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AuthenticatedToken").finish()
    }
}
