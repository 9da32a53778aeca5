//! Where accounts and certificates are kept: a folder for each authority, in files that only this user may read. Each is
//! replaced whole. Where nothing can be written, they are kept in memory.

use crate::keys::{self, KeyError};
use rustls::sign::CertifiedKey;
use std::collections::HashMap;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// Largest file that is read.
const MOST: u64 = 1 << 20;
/// How files of certificates end; each has the chain, then the key.
const PEM: &str = "pem";

/// What belongs to one authority.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// What could not be written.
    memory: HashMap<String, Vec<u8>>,
}

/// A folder's name for the directory of an authority: `acme.test-directory` for `https://acme.test/directory`.
fn name_of(directory: &str) -> String {
    let bare = directory.split_once("://").map_or(directory, |(_, rest)| rest);
    let tame = |c: char| if c.is_ascii_alphanumeric() || c == '.' || c == '-' { c } else { '-' };
    bare.chars().map(tame).collect::<String>().trim_start_matches('.').to_owned()
}

/// The file of an account: one for each address of mail.
fn account_file(email: &str) -> String {
    format!("account-{}.json", Uuid::new_v5(&Uuid::NAMESPACE_URL, email.as_bytes()))
}

// === impl Folder ===

impl Folder {
    /// Opens the folder of an authority. Tells when nothing can be written there.
    pub(super) fn open(root: &Path, directory: &str) -> Self {
        let folder = Self { path: root.join(name_of(directory)), memory: HashMap::new() };
        if let Err(error) = folder.prove() {
            tracing::warn!(
                folder = %folder.path.display(), %error,
                "certificates of the plugin acme are kept in memory only: they are ordered again at each start, and \
                 authorities limit that (Let's Encrypt: five times a week for a name); set acme_storage to a folder that \
                 can be written and outlives this process"
            );
        }
        folder
    }

    fn prove(&self) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.path)?;
        write(&self.path.join(".proof"), b"")?;
        fs::remove_file(self.path.join(".proof"))
    }

    /// An account, as it was kept.
    pub(super) fn account(&self, email: &str) -> Option<Vec<u8>> {
        self.read(&account_file(email))
    }

    /// Keeps an account, with its key.
    pub(super) fn keep_account(&mut self, email: &str, account: Vec<u8>) {
        self.keep(account_file(email), account);
    }

    /// Forgets an account that the authority does not know any more.
    pub(super) fn forget_account(&mut self, email: &str) {
        self.memory.remove(&account_file(email));
        let _ = fs::remove_file(self.path.join(account_file(email)));
    }

    /// Keeps a certificate: its chain and its key, as PEM.
    pub(super) fn keep_pair(&mut self, name: &str, pem: String) {
        self.keep(format!("{name}.{PEM}"), pem.into_bytes());
    }

    /// The certificate of a name, if one is kept and can be used.
    pub(super) fn pair(&self, name: &str) -> Option<CertifiedKey> {
        let pem = self.read(&format!("{name}.{PEM}"))?;
        match pair(&pem) {
            Ok(pair) => Some(pair),
            Err(error) => {
                tracing::warn!(name, folder = %self.path.display(), %error, "a kept certificate cannot be used");
                None
            }
        }
    }

    /// The names that certificates are kept for.
    pub(super) fn names(&self) -> Vec<String> {
        let files = fs::read_dir(&self.path).into_iter().flatten().flatten();
        let files = files.filter_map(|entry| entry.file_name().into_string().ok());
        let all = files.chain(self.memory.keys().cloned());
        all.filter_map(|file| Some(file.strip_suffix(PEM)?.strip_suffix('.')?.to_owned())).collect()
    }

    fn read(&self, file: &str) -> Option<Vec<u8>> {
        if let Some(kept) = self.memory.get(file) {
            return Some(kept.clone());
        }
        let path = self.path.join(file);
        let small = fs::metadata(&path).is_ok_and(|found| found.is_file() && found.len() <= MOST);
        small.then(|| fs::read(&path).ok()).flatten()
    }

    fn keep(&mut self, file: String, bytes: Vec<u8>) {
        match write(&self.path.join(&file), &bytes) {
            Ok(()) => {
                self.memory.remove(&file);
            }
            Err(error) => {
                tracing::warn!(folder = %self.path.display(), %error, "what the plugin acme obtained is kept in memory only");
                self.memory.insert(file, bytes);
            }
        }
    }
}

fn pair(pem: &[u8]) -> Result<CertifiedKey, KeyError> {
    keys::certified(keys::certificates_of(pem)?, keys::private_key_of(pem)?)
}

/// Replaces a file whole, also when the machine fails meanwhile: a new one takes the old one's name.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let new = path.with_file_name(name);
    let mut file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&new)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&new, path));
    if written.is_err() {
        let _ = fs::remove_file(&new);
    }
    written
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::keys::fixtures;
    use std::os::unix::fs::PermissionsExt;

    const DIRECTORY: &str = "https://acme.test:14000/v2/directory";

    #[test]
    fn what_is_kept_is_there_again_and_nobody_else_may_read_it() {
        let root = tempfile::tempdir().unwrap();
        let leaf = fixtures::leaf(&["a.test"]);
        let mut folder = Folder::open(root.path(), DIRECTORY);
        folder.keep_pair("a.test", fixtures::pem(&leaf));
        folder.keep_account("a@b.test", b"{}".to_vec());
        let again = Folder::open(root.path(), DIRECTORY);
        assert_eq!(again.pair("a.test").unwrap().cert[0].to_vec(), leaf.chain[0]);
        assert_eq!(
            (again.names(), again.account("a@b.test").as_deref()),
            (vec!["a.test".to_owned()], Some(&b"{}"[..]))
        );
        assert_eq!(again.account("b@b.test"), None);
        let path = root.path().join("acme.test-14000-v2-directory");
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(&path.join("a.test.pem"))), (0o700, 0o600));
        assert_eq!(fs::read_dir(&path).unwrap().count(), 2, "nothing else is left");
    }

    #[test]
    fn authorities_do_not_share() {
        let root = tempfile::tempdir().unwrap();
        Folder::open(root.path(), DIRECTORY).keep_pair("a.test", fixtures::pem(&fixtures::leaf(&["a.test"])));
        assert!(Folder::open(root.path(), "https://staging.test/directory").pair("a.test").is_none());
    }

    #[test]
    fn where_nothing_can_be_written_memory_does() {
        let root = tempfile::NamedTempFile::new().unwrap();
        let mut folder = Folder::open(root.path(), DIRECTORY);
        folder.keep_pair("a.test", fixtures::pem(&fixtures::leaf(&["a.test"])));
        folder.keep_account("a@b.test", b"{}".to_vec());
        assert!(folder.pair("a.test").is_some() && folder.account("a@b.test").is_some());
        folder.forget_account("a@b.test");
        assert_eq!((folder.names(), folder.account("a@b.test")), (vec!["a.test".to_owned()], None));
    }

    #[test]
    fn what_is_broken_is_as_good_as_gone() {
        let root = tempfile::tempdir().unwrap();
        let mut folder = Folder::open(root.path(), DIRECTORY);
        folder.keep_pair("a.test", "no PEM".to_owned());
        assert!(folder.pair("a.test").is_none() && folder.pair("b.test").is_none());
    }
}
