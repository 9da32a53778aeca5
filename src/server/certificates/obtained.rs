//! Certificates that were ordered (`server/acme`), and the names that clients ask for and that could be.

use super::facts;
use crate::acme::Domains;
use arc_swap::{ArcSwap, ArcSwapOption};
use rustls::sign::CertifiedKey;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;
use tokio::sync::mpsc::Sender;

/// By name, in lower case. Handshakes read it without a lock.
#[derive(Debug, Default)]
pub struct Obtained {
    pairs: ArcSwap<HashMap<Box<str>, Arc<CertifiedKey>>>,
    wish: ArcSwapOption<Wish>,
}

/// Which names are ordered when a client asks for one, and who is told.
#[derive(Debug)]
pub struct Wish {
    /// Those that may be.
    pub domains: Domains,
    /// Gets the name, in lower case; a client never waits for it.
    pub tell: Sender<Box<str>>,
}

/// As DNS compares (RFC 6066 §3).
fn normal(name: &str) -> Cow<'_, str> {
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.bytes().any(|b| b.is_ascii_uppercase()) { name.to_ascii_lowercase().into() } else { name.into() }
}

// === impl Obtained ===

impl Obtained {
    /// What there is for a name. If there is nothing and it may be ordered, that is told.
    #[must_use]
    pub fn find(&self, sni: &str) -> Option<Arc<CertifiedKey>> {
        let (pairs, name) = (self.pairs.load(), normal(sni));
        let found = pairs.get(&*name);
        if found.is_none() {
            self.ask_for(&name);
        }
        found.cloned()
    }

    /// Where too many names wait already, the client's next attempt will tell again.
    fn ask_for(&self, name: &str) {
        let wish = self.wish.load();
        if let Some(wish) = wish.as_ref().filter(|wish| wish.domains.welcome(name)) {
            let _ = wish.tell.try_send(name.into());
        }
    }

    /// Shows these from the next handshake on, and no others.
    pub fn show(&self, pairs: HashMap<Box<str>, Arc<CertifiedKey>>) {
        self.pairs.store(Arc::new(pairs));
    }

    /// From now on these names are wished for.
    pub fn wish(&self, wish: Option<Wish>) {
        self.wish.store(wish.map(Arc::new));
    }

    /// When each expires.
    #[must_use]
    pub fn expiries(&self) -> Vec<(String, SystemTime)> {
        let pairs = self.pairs.load();
        pairs.iter().filter_map(|(name, pair)| Some((name.to_string(), facts(pair).ok()?.not_after))).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::keys::{certified_der, fixtures};

    fn pair(name: &str) -> Arc<CertifiedKey> {
        let pair = fixtures::leaf(&[name]);
        Arc::new(certified_der(&pair.chain, &pair.key).unwrap())
    }

    #[test]
    fn names_are_found_as_dns_compares() {
        let obtained = Obtained::default();
        obtained.show([("a.test".into(), pair("a.test"))].into());
        assert!(obtained.find("A.test.").is_some() && obtained.find("b.test").is_none());
        assert_eq!(obtained.expiries().len(), 1);
    }

    #[test]
    fn a_name_that_may_be_ordered_is_told_and_never_waited_for() {
        let (tell, mut told) = tokio::sync::mpsc::channel(1);
        let obtained = Obtained::default();
        assert!(obtained.find("x.a.test").is_none());
        let domains = Domains::new(["*.a.test", "b.test"].into_iter(), false);
        obtained.wish(Some(Wish { domains, tell }));
        for name in ["b.test", "other.test", "X.a.test", "y.a.test"] {
            assert!(obtained.find(name).is_none());
        }
        assert_eq!(told.try_recv().unwrap(), "x.a.test".into());
        assert!(told.try_recv().is_err(), "the second found no room");
    }
}
