//! Files whose content is kept up to date while the process runs: certificates, password files.
//!
//! Here is only what is to be done when one changes. Who notices is `server/watcher.rs`.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// Takes new contents, in the order of the paths. An error says why they cannot be used; what was there stays in force.
pub type Take = Arc<dyn Fn(&[Vec<u8>]) -> Result<(), String> + Send + Sync>;

/// One or more files that only mean something together, such as a certificate and its key.
#[derive(Clone)]
pub struct LiveFile {
    /// Where they are.
    pub paths: Arc<[PathBuf]>,
    /// What to do with new contents. It is called on a thread of its own, never a worker's.
    pub take: Take,
}

// === impl LiveFile ===

impl LiveFile {
    /// A single file.
    pub fn new(path: impl Into<PathBuf>, take: impl Fn(&[u8]) -> Result<(), String> + Send + Sync + 'static) -> Self {
        let first = move |contents: &[Vec<u8>]| take(contents.first().map_or(&[][..], |bytes| bytes));
        Self { paths: Arc::new([path.into()]), take: Arc::new(first) }
    }

    /// Several files.
    pub fn several(
        paths: impl IntoIterator<Item = PathBuf>,
        take: impl Fn(&[Vec<u8>]) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        Self { paths: paths.into_iter().collect(), take: Arc::new(take) }
    }
}

impl fmt::Debug for LiveFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveFile").field("paths", &self.paths).finish_non_exhaustive()
    }
}
