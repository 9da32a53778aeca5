#![allow(clippy::unwrap_used)]
use super::*;
use crate::token::key::Signer;
use crate::token::mint::{Claims, mint};
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

const NOW: i64 = 1_800_000_000;
const SECRET: &str = "a-secret-of-more-than-thirty-two-bytes";
const JWKS: &[u8] = include_bytes!("vectors/jwks.json");

/// A token that openssl signed.
fn token(of: &str) -> Token {
    let mut lines = include_str!("vectors/tokens.txt").lines();
    Token::parse(lines.find_map(|line| line.strip_prefix(of)?.strip_prefix(' ')).unwrap()).unwrap()
}

fn secret(text: &str) -> Keys {
    Keys::secret(Secret::new(text.as_bytes()).unwrap())
}

fn checked(token: &Token, keys: &Keys, expected: &Expected) -> Vec<String> {
    let faults = verify(token, keys, expected, NOW).err().unwrap_or_default();
    faults.iter().map(ToString::to_string).collect()
}

fn faults(token: &Token, keys: &Keys) -> Vec<String> {
    checked(token, keys, &Expected::default())
}

fn keys(pem: &[u8]) -> Keys {
    Keys::pem(pem).unwrap()
}

#[test]
fn what_openssl_signed_is_good() {
    let rsa = include_bytes!("vectors/rsa.pem");
    for name in ["hs256", "hs384", "hs512"] {
        assert_eq!(faults(&token(name), &secret(SECRET)), [""; 0], "{name}");
    }
    for name in ["rs256", "rs384", "rs512", "ps256", "ps384", "ps512"] {
        assert_eq!(faults(&token(name), &keys(rsa)), [""; 0], "{name}");
        assert_eq!(faults(&token(name), &keys(include_bytes!("vectors/rsa.crt"))), [""; 0], "{name}");
    }
    let curves: [(&str, &[u8]); 3] = [
        ("es256", include_bytes!("vectors/ec256.pem")),
        ("es384", include_bytes!("vectors/ec384.pem")),
        ("eddsa", include_bytes!("vectors/ed.pem")),
    ];
    for (name, pem) in curves {
        assert_eq!(faults(&token(name), &keys(pem)), [""; 0], "{name}");
    }
    for name in ["es256", "eddsa", "rs256", "ps512"] {
        assert_eq!(faults(&token(name), &Keys::jwks(JWKS).unwrap()), [""; 0], "{name}");
    }
}

#[test]
fn what_was_changed_is_not() {
    for name in ["hs256", "rs256", "es256", "eddsa"] {
        let mut token = token(name);
        token.signed.push('x');
        let keys = if name == "hs256" { secret(SECRET) } else { Keys::jwks(JWKS).unwrap() };
        assert_eq!(faults(&token, &keys), ["the signature is wrong: another key made it, or the token was changed"]);
        token.signature = "AAAA".into();
        assert_eq!(faults(&token, &keys).len(), 1);
        token.signature = "no base64!".into();
        assert_eq!(faults(&token, &keys).len(), 1);
    }
}

#[test]
fn a_public_key_is_no_secret() {
    // A token signed by HS256 with the text of the public key must not pass for one that the private key signed.
    let pem = include_str!("vectors/rsa.pem");
    let signer = Signer::secret(&Secret::new(pem.as_bytes()).unwrap(), None).unwrap();
    let claims = Claims { role: "service_role".into(), issued: NOW, ..Claims::default() };
    let forged = Token::parse(&mint(&claims, &signer, None).unwrap()).unwrap();
    let said = faults(&forged, &keys(pem.as_bytes()));
    assert_eq!(said, ["it is signed by HS256, and no key here is for that (here: RSA)"]);
}

#[test]
fn a_key_is_found_by_its_name() {
    let keys = Keys::jwks(JWKS).unwrap();
    assert_eq!(keys.unusable, ["key 4 of the set: it is for encryption (`use`: `enc`)"]);
    let mut token = token("eddsa");
    token.header.insert("kid".into(), "gone".into());
    let want = "it is signed by EdDSA with key `gone`, which is not here (here: EC `ec-1`, ED `ed-1`, RSA `rsa-1`)";
    assert_eq!(faults(&token, &keys), [want]);
    assert_eq!(faults(&self::token("es384"), &keys).len(), 1, "`alg` of the key says ES256");
}

