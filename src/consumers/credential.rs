//! A credential: whose it is and how upstreams are told of it. What it is good for is in a file for each kind.

use crate::entity::ConsumerId;
use http::HeaderValue;
use uuid::Uuid;

/// A credential of the running snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CredentialId(pub u32);

/// What a credential is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `keyauth_credentials`.
    Key,
    /// `basicauth_credentials`.
    Password,
    /// `jwt_secrets`.
    Token,
    /// `hmacauth_credentials`.
    Signature,
}

/// A credential.
#[derive(Clone, Debug)]
pub struct Credential {
    /// Its id.
    pub id: Uuid,
    /// Whose it is.
    pub consumer: ConsumerId,
    /// What it is for.
    pub kind: Kind,
    /// `X-Credential-Identifier`: its id for key-auth, else what it is looked up by. `None`: no header can hold that.
    pub identifier: Option<HeaderValue>,
}

// === impl CredentialId ===

impl CredentialId {
    /// The position in the table.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl From<usize> for CredentialId {
    /// Saturates: a table never holds four thousand million entries.
    fn from(index: usize) -> Self {
        Self(u32::try_from(index).unwrap_or(u32::MAX))
    }
}

// === impl Credential ===

impl Credential {
    /// A credential that is looked up by `name`.
    #[must_use]
    pub fn new(id: Uuid, consumer: ConsumerId, kind: Kind, name: &str) -> Self {
        let identifier = match kind {
            Kind::Key => Some(header(id)),
            _ => HeaderValue::from_bytes(name.as_bytes()).ok(),
        };
        Self { id, consumer, kind, identifier }
    }
}

/// An id as a header's value.
pub(super) fn header(id: Uuid) -> HeaderValue {
    HeaderValue::from_str(&id.to_string()).unwrap_or(HeaderValue::from_static(""))
}
