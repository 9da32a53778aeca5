//! What a configuration says about certificates that the gateway orders for itself (ACME, RFC 8555): from whom, as whom,
//! for which names; and the challenges that are under way.
//!
//! The plugin `acme` makes a [`Plan`] of its `config` and answers challenges; `server/acme` orders.

mod challenges;
mod domains;

pub use challenges::{Challenges, Posted};
pub use domains::{Domains, is_public_name};

use std::fmt;
use std::time::Duration;

/// What to order, from whom.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The URL of the authority's directory.
    pub directory: Box<str>,
    /// Whom the authority writes to.
    pub email: Box<str>,
    /// Whether its terms of service are agreed to.
    pub agreed: bool,
    /// The account with the authority that ours is bound to (RFC 8555 §7.3.4).
    pub external: Option<External>,
    /// What keys certificates get.
    pub key: KeyKind,
    /// How long before its end a certificate is renewed.
    pub renew_before: Duration,
    /// How long a name rests after the first failure.
    pub backoff: Duration,
    /// The names.
    pub domains: Domains,
    /// What the authority may ask for.
    pub challenges: Challenges,
}

/// An account that was made by hand, and its key.
#[derive(Clone, PartialEq, Eq)]
pub struct External {
    /// Its name.
    pub id: Box<str>,
    /// Its key for HMAC.
    pub key: Box<[u8]>,
}

/// The key of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// ECDSA with the curve P-256.
    P256,
    /// RSA of 2048 bits.
    Rsa2048,
    /// RSA of 3072 bits.
    Rsa3072,
    /// RSA of 4096 bits.
    Rsa4096,
}

// === impl Plan ===

impl Plan {
    /// Whether an order can succeed as far as is known here: Let's Encrypt serves nobody who does not agree to its terms.
    #[must_use]
    pub fn may_order(&self) -> bool {
        self.agreed || !self.directory.contains("api.letsencrypt.org")
    }

    /// Whether another plan asks the same authority, as the same.
    #[must_use]
    pub fn has_account_of(&self, other: &Self) -> bool {
        let account = |plan: &Self| (plan.directory.clone(), plan.email.clone(), plan.agreed, plan.external.clone());
        account(self) == account(other)
    }
}

// === impl External ===

impl fmt::Debug for External {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("External").field("id", &self.id).finish_non_exhaustive()
    }
}
