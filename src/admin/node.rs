//! Which process this is.

use std::time::SystemTime;
use uuid::Uuid;

/// What does not change as long as it runs.
#[derive(Clone, Debug)]
pub struct Node {
    /// Made anew at each start.
    pub id: Uuid,
    /// Of the one workspace that there is. Made anew at each start, too.
    pub workspace: Uuid,
    /// When it started.
    pub since: SystemTime,
    /// The machine's name, or nothing.
    pub hostname: String,
    /// The process's number.
    pub pid: u32,
    /// Bytes that it has in memory, where the system tells.
    resident: Option<u64>,
}

// === impl Node ===

impl Node {
    /// This one.
    pub(super) fn this() -> Self {
        let hostname = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        Self {
            id: Uuid::new_v4(),
            workspace: Uuid::new_v4(),
            since: SystemTime::now(),
            hostname: hostname.trim().to_owned(),
            pid: std::process::id(),
            resident: None,
        }
    }

    /// The same, with what it has in memory now.
    pub(super) fn weighed(&self) -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib: Option<u64> = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
        Self { resident: kib.map(|kib| kib * 1024), ..self.clone() }
    }

    /// Bytes in memory, where the system tells.
    #[must_use]
    pub fn memory(&self) -> Option<u64> {
        self.resident
    }
}
