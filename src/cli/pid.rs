//! Which process serves: a file where Kong has its own, `PREFIX/pids/nginx.pid`, so that scripts made for Kong find it.
//!
//! The process locks the file as long as it lives. What one that was killed left behind is not locked, and means nobody.

use super::args::Reload;
use super::edge::Setup;
use super::{print, refuse};
use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The file of this process; it goes with it.
pub(super) struct PidFile {
    path: PathBuf,
    _locked: File,
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
            Ok(file) => Some(Self { path, _locked: file }),
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
}

impl Drop for PidFile {
    fn drop(&mut self) {
        // Whoever looks sees by the lock that nobody runs.
        let _ = fs::remove_file(&self.path);
    }
}

fn path(prefix: &Path) -> PathBuf {
    prefix.join("pids").join("nginx.pid")
}

fn try_write(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = File::options().read(true).write(true).create(true).truncate(false).open(path)?;
    flock(&file, FlockOperation::NonBlockingLockExclusive)?;
    file.set_len(0)?;
    writeln!(file, "{}", std::process::id())?;
    Ok(file)
}

/// `gateway reload`: asks the process to read its configuration again.
pub(super) fn reload(args: &Reload) -> ExitCode {
    let prefix = match (&args.prefix, Setup::new(&args.settings, Vec::new())) {
        (Some(prefix), _) => prefix.clone(),
        (None, Ok(setup)) => setup.base.settings.prefix,
        (None, Err(messages)) => return refuse(&messages),
    };
    let asked = running(&prefix).and_then(|pid| {
        kill_process(pid, Signal::HUP).map_err(|error| format!("process {pid} cannot be asked: {error}"))?;
        Ok(pid)
    });
    match asked {
        Ok(pid) => {
            print::out(&format!("asked process {pid} to read its configuration again; its log says what came of it\n"));
            ExitCode::SUCCESS
        }
        Err(message) => refuse(&[message]),
    }
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
        fs::write(path(prefix), "1\n").unwrap();
        assert!(running(prefix).unwrap_err().starts_with("no gateway runs"), "left behind");
    }
}