#[test]
fn unsigned_and_unknown_are_refused() {
    let with = |name: &str| {
        let mut token = token("hs256");
        token.header.insert("alg".into(), name.into());
        faults(&token, &secret(SECRET))
    };
    assert_eq!(with("none"), ["it is not signed (`alg` is `none`): everybody can make such a token"]);
    assert_eq!(with("NONE"), ["it is not signed (`alg` is `none`): everybody can make such a token"]);
    assert_eq!(with("hs256"), ["its algorithm `hs256` is not known"]);
    assert_eq!(with(""), ["its header does not say how it is signed (`alg`)"]);
    let mut token = token("hs256");
    token.header.insert("crit".into(), Value::from(vec!["b64"]));
    assert!(faults(&token, &secret(SECRET))[0].contains("`crit`"));
}

#[test]
fn what_happened_to_a_secret_is_guessed() {
    let made = |bytes: &[u8]| {
        let signer = Signer::secret(&Secret::new(bytes).unwrap(), None).unwrap();
        let claims = Claims { expires: Some(NOW + 9), ..Claims::default() };
        Token::parse(&mint(&claims, &signer, None).unwrap()).unwrap()
    };
    let text = URL_SAFE_NO_PAD.encode([7; 33]);
    assert!(faults(&made(&[7; 33]), &secret(&text))[0].ends_with("(PostgREST: jwt-secret-is-base64)"));
    assert!(faults(&made(b"c2VjcmV0"), &secret("secret"))[0].contains("written in base64"));
    assert!(faults(&made(b"secret"), &secret(" secret "))[0].contains("without the blanks"));
    assert!(faults(&made(b"secret\n\n"), &secret("secret"))[0].contains("line break behind it"));
}

#[test]
fn times_and_names_count() {
    let claims = |text: &str| {
        let mut token = token("hs256");
        token.claims = serde_json::from_str(text).unwrap();
        token
    };
    let said = |text: &str, leeway: i64| {
        let faults = verify(&claims(text), &secret(SECRET), &Expected { leeway, ..Expected::default() }, NOW);
        faults.err().unwrap_or_default().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(said(r#"{"exp": 1800000000}"#, 0), ["it expired on 2027-01-15 08:00 UTC, now"]);
    assert_eq!(said(r#"{"exp": 1799999990}"#, 30), [""; 0]);
    assert_eq!(said(r#"{"exp": 1799990000.5}"#, 30), ["it expired on 2027-01-15 05:13 UTC, 2 hours ago"]);
    assert_eq!(said(r#"{"nbf": 1800003600}"#, 30), ["it is not valid before 2027-01-15 09:00 UTC, in 1 hour"]);
    assert_eq!(said(r#"{"exp": "1900000000"}"#, 0), ["`exp` is no number, and should be seconds since 1970"]);
    assert_eq!(said(r#"{"exp": null}"#, 0), [""; 0]);
    let expected = Expected { issuer: Some("us".into()), audience: Some("api".into()), leeway: 0 };
    assert_eq!(checked(&claims(r#"{"iss": "us", "aud": ["web", "api"]}"#), &secret(SECRET), &expected), [""; 0]);
    let want = ["`iss` is \"them\", and should be \"us\"", "`aud` is missing, and should be \"api\""];
    assert_eq!(checked(&claims(r#"{"iss": "them"}"#), &secret(SECRET), &expected), want);
}

#[test]
fn what_is_no_key_is_told() {
    let fault = |pem: &[u8]| Keys::pem(pem).unwrap_err().to_string();
    assert!(fault(b"hello").starts_with("it has neither"));
    assert!(fault(b"-----BEGIN PRIVATE KEY-----\n").contains("-pubout"));
    let jwks = |text: &str| Keys::jwks(text.as_bytes()).unwrap_err().to_string();
    assert_eq!(jwks("{}"), "it has neither `keys`, as a JWKS has, nor `kty`, as a key has");
    assert_eq!(jwks(r#"{"keys": []}"#), "the set has no key");
    assert!(jwks(r#"{"keys": [{"kty": "EC"}]}"#).starts_with("key 1 of the set: "));
    assert!(jwks("[").starts_with("it is no JSON: "));
    assert_eq!(Secret::new(b"\r\n").unwrap_err().to_string(), "the secret is empty");
}
