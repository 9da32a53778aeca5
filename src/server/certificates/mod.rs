//! Which certificate a listener shows: chosen by the name that the client asks for (`kong/operations.md` §2, TLS).
//!
//! Here is what handshakes read. Where certificates come from, and how one is renewed, is in `store.rs`. Not here: files'
//! contents (`keys`), and the rest of the TLS configuration (`tls.rs`).

mod obtained;
mod store;

pub use obtained::{Obtained, Wish};
pub use store::{CertError, Store, Supply, fallback};

use crate::keys::facts;
use crate::sni::Names;
use arc_swap::ArcSwap;
use rustls::SignatureAlgorithm;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

/// One certificate, or two or more of different key types for the same names; RSA last.
pub type Shown = Arc<[Arc<CertifiedKey>]>;

/// The certificates in force; a renewal stores new ones, and the next handshake shows them.
pub type Live = Arc<ArcSwap<CertTable>>;

/// Certificates by name.
#[derive(Debug)]
pub struct CertTable {
    names: Names<Shown>,
    /// Those that were ordered, for names that none of the others has.
    obtained: Arc<Obtained>,
    /// For all other names, and for clients that name none.
    fallback: Shown,
}

/// Chooses for rustls.
#[derive(Debug)]
pub struct Resolver(pub Live);

/// RSA last: what both sides can do with another key is cheaper.
fn shown(pairs: impl IntoIterator<Item = Arc<CertifiedKey>>) -> Shown {
    let mut pairs: Vec<_> = pairs.into_iter().collect();
    pairs.sort_by_key(|pair| pair.key.algorithm() == SignatureAlgorithm::RSA);
    pairs.into()
}

fn earliest(shown: &Shown) -> Option<SystemTime> {
    shown.iter().filter_map(|pair| Some(facts(pair).ok()?.not_after)).min()
}

// === impl CertTable ===

impl CertTable {
    /// What the configuration has for a name.
    #[must_use]
    pub fn named(&self, sni: &str) -> Option<&Shown> {
        self.names.find(sni)
    }

    /// What is shown to a client that asks for a name; the SNI `*` is not for clients that name none.
    fn choose(
        &self,
        sni: Option<&str>,
        pick: impl FnOnce(&Shown) -> Option<Arc<CertifiedKey>>,
    ) -> Option<Arc<CertifiedKey>> {
        let Some(sni) = sni else { return pick(&self.fallback) };
        match self.named(sni) {
            Some(shown) => pick(shown),
            None => self.obtained.find(sni).or_else(|| pick(&self.fallback)),
        }
    }

    /// When what is shown for a name expires, the first of its certificates; by name. Clients without one that is known
    /// stand under the empty name.
    #[must_use]
    pub fn expiries(&self) -> BTreeMap<String, SystemTime> {
        let all = self.names.iter().chain([(String::new(), &self.fallback)]);
        let mut all: BTreeMap<_, _> = all.filter_map(|(name, shown)| Some((name, earliest(shown)?))).collect();
        for (name, until) in self.obtained.expiries() {
            all.entry(name).or_insert(until);
        }
        all
    }
}

// === impl Resolver ===

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.load().choose(hello.server_name(), |shown| {
            let [only] = &**shown else {
                let usable = |pair: &&Arc<CertifiedKey>| pair.key.choose_scheme(hello.signature_schemes()).is_some();
                return shown.iter().find(usable).or(shown.last()).cloned();
            };
            Some(Arc::clone(only))
        })
    }
}
