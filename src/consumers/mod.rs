//! Who may ask: consumers, their groups and credentials, fixed when a configuration is compiled.
//!
//! Plugins are built before consumers are resolved, so they hold a [`Directory`], which is filled when all is compiled.
//! No secret is kept that a hash can stand for, and none is ever shown.

pub mod credential;
pub mod keys;
pub mod passwords;
pub mod signers;
pub mod tokens;
pub mod verifier;

use crate::entity::{ConsumerId, Identity};
pub use credential::{Credential, CredentialId, Kind};
use http::HeaderValue;
use keys::Keys;
use passwords::Passwords;
use signers::Signers;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, LazyLock, OnceLock};
use tokens::Tokens;
use uuid::Uuid;

/// Every consumer and credential of a configuration.
#[derive(Default)]
pub struct Consumers {
    list: Box<[Consumer]>,
    credentials: Box<[Credential]>,
    by_name: HashMap<Arc<str>, ConsumerId>,
    by_id: HashMap<Uuid, ConsumerId>,
    /// Of key-auth.
    pub keys: Keys,
    /// Of jwt.
    pub tokens: Tokens,
    /// Of hmac-auth.
    pub signers: Signers,
    /// Of basic-auth.
    pub passwords: Passwords,
}

/// A consumer.
#[derive(Clone, Debug)]
pub struct Consumer {
    /// Id and username.
    pub identity: Identity,
    /// `custom_id`.
    pub custom_id: Option<Box<str>>,
    /// Groups (`acls`), in the order of the document.
    pub groups: Box<[Box<str>]>,
    /// What upstreams are told.
    pub headers: Introduction,
}

/// A consumer as headers say it (`kong/plugins.md` §1). `None`: there is no such header.
#[derive(Clone, Debug)]
pub struct Introduction {
    /// `X-Consumer-ID`.
    pub id: HeaderValue,
    /// `X-Consumer-Username`.
    pub username: Option<HeaderValue>,
    /// `X-Consumer-Custom-ID`.
    pub custom_id: Option<HeaderValue>,
    /// `X-Consumer-Groups`, which only acl sends; empty for no group.
    pub groups: Option<HeaderValue>,
}

/// The consumers of the configuration that something belongs to. Empty until it is compiled.
#[derive(Clone, Default)]
pub struct Directory(Arc<OnceLock<Arc<Consumers>>>);

// === impl Consumers ===

impl Consumers {
    /// Consumers by [`ConsumerId`], credentials by [`CredentialId`].
    #[must_use]
    pub fn new(list: Vec<Consumer>, credentials: Vec<Credential>) -> Self {
        let ids = || (0..list.len()).map(ConsumerId::from).zip(&list);
        let by_name = ids().filter_map(|(at, consumer)| Some((consumer.identity.name.clone()?, at))).collect();
        let by_id = ids().map(|(at, consumer)| (consumer.identity.id, at)).collect();
        Self { by_name, by_id, list: list.into(), credentials: credentials.into(), ..Self::default() }
    }

    /// How many consumers there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Everybody, by number.
    #[must_use]
    pub fn all(&self) -> &[Consumer] {
        &self.list
    }

    /// The consumer of a number; `None` if the number is another configuration's.
    #[must_use]
    pub fn get(&self, id: ConsumerId) -> Option<&Consumer> {
        self.list.get(id.index())
    }

    /// The credential of a number; `None` if the number is another configuration's.
    #[must_use]
    pub fn credential(&self, id: CredentialId) -> Option<&Credential> {
        self.credentials.get(id.index())
    }

    /// The consumer of this id or username, as `anonymous` names one.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<ConsumerId> {
        let by_id = || self.by_id.get(&Uuid::try_parse(text).ok()?);
        by_id().or_else(|| self.by_name.get(text)).copied()
    }
}

impl fmt::Debug for Consumers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumers").field("list", &self.list).finish_non_exhaustive()
    }
}

// === impl Consumer ===

impl Consumer {
    /// A consumer with its headers. A name that no header can hold is not sent.
    #[must_use]
    pub fn new(identity: Identity, custom_id: Option<Box<str>>, groups: Box<[Box<str>]>) -> Self {
        let value = |text: &str| HeaderValue::from_bytes(text.as_bytes()).ok();
        let headers = Introduction {
            id: credential::header(identity.id),
            username: identity.name.as_deref().and_then(value),
            custom_id: custom_id.as_deref().and_then(value),
            groups: value(&groups.join(", ")),
        };
        Self { identity, custom_id, groups, headers }
    }
}

// === impl Directory ===

impl Directory {
    /// Says who there is. The first time counts.
    pub fn fill(&self, consumers: Arc<Consumers>) {
        let _ = self.0.set(consumers);
    }

    /// Who there is.
    #[must_use]
    pub fn get(&self) -> &Consumers {
        static NOBODY: LazyLock<Consumers> = LazyLock::new(Consumers::default);
        self.0.get().map_or_else(|| &*NOBODY, Arc::as_ref)
    }
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Directory")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn consumer(name: &str) -> Consumer {
        let identity = Identity { id: Uuid::from_u128(7), name: Some(name.into()) };
        Consumer::new(identity, None, Box::default())
    }

    #[test]
    fn a_consumer_is_found_by_id_and_by_name() {
        let directory = Directory::default();
        assert!(directory.get().find("ann").is_none());
        directory.fill(Arc::new(Consumers::new(vec![consumer("ann")], Vec::new())));
        let found = directory.get().find("ann");
        assert_eq!(found, Some(ConsumerId(0)));
        assert_eq!(directory.get().find(&Uuid::from_u128(7).to_string()), found);
        assert!(directory.get().find("Ann").is_none());
    }
}
