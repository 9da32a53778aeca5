//! Where the certificates of a process come from, and how one is renewed: the pair's files are read again, and a new table
//! takes the old one's place. What cannot be used changes nothing.

use super::{CertTable, Live, Obtained, Shown, shown};
use crate::keys::{self, KeyError};
use crate::live::LiveFile;
use crate::settings::Settings;
use crate::settings::pem::Pem;
use crate::snapshot::{Certificates, KeyPair, PairFiles};
use crate::sni::Names;
use arc_swap::ArcSwap;
use rustls::sign::CertifiedKey;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// A certificate with its key, and the files that it came from.
#[derive(Clone, Debug)]
pub struct Supply {
    pair: Arc<CertifiedKey>,
    files: PairFiles,
}

/// All certificates of a process.
#[derive(Debug)]
pub struct Store {
    /// SNI to slot.
    names: Vec<(Box<str>, usize)>,
    /// The certificates of one entity; the last slot is for names that nothing else serves.
    slots: Mutex<Vec<Vec<Supply>>>,
    /// What was ordered; a reload does not touch it.
    obtained: Arc<Obtained>,
    live: Live,
}

/// A certificate that cannot be used, with the names it was to serve.
#[derive(Debug)]
pub struct CertError {
    /// Its SNIs; may be none.
    pub names: Vec<String>,
    /// Why.
    pub source: KeyError,
}

/// The certificates for names that nothing else serves: those of `ssl_cert`, else one made now for `localhost`
/// (ECDSA P-256, signed by itself).
///
/// # Errors
/// If a file is missing, malformed, or its key is another's.
pub fn fallback(settings: &Settings) -> Result<Vec<Supply>, KeyError> {
    let (certs, keys) = (&settings.ssl_cert, &settings.ssl_cert_key);
    if certs.is_empty() {
        return Ok(vec![Supply { pair: Arc::new(generate()?), files: PairFiles::default() }]);
    }
    if certs.len() != keys.len() {
        return Err(KeyError::Unpaired(certs.len(), keys.len()));
    }
    let read = |(cert, key): (&Pem, &Pem)| {
        let pair = keys::certified(keys::chain(cert)?, keys::key(key)?)?;
        let files = PairFiles { cert: cert.file().cloned(), key: key.file().cloned() };
        Ok(Supply { pair: Arc::new(pair), files })
    };
    certs.iter().zip(keys).map(read).collect()
}

fn generate() -> Result<CertifiedKey, KeyError> {
    let fail = |error: rcgen::Error| KeyError::BadKey(error.to_string());
    let key = rcgen::KeyPair::generate().map_err(fail)?;
    let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let mut params = rcgen::CertificateParams::new(names).map_err(fail)?;
    params.distinguished_name.push(rcgen::DnType::CommonName, "localhost");
    let certificate = params.self_signed(&key).map_err(fail)?;
    keys::certified_der(&[certificate.der().to_vec()], &key.serialize_der())
}

fn load(pairs: &[KeyPair]) -> Result<Vec<Supply>, KeyError> {
    let ready = pairs.iter().map(|pair| {
        let ready = keys::certified_der(&pair.chain, &pair.key)?;
        Ok(Supply { pair: Arc::new(ready), files: pair.files.clone() })
    });
    let ready: Vec<_> = ready.collect::<Result<_, _>>()?;
    if ready.is_empty() { Err(KeyError::BadCertificate("there is none".to_owned())) } else { Ok(ready) }
}

/// SNI to slot, and the slots, the one for all other names last.
type Ready = (Vec<(Box<str>, usize)>, Vec<Vec<Supply>>);

fn ready(certificates: &Certificates, fallback: Vec<Supply>) -> Result<Ready, CertError> {
    let ready = certificates.pairs.iter().enumerate();
    let ready = ready.map(|(slot, pairs)| load(pairs).map_err(|source| blame(certificates, slot, source)));
    let mut slots: Vec<_> = ready.collect::<Result<_, _>>()?;
    slots.push(fallback);
    Ok((certificates.names.iter().map(|(name, slot)| (name.clone(), *slot)).collect(), slots))
}

fn table(names: &[(Box<str>, usize)], slots: &[Vec<Supply>], obtained: &Arc<Obtained>) -> CertTable {
    let ready: Vec<Shown> =
        slots.iter().map(|supplies| shown(supplies.iter().map(|supply| Arc::clone(&supply.pair)))).collect();
    let found = names.iter().filter_map(|(name, slot)| Some((&**name, Arc::clone(ready.get(*slot)?))));
    let names: Names<Shown> = found.collect();
    CertTable { names, obtained: Arc::clone(obtained), fallback: ready.last().cloned().unwrap_or_else(|| shown([])) }
}

// === impl Store ===

