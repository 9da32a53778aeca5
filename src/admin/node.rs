//! Which process this is, and what it takes of the machine.

use rustix::param::clock_ticks_per_second;
use std::time::SystemTime;
use uuid::Uuid;

/// What does not change as long as it runs, and what it takes at one moment, as far as the system tells.
#[derive(Clone, Debug)]
pub struct Node {
    /// Made anew at each start.
    pub id: Uuid,
    /// Of the one workspace that there is. Made anew at each start, too.
    pub workspace: Uuid,
    /// The machine's name, or nothing.
    pub hostname: String,
    /// The process's number.
    pub pid: u32,
    /// When it began, in seconds since 1970.
    pub start: u64,
    resident: Option<u64>,
    cpu: Option<u64>,
    descriptors: Option<usize>,
}

// === impl Node ===

impl Node {
    /// This one.
    pub(super) fn this() -> Self {
        let hostname = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let start = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Self {
            id: Uuid::new_v4(),
            workspace: Uuid::new_v4(),
            hostname: hostname.trim().to_owned(),
            pid: std::process::id(),
            start,
            resident: None,
            cpu: None,
            descriptors: None,
        }
    }

    /// The same, with what it takes now.
    pub(super) fn weighed(&self) -> Self {
        let read = |name: &str| std::fs::read_to_string(format!("/proc/self/{name}")).unwrap_or_default();
        let descriptors = std::fs::read_dir("/proc/self/fd").ok().map(Iterator::count);
        Self {
            resident: resident(&read("status")),
            cpu: cpu(&read("stat"), clock_ticks_per_second()),
            descriptors,
            ..self.clone()
        }
    }

    /// Bytes in memory.
    #[must_use]
    pub fn memory(&self) -> Option<u64> {
        self.resident
    }

    /// Time on a processor, in microseconds.
    #[must_use]
    pub fn cpu(&self) -> Option<u64> {
        self.cpu
    }

    /// Open descriptors.
    #[must_use]
    pub fn descriptors(&self) -> Option<usize> {
        self.descriptors
    }
}

/// `VmRSS` of proc_pid_status(5).
fn resident(status: &str) -> Option<u64> {
    let kib: u64 =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib * 1024)
}

/// `utime` and `stime` of proc_pid_stat(5), the 14th and 15th field; the second may hold anything, even blanks.
fn cpu(stat: &str, ticks: u64) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ').skip(11).map(str::parse::<u64>);
    let spent = fields.next()?.ok()? + fields.next()?.ok()?;
    Some(spent.saturating_mul(1_000_000) / ticks.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_tells_is_read() {
        assert_eq!(resident("Name:\tgateway\nVmRSS:\t    1234 kB\n"), Some(1234 * 1024));
        let stat = "42 (a) b) S 1 42 42 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 3 0 100 1 1";
        assert_eq!(cpu(stat, 100), Some(3_000_000));
        assert_eq!((resident(""), cpu("", 100)), (None, None));
    }

    #[test]
    fn this_process_is_weighed() {
        let node = Node::this().weighed();
        assert!(node.memory() > Some(1 << 20) && node.cpu().is_some() && node.descriptors() > Some(2));
    }
}
