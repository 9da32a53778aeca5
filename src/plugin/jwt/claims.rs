//! Whether what a token claims is good now (RFC 7519 §4.1.4, §4.1.5). Clocks get no leeway, as in Kong.

use crate::config::value::Checked;
use serde_json::Value;
use std::time::{SystemTime, UNIX_EPOCH};

/// What is asked of the claims.
#[derive(Debug)]
pub(super) struct Checks {
    exp: bool,
    nbf: bool,
    /// How far ahead `exp` may lie, in seconds.
    maximum: Option<f64>,
}

/// A claim, and what is wrong with it.
pub(super) type Error = (&'static str, &'static str);

// === impl Checks ===

impl Checks {
    /// Reads `claims_to_verify` and `maximum_expiration`.
    pub(super) fn read(config: &Checked) -> Self {
        let asks = |claim: &str| config.strs("claims_to_verify").any(|asked| asked == claim);
        let maximum = config.get("maximum_expiration").and_then(Checked::as_num).filter(|seconds| *seconds > 0.0);
        Self { exp: asks("exp"), nbf: asks("nbf"), maximum }
    }

    /// What is asked, for people: nothing, or what goes on with a semicolon.
    pub(super) fn described(&self) -> String {
        let claims = match (self.exp, self.nbf) {
            (true, true) => "; checks `exp` and `nbf`",
            (true, false) => "; checks `exp`",
            (false, true) => "; checks `nbf`",
            (false, false) => "; no end of it is checked",
        };
        let maximum = self.maximum.map(|seconds| format!("; `exp` may be {seconds} s ahead"));
        claims.to_owned() + &maximum.unwrap_or_default()
    }

    /// Everything that is wrong; how far ahead `exp` lies is looked at once the rest is right.
    pub(super) fn errors(&self, claims: &Value, now: SystemTime) -> Vec<Error> {
        #[allow(clippy::cast_precision_loss)]
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() as f64;
        let number = |name| claims.get(name).and_then(Value::as_f64);
        let exp = self.exp.then(|| check("exp", number("exp"), "token expired", |exp| exp > now));
        let nbf = self.nbf.then(|| check("nbf", number("nbf"), "token not valid yet", |nbf| nbf <= now));
        let mut errors: Vec<_> = [exp, nbf].into_iter().flatten().flatten().collect();
        let too_far = |maximum| number("exp").is_none_or(|exp| exp - now > maximum);
        if errors.is_empty() && self.maximum.is_some_and(too_far) {
            errors.push(("exp", "exceeds maximum allowed expiration"));
        }
        errors
    }
}

fn check(name: &'static str, claim: Option<f64>, wrong: &'static str, is_good: impl Fn(f64) -> bool) -> Option<Error> {
    let Some(claim) = claim else { return Some((name, "must be a number")) };
    (!is_good(claim)).then_some((name, wrong))
}
