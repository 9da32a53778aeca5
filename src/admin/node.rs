//! Which process this is.

use uuid::Uuid;

/// What does not change as long as it runs.
#[derive(Clone, Debug)]
pub struct Node {
    /// Made anew at each start.
    pub id: Uuid,
    /// The machine's name, or nothing.
    pub hostname: String,
    /// The process's number.
    pub pid: u32,
}

// === impl Node ===

impl Node {
    /// This one.
    pub(super) fn this() -> Self {
        let hostname = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        Self { id: Uuid::new_v4(), hostname: hostname.trim().to_owned(), pid: std::process::id() }
    }
}
