//! A token in its parts, as Kong takes it apart: two JSON texts and a signature in base64, of either alphabet and with or
//! without padding. All after the second dot is the signature. Nothing is verified.

use super::refusal::Refusal;
use crate::consumers::verifier::Algorithm;
use crate::entity::Compat;
use crate::nginx64;
use serde_json::Value;

/// A token that can be read.
pub(super) struct Decoded<'a> {
    /// How it is signed.
    pub(super) algorithm: &'static Algorithm,
    /// What it says. An object, or what has no claims: a list or a text.
    pub(super) claims: Value,
    /// The bytes that are signed.
    pub(super) signed: &'a [u8],
    /// The signature.
    pub(super) signature: Vec<u8>,
    header: Value,
}

// === impl Decoded ===

impl<'a> Decoded<'a> {
    /// Takes a token apart. Where Kong crashes, at a header or claims that are a number or null, it is malformed here.
    pub(super) fn read(token: &'a [u8], compat: Compat) -> Result<Self, Refusal> {
        let no_json = || Refusal::Malformed("invalid JSON");
        let mut parts = token.splitn(3, |byte| *byte == b'.');
        let (Some(header), Some(claims), Some(signature)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(no_json());
        };
        let signed = &token[..=header.len() + claims.len()];
        let (header, claims) = (json(header).ok_or_else(no_json)?, json(claims).ok_or_else(no_json)?);
        let algorithm = header.get("alg").and_then(Value::as_str).and_then(|name| Algorithm::named(name, compat));
        let algorithm = algorithm.ok_or(Refusal::Malformed("invalid alg"))?;
        if !matches!(claims, Value::Object(_) | Value::Array(_) | Value::String(_)) {
            return Err(Refusal::Malformed("invalid claims"));
        }
        let signature = nginx64::decode_url(signature).ok_or(Refusal::Malformed("invalid signature"))?;
        Ok(Self { algorithm, claims, signed, signature, header })
    }

    /// Who says that it signed it: a claim, or else a field of the header.
    pub(super) fn issuer(&self, claim: &str) -> Result<&str, Refusal> {
        match said(&self.claims, claim).or_else(|| said(&self.header, claim)) {
            None => Err(Refusal::NoKey),
            Some(Value::String(name)) if name.is_empty() => Err(Refusal::EmptyKey),
            Some(Value::String(name)) => Ok(name),
            Some(_) => Err(Refusal::Crash),
        }
    }
}

/// In Lua, what is false is as good as nothing.
fn said<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    object.get(name).filter(|value| **value != Value::Bool(false))
}

fn json(part: &[u8]) -> Option<Value> {
    serde_json::from_slice(&nginx64::decode_url(part)?).ok()
}
