//! Why a token is not let in, and how that is said: always compact JSON, whatever `Accept` asks for.

use crate::body::Body;
use crate::plugin::auth;
use crate::reply;
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Map, Value};

/// Why. In the order in which it is found out.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// There is no token.
    NoToken,
    /// There are several.
    Several,
    /// An argument has the name, but no value.
    Unrecognizable,
    /// It cannot be read, for this reason.
    Malformed(&'static str),
    /// It does not say whose it is.
    NoKey,
    /// It does, with an empty text.
    EmptyKey,
    /// It is nobody's.
    NoIssuer,
    /// It is signed in another way than its issuer does.
    Algorithm,
    /// Its issuer has no key.
    NoSecret,
    /// Its issuer did not sign it.
    Signature,
    /// What it claims is not good now: the claims, and why.
    Claims(Vec<(&'static str, &'static str)>),
    /// Kong fails at it: whose it is was not said as text (recorded for a number), or its issuer's key cannot be used.
    Crash,
}

/// What a 401 challenges with, where it does. Kong 2 does not.
#[derive(Debug)]
pub(super) struct Challenge {
    without_token: HeaderValue,
    bad_token: HeaderValue,
}

// === impl Refusal ===

impl Refusal {
    /// The answer. `claim` is the name of the claim that says whose a token is.
    pub(super) fn answer(&self, claim: &str, challenge: Option<&Challenge>) -> Response<Body> {
        if *self == Self::Crash {
            return reply::exit(StatusCode::INTERNAL_SERVER_ERROR, reply::UNEXPECTED);
        }
        let mut res = match self {
            Self::Claims(errors) => reply::reply(StatusCode::UNAUTHORIZED, Some(reply::JSON), by_claim(errors)),
            _ => reply::exit(StatusCode::UNAUTHORIZED, &self.message(claim)),
        };
        if let Some(challenge) = challenge {
            let value = if *self == Self::NoToken { &challenge.without_token } else { &challenge.bad_token };
            res.headers_mut().insert(header::WWW_AUTHENTICATE, value.clone());
        }
        res
    }

    /// The same for the operator, where there is no answer.
    pub(super) fn reason(&self, claim: &str) -> String {
        let why = match self {
            Self::NoToken => return "there is no token".to_owned(),
            Self::Crash => return "its issuer is not said as text, or the issuer's key cannot be used".to_owned(),
            Self::Claims(errors) => listed(errors),
            _ => self.message(claim),
        };
        format!("the token is not taken: {why}")
    }

    fn message(&self, claim: &str) -> String {
        match self {
            Self::Several => "Multiple tokens provided".to_owned(),
            Self::Unrecognizable => "Unrecognizable token".to_owned(),
            Self::Malformed(reason) => format!("Bad token; {reason}"),
            Self::NoKey => format!("No mandatory '{claim}' in claims"),
            Self::EmptyKey => format!("Invalid '{claim}' in claims"),
            Self::NoIssuer => format!("No credentials found for given '{claim}'"),
            Self::Algorithm => "Invalid algorithm".to_owned(),
            Self::NoSecret => "Invalid key/secret".to_owned(),
            Self::Signature => "Invalid signature".to_owned(),
            Self::NoToken | Self::Claims(_) | Self::Crash => "Unauthorized".to_owned(),
        }
    }
}

fn listed(errors: &[(&str, &str)]) -> String {
    let all: Vec<_> = errors.iter().map(|(claim, error)| format!("`{claim}`: {error}")).collect();
    all.join(", ")
}

fn by_claim(errors: &[(&str, &str)]) -> String {
    let map: Map<_, _> = errors.iter().map(|(claim, error)| ((*claim).to_owned(), Value::from(*error))).collect();
    Value::from(map).to_string()
}

// === impl Challenge ===

impl Challenge {
    /// Kong 3's, with its `realm`. `None`: no header can hold that.
    pub(super) fn new(realm: Option<&str>) -> Option<Self> {
        let bare = || Some(HeaderValue::from_static("Bearer"));
        let without_token = realm.map_or_else(bare, |realm| auth::challenge("Bearer", realm))?;
        let bad_token = [without_token.as_bytes(), b" error=\"invalid_token\""].concat();
        Some(Self { bad_token: HeaderValue::from_bytes(&bad_token).ok()?, without_token })
    }
}
