//! Who hears how far this process is: a supervisor, the process before this one, and whoever looks for its number.

use super::pid::PidFile;
use super::systemd;
use super::upgrade::Predecessor;
use crate::server::Phase;
use sd_notify::NotifyState;
use std::cell::RefCell;
use std::path::PathBuf;

/// Them.
pub(super) struct Life {
    /// The process whose place this one takes.
    predecessor: Option<Predecessor>,
    /// Where the process's number is to be found.
    prefix: Option<PathBuf>,
    pid: RefCell<Option<PidFile>>,
}

// === impl Life ===

impl Life {
    /// Those of this process.
    pub(super) fn new(predecessor: Option<Predecessor>, prefix: Option<PathBuf>) -> Self {
        Self { predecessor, prefix, pid: RefCell::default() }
    }

    /// Tells them.
    pub(super) fn tell(&self, phase: Phase) {
        match phase {
            Phase::Serving => self.begin(),
            Phase::HandingOver => self.with_file(PidFile::step_aside),
            Phase::Kept => self.with_file(PidFile::step_back),
            Phase::Replaced(process) => systemd::tell(NotifyState::MainPid(process)),
            Phase::Stopping => systemd::tell(NotifyState::Stopping),
        }
    }

    /// A supervisor believes only the process that it knows: the one before this one tells it of this one.
    fn begin(&self) {
        self.pid.replace(self.prefix.as_deref().and_then(PidFile::write));
        match &self.predecessor {
            Some(predecessor) => predecessor.tell_serving(),
            None => systemd::tell(NotifyState::Ready),
        }
    }

    fn with_file(&self, change: impl FnOnce(&mut PidFile)) {
        if let Some(file) = self.pid.borrow_mut().as_mut() {
            change(file);
        }
    }
}