impl Store {
    /// Makes the certificates of a snapshot ready, and those for all other names.
    ///
    /// # Errors
    /// At the first that cannot be used.
    pub fn new(certificates: &Certificates, fallback: Vec<Supply>) -> Result<Self, CertError> {
        let (names, slots) = ready(certificates, fallback)?;
        let obtained = Arc::default();
        let live = Arc::new(ArcSwap::from_pointee(table(&names, &slots, &obtained)));
        Ok(Self { names, slots: Mutex::new(slots), obtained, live })
    }

    /// The certificates of another snapshot, ready to take the place of these: [`serve`](Self::serve) does it. Those for
    /// all other names stay, as they were last renewed.
    ///
    /// # Errors
    /// At the first that cannot be used.
    pub fn with(&self, certificates: &Certificates) -> Result<Self, CertError> {
        let (names, slots) = ready(certificates, self.slots().last().cloned().unwrap_or_default())?;
        let (obtained, live) = (Arc::clone(&self.obtained), Arc::clone(&self.live));
        Ok(Self { names, slots: Mutex::new(slots), obtained, live })
    }

    /// Shows these from the next handshake on.
    pub fn serve(&self) {
        self.live.store(Arc::new(table(&self.names, &self.slots(), &self.obtained)));
    }

    fn slots(&self) -> MutexGuard<'_, Vec<Vec<Supply>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What handshakes read.
    #[must_use]
    pub fn live(&self) -> Live {
        Arc::clone(&self.live)
    }

    /// What was ordered.
    #[must_use]
    pub fn obtained(&self) -> Arc<Obtained> {
        Arc::clone(&self.obtained)
    }

    /// The files to watch, and what to do when one of them changes.
    #[must_use]
    pub fn files(self: &Arc<Self>) -> Vec<LiveFile> {
        let slots = self.slots();
        let all = slots.iter().enumerate().flat_map(|(slot, supplies)| {
            let at = supplies.iter().enumerate();
            at.map(move |(at, supply)| (slot, at, &supply.files)).filter(|(_, _, files)| files.any())
        });
        all.map(|(slot, at, files)| self.file(slot, at, files)).collect()
    }

    fn file(self: &Arc<Self>, slot: usize, at: usize, files: &PairFiles) -> LiveFile {
        let (store, own) = (Arc::clone(self), files.clone());
        LiveFile::several(files.paths(), move |contents| store.renew(slot, at, &own, contents, SystemTime::now()))
    }

    /// Puts a renewed pair in the place of the one that is served.
    fn renew(
        &self,
        slot: usize,
        at: usize,
        files: &PairFiles,
        contents: &[Vec<u8>],
        now: SystemTime,
    ) -> Result<(), String> {
        let mut slots = self.slots();
        let supply = slots.get_mut(slot).and_then(|supplies| supplies.get_mut(at)).ok_or("there is no such pair")?;
        let pair = read(&supply.pair, files, contents).map_err(|error| error.to_string())?;
        if pair.cert == supply.pair.cert {
            return Ok(());
        }
        let facts = keys::facts(&pair).map_err(|error| error.to_string())?;
        facts.valid_at(now)?;
        supply.pair = Arc::new(pair);
        self.live.store(Arc::new(table(&self.names, &slots, &self.obtained)));
        drop(slots);
        let names = self.names_of(slot);
        tracing::info!(names, serial = facts.serial, valid_until = facts.until(), "serving a renewed certificate");
        Ok(())
    }

    fn names_of(&self, slot: usize) -> String {
        let mut mine: Vec<_> = self.names.iter().filter(|(_, at)| *at == slot).map(|(name, _)| &**name).collect();
        mine.sort_unstable();
        if mine.is_empty() { "all other names".to_owned() } else { mine.join(", ") }
    }
}

/// The pair with what its files hold now; what is in no file stays. The contents are in the order of the paths.
fn read(old: &CertifiedKey, files: &PairFiles, contents: &[Vec<u8>]) -> Result<CertifiedKey, KeyError> {
    let mut contents = contents.iter();
    let mut next = |is_file: bool| is_file.then(|| contents.next()).flatten();
    let (cert, key) = (next(files.cert.is_some()), next(files.key.is_some()));
    let chain = cert.map_or_else(|| Ok(old.cert.clone()), |pem| keys::certificates_of(pem))?;
    match key {
        Some(pem) => keys::certified(chain, keys::private_key_of(pem)?),
        None => keys::certified_by(chain, Arc::clone(&old.key)),
    }
}

fn blame(certificates: &Certificates, slot: usize, source: KeyError) -> CertError {
    let mine = certificates.names.iter().filter(|(_, at)| **at == slot);
    let mut names: Vec<String> = mine.map(|(name, _)| name.to_string()).collect();
    names.sort();
    CertError { names, source }
}

// === impl CertError ===

impl fmt::Display for CertError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.names.as_slice() {
            [] => write!(f, "a certificate without SNIs cannot be used: {}", self.source),
            names => write!(f, "the certificate for {} cannot be used: {}", names.join(", "), self.source),
        }
    }
}

impl std::error::Error for CertError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
