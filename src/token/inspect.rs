//! What a token says, for people: every line of it, times in words, and what is odd. Nothing here verifies.

use super::key::algorithm;
use super::{Object, Token, plain, when};
use serde_json::Value;

/// The issuer of the keys in Supabase's documentation, whose secret everybody knows.
const DEMO: &str = "supabase-demo";

/// Times beyond this are milliseconds: the year 5138 in seconds.
const SECONDS: i64 = 100_000_000_000;

/// What a token says: names and values, in the order in which people ask.
#[must_use]
pub fn lines(token: &Token, now: i64) -> Vec<(String, String)> {
    let header = token.header.iter().map(|(name, value)| format!("{name} {}", shown(value)));
    let mut lines = vec![("header".to_owned(), header.collect::<Vec<_>>().join(", "))];
    let first = ["role", "iss", "sub", "aud", "iat", "nbf", "exp"];
    let written = first.iter().filter_map(|name| token.claims.get_key_value(*name));
    let others = token.claims.iter().filter(|(name, _)| !first.contains(&name.as_str()));
    lines.extend(written.chain(others).map(|(name, value)| (name.clone(), said(token, name, value, now))));
    lines
}

fn said(token: &Token, name: &str, value: &Value, now: i64) -> String {
    match token.time(name).filter(|_| matches!(name, "iat" | "nbf" | "exp")) {
        Some(at) if at < SECONDS => format!("{} ({})", when::date(at), when::away(at, now)),
        _ => shown(value),
    }
}

/// Text without quotes, all else as JSON.
fn shown(value: &Value) -> String {
    plain(value.as_str().unwrap_or(&value.to_string()))
}

/// What is odd about a token, or good to know.
#[must_use]
pub fn remarks(token: &Token, now: i64) -> Vec<String> {
    let mut all = Vec::new();
    all.extend(signing(token));
    for name in ["exp", "nbf", "iat"] {
        all.extend(time(token, name, now));
    }
    all.extend(role(&token.claims));
    if token.claim("iss") == Some(DEMO) {
        all.push(
            "its issuer is `supabase-demo`: the secret of these keys is in Supabase's documentation, for everybody"
                .into(),
        );
    }
    all
}

fn signing(token: &Token) -> Option<String> {
    match token.algorithm() {
        None => Some("its header does not say how it is signed (`alg`); nobody accepts it".into()),
        Some(name) if name.eq_ignore_ascii_case("none") => {
            Some("it is not signed (`alg` is `none`); nobody may accept it".into())
        }
        Some(name) => algorithm(name).err().map(|_| format!("its algorithm `{}` is not known", plain(name))),
    }
}

fn time(token: &Token, name: &str, now: i64) -> Option<String> {
    let Some(value) = token.claims.get(name) else {
        return (name == "exp").then(|| "it has no `exp`: it never expires".to_owned());
    };
    let Some(at) = token.time(name).filter(|_| value.is_number()) else {
        return Some(format!("`{name}` is no number, and should be seconds since 1970"));
    };
    match name {
        _ if at >= SECONDS => {
            Some(format!("`{name}` looks like milliseconds, and is read as seconds: {}", when::away(at, now)))
        }
        "exp" if at <= now => Some(format!("it expired {}", when::away(at, now))),
        "nbf" if at > now => Some(format!("it is not valid yet: {}", when::away(at, now))),
        "iat" if at > now => Some(format!("it was issued in the future ({}): is a clock wrong?", when::away(at, now))),
        _ => None,
    }
}

fn role(claims: &Object) -> Option<String> {
    match claims.get("role").map(|role| role.as_str()) {
        None => Some("it has no `role`: PostgREST takes its anonymous role".into()),
        Some(None) => Some("its `role` is no text".into()),
        Some(Some("service_role")) => {
            Some("`service_role` passes by row level security: whoever has this token owns the data".into())
        }
        Some(Some(_)) => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    const NOW: i64 = 1_800_000_000;

    fn token(header: Value, claims: Value) -> Token {
        let part = |value: &Value| {
            use base64::Engine;
            base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string())
        };
        Token::parse(&format!("{}.{}.x", part(&header), part(&claims))).unwrap()
    }

    fn odd(claims: Value) -> Vec<String> {
        remarks(&token(json!({"alg": "HS256"}), claims), NOW)
    }

    #[test]
    fn lines_are_in_the_order_of_questions() {
        let claims = json!({"a": [1], "exp": NOW + 3600, "iss": "supabase", "role": "anon", "z": "\u{1b}[2J"});
        let lines = lines(&token(json!({"alg": "HS256", "typ": "JWT"}), claims), NOW);
        let text: Vec<_> = lines.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let want = [
            "header: alg HS256, typ JWT",
            "role: anon",
            "iss: supabase",
            "exp: 2027-01-15 09:00 UTC (in 1 hour)",
            "a: [1]",
            "z: \u{FFFD}[2J",
        ];
        assert_eq!(text, want);
    }

    #[test]
    fn nothing_is_odd_about_a_usual_key() {
        assert_eq!(odd(json!({"role": "anon", "iat": NOW - 5, "exp": NOW + 5})), [""; 0]);
    }

    #[test]
    fn what_is_odd_is_said() {
        assert_eq!(odd(json!({"role": "anon"})), ["it has no `exp`: it never expires"]);
        assert_eq!(odd(json!({"role": "x", "exp": NOW})), ["it expired now"]);
        let millis = odd(json!({"role": "x", "exp": NOW * 1000}));
        assert!(millis[0].starts_with("`exp` looks like milliseconds"), "{millis:?}");
        assert_eq!(odd(json!({"role": "x", "exp": "soon"})), ["`exp` is no number, and should be seconds since 1970"]);
        assert!(odd(json!({"exp": NOW + 9}))[0].starts_with("it has no `role`"));
        assert!(odd(json!({"role": 7, "exp": NOW + 9}))[0].starts_with("its `role` is no text"));
        assert!(odd(json!({"role": "service_role", "exp": NOW + 9}))[0].contains("row level security"));
        let demo = odd(json!({"role": "anon", "exp": NOW + 9, "iss": "supabase-demo"}));
        assert!(demo[0].contains("in Supabase's documentation"));
        let future = odd(json!({"role": "x", "exp": NOW + 9, "nbf": NOW + 5, "iat": NOW + 3}));
        assert_eq!(
            future,
            ["it is not valid yet: in 5 seconds", "it was issued in the future (in 3 seconds): is a clock wrong?"]
        );
    }

    #[test]
    fn a_token_without_a_signature_is_named() {
        let fault = |header: Value| remarks(&token(header, json!({"role": "x", "exp": NOW + 9})), NOW);
        assert!(fault(json!({"alg": "none"}))[0].starts_with("it is not signed"));
        assert!(fault(json!({}))[0].starts_with("its header does not say"));
        assert_eq!(fault(json!({"alg": "XY1"})), ["its algorithm `XY1` is not known"]);
    }
}
