//! `basic-auth`: lets in who knows the password of a consumer's user, by HTTP Basic (`kong/plugins.md` §6, recorded suites
//! of that name).

mod schema;
#[cfg(test)]
mod tests;

use super::auth::{self, Auth};
use super::basic::Credentials;
use super::{Build, Ctx, Define, Flow, Plugin};
use crate::body::Body;
use crate::config::schema::Record;
use crate::config::value::Checked;
use crate::consumers::CredentialId;
use crate::entity::Compat;
use crate::reply;
use http::header::{AUTHORIZATION, PROXY_AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};

/// The plugin.
#[derive(Debug)]
pub struct BasicAuth {
    auth: Auth,
    hides: bool,
    challenge: HeaderValue,
}

/// Why somebody is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    Missing,
    Wrong,
}

// === impl BasicAuth ===

impl Plugin for BasicAuth {
    fn access(&self, req: &mut Request<Body>, cx: &mut Ctx) -> Flow {
        if self.auth.is_settled(cx) {
            return Flow::Continue;
        }
        match self.judge(req.headers_mut()) {
            Ok(credential) => self.auth.admit(credential, req, cx),
            Err(refusal) => return self.auth.refuse(self.answer(refusal, req, cx), req, cx),
        }
        Flow::Continue
    }

    fn remark(&self) -> Option<String> {
        Some(format!("asks for a user and a password{}", self.auth.remark()))
    }
}

impl BasicAuth {
    /// `Proxy-Authorization` counts if it names a user that there is, else `Authorization`.
    fn judge(&self, headers: &mut HeaderMap) -> Result<CredentialId, Refusal> {
        if !headers.contains_key(PROXY_AUTHORIZATION) && !headers.contains_key(AUTHORIZATION) {
            return Err(Refusal::Missing);
        }
        let passwords = &self.auth.consumers().passwords;
        let by_proxy = self.take(&PROXY_AUTHORIZATION, headers).filter(|found| passwords.knows(&found.user));
        let found = by_proxy.or_else(|| self.take(&AUTHORIZATION, headers)).ok_or(Refusal::Wrong)?;
        passwords.verify(&found.user, &found.password).ok_or(Refusal::Wrong)
    }

    /// What a header holds; the header is gone then, if it is to be hidden.
    fn take(&self, name: &HeaderName, headers: &mut HeaderMap) -> Option<Credentials> {
        let found = headers.get(name).and_then(|value| read(value.as_bytes()));
        if self.hides {
            headers.remove(name);
        }
        found
    }

    /// Kong 2 says what it wants only to those who show nothing, and to others that it is wrong.
    fn answer(&self, refusal: Refusal, req: &Request<Body>, cx: &Ctx) -> Response<Body> {
        let asks = refusal == Refusal::Missing || cx.compat == Compat::Kong3;
        let message = if asks { "Unauthorized" } else { "Invalid authentication credentials" };
        let mut res = reply::error(StatusCode::UNAUTHORIZED, Some(message), &cx.asker(req));
        if asks {
            res.headers_mut().insert(WWW_AUTHENTICATE, self.challenge.clone());
        }
        res
    }
}

impl Define for BasicAuth {
    const NAME: &'static str = "basic-auth";
    const CONSUMER_SCOPE: bool = false;

    fn priority(compat: Compat) -> i32 {
        match compat {
            Compat::Kong2 => 1001,
            Compat::Kong3 => 1100,
        }
    }

    fn schema() -> &'static Record {
        &schema::CONFIG
    }

    fn build(config: &Checked, cx: &mut Build<'_>) -> Option<Self> {
        let realm = config.str("realm").unwrap_or("kong");
        let challenge = auth::challenge("Basic", realm)?;
        Some(Self { auth: Auth::read(config, cx), hides: config.bool("hide_credentials"), challenge })
    }
}

/// A header's credentials. Kong needs no blank behind the scheme, which begins with a letter of either case.
fn read(header: &[u8]) -> Option<Credentials> {
    let rest = header.trim_ascii_start();
    let rest = rest.strip_prefix(b"Basic").or_else(|| rest.strip_prefix(b"basic"))?;
    Credentials::decode(rest)
}
