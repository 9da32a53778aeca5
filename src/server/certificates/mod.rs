//! Which certificate a listener shows: chosen by the name that the client asks for (`kong/operations.md` §2, TLS).
//!
//! Here is what handshakes read. Where certificates come from, and how one is renewed, is in `store.rs`. Not here: files'
//! contents (`keys`), and the rest of the TLS configuration (`tls.rs`).

mod store;

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
    /// What to show to a client that asks for `sni`; the SNI `*` is not for clients that name none.
    #[must_use]
    pub fn find(&self, sni: Option<&str>) -> &Shown {
        sni.and_then(|sni| self.names.find(sni)).unwrap_or(&self.fallback)
    }

    /// When what is shown for a name expires, the first of its certificates; by name. Clients without one that is known
    /// stand under the empty name.
    #[must_use]
    pub fn expiries(&self) -> BTreeMap<String, SystemTime> {
        let all = self.names.iter().chain([(String::new(), &self.fallback)]);
        all.filter_map(|(name, shown)| Some((name, earliest(shown)?))).collect()
    }
}

// === impl Resolver ===

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let table = self.0.load();
        let shown = table.find(hello.server_name());
        let [only] = &**shown else {
            let usable = |pair: &&Arc<CertifiedKey>| pair.key.choose_scheme(hello.signature_schemes()).is_some();
            return shown.iter().find(usable).or(shown.last()).cloned();
        };
        Some(Arc::clone(only))
    }
}
