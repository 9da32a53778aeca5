//! Public keys of consumers that no token can be verified with.

use super::Rule;
use super::subject::{Subject, named};
use crate::config::model::Entity;
use crate::config::report::Report;
use crate::consumers::verifier::{Algorithm, Unusable, Verifier};
use crate::nginx64;

pub(super) static RULE: Rule = Rule {
    code: "jwt-public-key",
    summary: "a public key of `jwt_secrets` is missing, or cannot verify what its algorithm signs",
    explain: "Tokens of `RS…` and `PS…` are verified by an RSA key of 2048 bits or more, those of `ES256`, `ES384` and \
        `ES512` by an EC key on P-256, P-384 or P-521, those of `EdDSA` by an Ed25519 key. With another key every token of \
        this credential is answered with 500, without one with 401.\n\nPut the issuer's public key into `rsa_public_key`, \
        as PEM (`openssl pkey -in FILE -pubout` writes it), or set the `algorithm` that the key is for.",
    bad: r"consumers:
  - username: bob
    jwt_secrets:
      - key: bob
        algorithm: RS256
        rsa_public_key: |
          -----BEGIN PUBLIC KEY-----
          MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEVgRDx/1xkwMr6h+xj1NTG4p7ZHEP
          yyHtAsIi41tVetXJJitpJ01BvEhHt42J2WZmUAGxuBGdBm/8QnCGiGzphQ==
          -----END PUBLIC KEY-----",
    good: r"consumers:
  - username: bob
    jwt_secrets:
      - key: bob
        algorithm: ES256
        rsa_public_key: |
          -----BEGIN PUBLIC KEY-----
          MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEVgRDx/1xkwMr6h+xj1NTG4p7ZHEP
          yyHtAsIi41tVetXJJitpJ01BvEhHt42J2WZmUAGxuBGdBm/8QnCGiGzphQ==
          -----END PUBLIC KEY-----",
    run,
};

fn run(subject: &Subject<'_>, report: &mut Report) {
    for entity in subject.model.all("jwt_secrets") {
        let Some(fault) = fault(subject, entity) else { continue };
        let place = entity.fields.get("rsa_public_key").map_or(entity.place, |key| key.span);
        let consumer = subject.model.position("consumers", entity, "consumer");
        let whose = consumer.map(|at| named("consumer", &subject.model.all("consumers")[at]));
        let whose = whose.unwrap_or_else(|| "a consumer".to_owned());
        let warning = RULE.warn(place, format!("the public key of {whose} {fault}"));
        report.push(
            warning.help("write the issuer's key below `rsa_public_key: |`, or the `algorithm` that the key is for"),
        );
    }
}

/// What is wrong with the key, after what it is.
fn fault(subject: &Subject<'_>, entity: &Entity) -> Option<String> {
    let algorithm = Algorithm::named(entity.fields.str("algorithm")?, subject.model.compat)?;
    if algorithm.is_shared() {
        return None;
    }
    let Some(pem) = entity.fields.str("rsa_public_key") else {
        return Some(format!("is missing: {} wants {}", algorithm.name, wanted(algorithm)));
    };
    // An instance of the plugin may ask for base64.
    let either = [Some(pem.as_bytes().to_vec()), nginx64::decode_url(pem.as_bytes())];
    let tried: Vec<_> = either.into_iter().flatten().map(|pem| Verifier::public(algorithm, &pem)).collect();
    match tried.iter().filter_map(|key| key.as_ref().err()).max_by_key(|why| **why == Unusable::Other)? {
        _ if tried.iter().any(Result::is_ok) => None,
        Unusable::NoKey => Some("is no public key in PEM".to_owned()),
        Unusable::Other => Some(format!("is not {}, as {} wants it", wanted(algorithm), algorithm.name)),
    }
}

fn wanted(algorithm: &Algorithm) -> &'static str {
    match algorithm.name {
        "ES256" => "an EC key on P-256",
        "ES384" => "an EC key on P-384",
        "ES512" => "an EC key on P-521",
        "EdDSA" => "an Ed25519 key",
        _ => "an RSA key of 2048 bits or more",
    }
}
