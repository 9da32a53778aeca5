//! Which process serves: a file where Kong has its own, `PREFIX/pids/nginx.pid`, so that scripts made for Kong find it.
//!
//! The process locks the file as long as it lives. What one that was killed left behind is not locked, and means nobody.

use super::args::Reload;
use super::edge::Setup;
use super::{print, refuse};
use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

/// Kong's name for the file.
const NAME: &str = "nginx.pid";

/// The file of this process; it goes with it.
pub(super) struct PidFile {
    path: PathBuf,
    locked: File,
}

// === impl PidFile ===

impl PidFile {
    /// Writes it, where there is a prefix.
    pub(super) fn write(prefix: &Path) -> Option<Self> {
        if !prefix.is_dir() {
            return None;
        }
        let path = path(prefix);
        match try_write(&path) {
            Ok(file) => Some(Self { path, locked: file }),
            Err(error) => {
                let reason = print::reason(&error);
                tracing::warn!(
                    reason,
                    "{} cannot be written: `gateway reload` will not find this process",
                    path.display()
                );
                None
            }
        }
    }

    /// Makes room for the file of another process, which may take this one's place; nginx does the same.
    pub(super) fn step_aside(&mut self) {
        let aside = self.path.with_extension("pid.oldbin");
        match fs::rename(&self.path, &aside) {
            Ok(()) => self.path = aside,
            Err(error) => tracing::warn!(reason = print::reason(&error), "{} stays", self.path.display()),
        }
    }

    /// Takes the place back. The file is written anew, so that whoever waits sees that something happened.
    pub(super) fn step_back(&mut self) {
        let path = self.path.with_file_name(NAME);
        let back = fs::rename(&self.path, &path).and_then(|()| say_who(&mut self.locked));
        match back {
            Ok(()) => self.path = path,
            Err(error) => tracing::warn!(reason = print::reason(&error), "{} cannot be restored", path.display()),
        }
    }

    /// Whether the file at the path is this one, not that of a process that came later.
    fn is_there(&self) -> bool {
        let identity = |found: fs::Metadata| (found.dev(), found.ino());
        let (there, own) = (fs::metadata(&self.path).map(identity), self.locked.metadata().map(identity));
        matches!((there, own), (Ok(there), Ok(own)) if there == own)
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        // Whoever looks sees by the lock that nobody runs.
        if self.is_there() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Where it is.
fn path(prefix: &Path) -> PathBuf {
    prefix.join("pids").join(NAME)
}

fn try_write(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = File::options().read(true).write(true).create(true).truncate(false).open(path)?;
    flock(&file, FlockOperation::NonBlockingLockExclusive)?;
    say_who(&mut file)?;
    Ok(file)
}

fn say_who(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

/// `gateway reload`: asks the process to read its configuration again.
pub(super) fn reload(args: &Reload) -> ExitCode {
    let prefix = match prefix(args) {
        Ok(prefix) => prefix,
        Err(messages) => return refuse(&messages),
    };
    match running(&prefix).and_then(|pid| ask(pid, Signal::HUP)) {
        Ok(pid) => {
            print::out(&format!("asked process {pid} to read its configuration again; its log says what came of it\n"));
            ExitCode::SUCCESS
        }
        Err(message) => refuse(&[message]),
    }
}

/// The prefix that is asked about.
pub(super) fn prefix(args: &Reload) -> Result<PathBuf, Vec<String>> {
    args.prefix.clone().map_or_else(|| Ok(Setup::new(&args.settings, Vec::new())?.base.settings.prefix), Ok)
}

/// Sends a process a signal.
pub(super) fn ask(pid: Pid, signal: Signal) -> Result<Pid, String> {
    kill_process(pid, signal).map_err(|error| format!("process {pid} cannot be asked: {error}"))?;
    Ok(pid)
}

/// When the file was last written; `None` where it is not.
pub(super) fn written(prefix: &Path) -> Option<SystemTime> {
    fs::metadata(path(prefix)).and_then(|found| found.modified()).ok()
}

/// The process that serves with this prefix.
///
/// # Errors
/// That nobody does, or why it cannot be known.
pub(super) fn running(prefix: &Path) -> Result<Pid, String> {
    let shown = prefix.display();
    if !prefix.is_dir() {
        return Err(format!("no such prefix: {shown}; a gateway without one is asked by SIGHUP"));
    }
    let nobody = || format!("no gateway runs with the prefix {shown}");
    let path = path(prefix);
    let mut file = File::open(&path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => nobody(),
        _ => format!("{}: {}", path.display(), print::reason(&error)),
    })?;
    if flock(&file, FlockOperation::NonBlockingLockShared).is_ok() {
        return Err(nobody());
    }
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(|error| format!("{}: {}", path.display(), print::reason(&error)))?;
    text.trim().parse().ok().and_then(Pid::from_raw).ok_or_else(nobody)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_file_means_somebody_only_while_it_is_locked() {
        let folder = tempfile::tempdir().unwrap();
        let prefix = folder.path();
        assert!(running(&prefix.join("none")).unwrap_err().starts_with("no such prefix: "));
        assert!(PidFile::write(&prefix.join("none")).is_none());
        assert!(running(prefix).unwrap_err().starts_with("no gateway runs"));
        let file = PidFile::write(prefix).unwrap();
        assert_eq!(running(prefix).unwrap(), rustix::process::getpid());
        assert!(PidFile::write(prefix).is_none(), "another process has it");
        assert!(running(prefix).is_ok(), "and is still found");
        drop(file);
        assert!(!path(prefix).exists());
        let (mut first, aside) = (PidFile::write(prefix).unwrap(), prefix.join("pids/nginx.pid.oldbin"));
        first.step_aside();
        assert!(running(prefix).is_err() && aside.exists());
        let second = PidFile::write(prefix).expect("there is room for another process");
        assert!(running(prefix).is_ok());
        drop(second);
        first.step_back();
        assert!(running(prefix).is_ok() && !aside.exists());
        first.step_aside();
        let mut second = PidFile::write(prefix).unwrap();
        second.step_aside();
        drop(first);
        assert!(aside.exists(), "it is the second's now");
        drop(second);
        fs::write(path(prefix), "1\n").unwrap();
        assert!(running(prefix).unwrap_err().starts_with("no gateway runs"), "left behind");
    }
}
