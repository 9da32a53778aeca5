//! Consumers with their groups and credentials, numbered.

use crate::config::model::{Entity, Model};
use crate::consumers::passwords::{Form, Passwords};
use crate::consumers::signers::Signers;
use crate::consumers::tokens::{Issuer, Tokens, Written};
use crate::consumers::verifier::Algorithm;
use crate::consumers::{Consumer, Consumers, Credential, CredentialId, Kind};
use crate::entity::{Compat, ConsumerId};

/// Credentials, as they are collected.
struct Collected<'a> {
    model: &'a Model,
    credentials: Vec<Credential>,
}

/// Compiles everybody of a model.
pub(super) fn compile(model: &Model) -> Consumers {
    let mut groups: Vec<Vec<Box<str>>> = vec![Vec::new(); model.all("consumers").len()];
    for acl in model.all("acls") {
        if let (Some(at), Some(group)) = (model.position("consumers", acl, "consumer"), acl.fields.str("group")) {
            groups[at].push(group.into());
        }
    }
    let people = model.all("consumers").iter().zip(groups).map(|(entity, groups)| consumer(entity, groups)).collect();
    let mut collected = Collected { model, credentials: Vec::new() };
    let keys = collected.all("keyauth_credentials", Kind::Key, "key");
    let users = collected.all("basicauth_credentials", Kind::Password, "username");
    let issuers = collected.all("jwt_secrets", Kind::Token, "key");
    let signers = collected.all("hmacauth_credentials", Kind::Signature, "username");
    let mut consumers = Consumers::new(people, collected.credentials);
    keys.for_each(|(entity, at)| consumers.keys.put(entity.fields.str("key").unwrap_or_default(), at));
    consumers.passwords = passwords(model, users);
    consumers.tokens = tokens(issuers, model.compat);
    consumers.signers = self::signers(signers);
    consumers
}

fn passwords<'a>(model: &Model, users: impl Iterator<Item = (&'a Entity, CredentialId)>) -> Passwords {
    let mut passwords = Passwords::new(if model.read.hashed { Form::Hashed } else { Form::Plain });
    for (entity, at) in users {
        let text = |field| entity.fields.str(field).unwrap_or_default();
        let Some(consumer) = entity.link("consumer") else { continue };
        passwords.put(text("username"), text("password"), consumer, at);
    }
    passwords
}

fn tokens<'a>(found: impl Iterator<Item = (&'a Entity, CredentialId)>, compat: Compat) -> Tokens {
    let mut tokens = Tokens::default();
    for (entity, at) in found {
        let text = |field| entity.fields.str(field);
        let written = Written { secret: text("secret"), public_key: text("rsa_public_key") };
        // The schema refuses an algorithm that is not known.
        if let Some(algorithm) = text("algorithm").and_then(|name| Algorithm::named(name, compat)) {
            tokens.put(text("key").unwrap_or_default(), Issuer::new(at, algorithm, written, compat));
        }
    }
    tokens
}

fn signers<'a>(found: impl Iterator<Item = (&'a Entity, CredentialId)>) -> Signers {
    let mut signers = Signers::default();
    for (entity, at) in found {
        signers.put(entity.fields.str("username").unwrap_or_default(), entity.fields.str("secret"), at);
    }
    signers
}

fn consumer(entity: &Entity, groups: Vec<Box<str>>) -> Consumer {
    Consumer::new(entity.identity(), entity.fields.str("custom_id").map(Into::into), groups.into())
}

// === impl Collected ===

impl<'a> Collected<'a> {
    /// Numbers the credentials of one kind. Those that belong to nobody are of no use, and left out.
    fn all(
        &mut self,
        table: &str,
        kind: Kind,
        name: &str,
    ) -> impl Iterator<Item = (&'a Entity, CredentialId)> + use<'a> {
        let mut found = Vec::new();
        for entity in self.model.all(table) {
            let Some(consumer) = self.model.position("consumers", entity, "consumer") else { continue };
            let Some(name) = entity.fields.str(name) else { continue };
            found.push((entity, CredentialId::from(self.credentials.len())));
            self.credentials.push(Credential::new(entity.id, ConsumerId::from(consumer), kind, name));
        }
        found.into_iter()
    }
}
