#![allow(clippy::unwrap_used)]
use super::*;
use crate::nginx64;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const RSA: &str = include_str!("../token/vectors/rsa.pem");
const SECRET: &[u8] = b"a-secret-of-more-than-thirty-two-bytes";

fn named(name: &str) -> &'static Algorithm {
    Algorithm::named(name, Compat::Kong3).unwrap()
}

/// What openssl signed with an algorithm, and the signature.
fn vector(name: &str) -> (String, Vec<u8>) {
    let name = name.to_ascii_lowercase();
    let mut lines = include_str!("../token/vectors/tokens.txt").lines();
    let token = lines.find_map(|line| line.strip_prefix(&name)?.strip_prefix(' ')).unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    (signed.to_owned(), nginx64::decode_url(signature.as_bytes()).unwrap())
}

fn key(name: &str) -> Verifier {
    let pem = match name {
        "HS256" | "HS384" | "HS512" => return Verifier::secret(named(name), SECRET).unwrap(),
        "ES256" => include_str!("../token/vectors/ec256.pem"),
        "ES384" => include_str!("../token/vectors/ec384.pem"),
        "EdDSA" => include_str!("../token/vectors/ed.pem"),
        _ => RSA,
    };
    Verifier::public(named(name), pem.as_bytes()).unwrap()
}

#[test]
fn what_openssl_signed_is_verified_and_nothing_else() {
    for name in
        ["HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]
    {
        let ((signed, mut signature), key) = (vector(name), key(name));
        assert!(key.verifies(signed.as_bytes(), &signature), "{name}");
        assert!(!key.verifies(&signed.as_bytes()[1..], &signature), "{name}");
        assert!(!key.verifies(signed.as_bytes(), &signature[1..]), "{name}");
        assert!(!key.verifies(signed.as_bytes(), b""), "{name}");
        signature[3] ^= 1;
        assert!(!key.verifies(signed.as_bytes(), &signature), "{name}");
    }
}

#[test]
fn es512_is_verified() {
    let random = SystemRandom::new();
    let pair = EcdsaKeyPair::generate(&ECDSA_P521_SHA512_FIXED_SIGNING).unwrap();
    let der: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der.as_ref()));
    let signature = pair.sign(&random, b"text").unwrap();
    let key = Verifier::public(named("ES512"), pem.as_bytes()).unwrap();
    assert!(key.verifies(b"text", signature.as_ref()));
    assert!(!key.verifies(b"next", signature.as_ref()));
}

#[test]
fn the_key_of_a_certificate_is_one() {
    let pem = include_bytes!("../token/vectors/rsa.crt");
    let (signed, signature) = vector("RS256");
    assert!(Verifier::public(named("RS256"), pem).unwrap().verifies(signed.as_bytes(), &signature));
}

#[test]
fn a_key_is_for_its_kind_of_algorithm() {
    let why = |name: &str, pem: &str| Verifier::public(named(name), pem.as_bytes()).err();
    assert_eq!(why("ES256", RSA), Some(Unusable::Other));
    assert_eq!(why("ES384", include_str!("../token/vectors/ec256.pem")), Some(Unusable::Other));
    assert_eq!(why("HS256", RSA), Some(Unusable::Other), "a public key is no secret");
    assert_eq!(why("RS256", "nothing"), Some(Unusable::NoKey));
    let private = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    assert_eq!(why("RS256", private), Some(Unusable::NoKey));
    assert!(Verifier::secret(named("RS256"), SECRET).is_none());
    assert!(Verifier::secret(named("HS256"), b"").is_none(), "everybody knows it");
    assert!(!Verifier::Nobodys.verifies(b"", b""));
}

#[test]
fn a_short_rsa_key_is_refused() {
    // openssl genrsa 1024 | openssl rsa -pubout
    let pem = include_str!("short-rsa.pem");
    assert_eq!(Verifier::public(named("RS256"), pem.as_bytes()).err(), Some(Unusable::Other));
}

#[test]
fn names_are_exact_and_kong_2_knows_fewer() {
    for name in ["none", "hs256", "HS256 ", "RS1", ""] {
        assert!(Algorithm::named(name, Compat::Kong3).is_none(), "{name}");
    }
    for name in ["ES512", "PS256", "PS384", "PS512", "EdDSA"] {
        assert!(Algorithm::named(name, Compat::Kong2).is_none(), "{name}");
        assert!(Algorithm::named(name, Compat::Kong3).is_some(), "{name}");
    }
    assert!(Algorithm::named("ES384", Compat::Kong2).is_some());
}

#[test]
fn a_key_is_not_shown() {
    assert_eq!(format!("{:?}", key("HS256")), "Verifier { .. }");
}
