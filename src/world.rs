//! What reading a configuration may ask of the machine. Whoever calls decides how; nothing else is touched.

use std::io;
use std::path::Path;
use std::time::SystemTime;

/// The answers, as functions.
#[derive(Clone, Copy)]
pub struct World<'a> {
    /// A variable's value.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// A file's content.
    pub file: &'a dyn Fn(&Path) -> io::Result<Vec<u8>>,
    /// The time at which the configuration is read.
    pub now: SystemTime,
}

/// What the operating system says about an error, without its number, as Kong prints it.
#[must_use]
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

// === impl World ===

impl World<'static> {
    /// Neither variables nor files, and no time has passed: what a document says by itself.
    pub const EMPTY: Self =
        Self { env: &|_| None, file: &|_| Err(io::ErrorKind::NotFound.into()), now: SystemTime::UNIX_EPOCH };
}

impl std::fmt::Debug for World<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").field("now", &self.now).finish_non_exhaustive()
    }
}
