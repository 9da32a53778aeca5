//! A process in the place of another: `gateway upgrade`, which asks for it, and what a new process does first to find out
//! whether it is one (`server/upgrade.rs`).

use super::args::Reload;
use super::{edge, pid, print, refuse};
use crate::server::handover;
use crate::server::passed::Passed;
use crate::server::upgrade::{LIMIT, Program, VARIABLE};
use rustix::process::{Pid, Signal, getppid};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// Time between two looks at the file that says who serves.
const LOOK: Duration = Duration::from_millis(20);
/// How much longer to wait than the gateway itself waits.
const MORE: Duration = Duration::from_secs(5);

/// The process in whose place this one is to serve.
pub(super) struct Predecessor {
    channel: UnixStream,
}

/// `gateway upgrade`.
pub(super) fn main(args: &Reload) -> ExitCode {
    let done = pid::prefix(args).and_then(|prefix| upgrade(&prefix).map_err(|message| vec![message]));
    match done {
        Ok(told) => {
            print::out(&told);
            ExitCode::SUCCESS
        }
        Err(messages) => refuse(&messages),
    }
}

fn upgrade(prefix: &Path) -> Result<String, String> {
    let (old, written) = (pid::running(prefix)?, pid::written(prefix));
    pid::ask(old, Signal::USR2)?;
    let until = Instant::now() + LIMIT + MORE;
    while Instant::now() < until {
        thread::sleep(LOOK);
        match outcome(prefix, old, written) {
            None => {}
            Some(Ok(new)) => return Ok(format!("process {new} serves in the place of process {old}\n")),
            Some(Err(())) => return Err(format!("process {old} goes on serving; its log says why")),
        }
    }
    Err(format!("nothing came of it within {} s; the log of process {old} may say why", (LIMIT + MORE).as_secs()))
}

/// What came of it, by the file that says who serves: while nobody knows, it is not there, or as it was.
fn outcome(prefix: &Path, old: Pid, before: Option<SystemTime>) -> Option<Result<Pid, ()>> {
    let (written, now) = (pid::written(prefix), pid::running(prefix).ok()?);
    match now {
        new if new != old => Some(Ok(new)),
        _ if written.is_some() && written != before => Some(Err(())),
        _ => None,
    }
}

/// The process before this one, if there is one, and its sockets. Standard input is free afterwards.
///
/// # Errors
/// When it is there and does not send what it should.
pub(super) fn predecessor() -> Result<Option<(Predecessor, Vec<Passed>)>, String> {
    let parent = getppid().map(|pid| pid.to_string());
    // As with LISTEN_PID: what a process passes on to its own children is not for them.
    if parent.is_none() || edge::variable(VARIABLE) != parent {
        return Ok(None);
    }
    let received = std::io::stdin().as_fd().try_clone_to_owned().and_then(|fd| {
        let channel = UnixStream::from(fd);
        rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
        let sockets = handover::receive(&channel)?;
        Ok((Predecessor { channel }, sockets))
    });
    let fail = |error| format!("the process before this one ({VARIABLE}) does not hand its sockets over: {error}");
    received.map(Some).map_err(fail)
}

/// The program that another process would be started from later; `Err` says why there can be none.
pub(super) fn program(words: Vec<OsString>) -> Result<Program, String> {
    if std::process::id() == 1 {
        return Err("it is the first process of a container, which ends with it: start another container".to_owned());
    }
    let name = words.first().map_or(OsStr::new(""), |word| word);
    let path = place(name, &std::env::current_dir().unwrap_or_default(), std::env::var_os("PATH"), &Path::is_file);
    let path = path.map_or_else(std::env::current_exe, Ok);
    Ok(Program { path: path.map_err(|error| format!("where its program is, is not known: {error}"))?, words })
}

/// Where a program of this name is: in a folder, or the first of `PATH`. A link stays one, since it may lead elsewhere
/// later.
fn place(name: &OsStr, here: &Path, path: Option<OsString>, is_file: &dyn Fn(&Path) -> bool) -> Option<PathBuf> {
    let named = Path::new(name);
    if named.components().count() > 1 {
        return Some(here.join(named)).filter(|path| is_file(path));
    }
    let folders = path.unwrap_or_default();
    std::env::split_paths(&folders).map(|folder| here.join(folder).join(named)).find(|path| is_file(path))
}

// === impl Predecessor ===

impl Predecessor {
    /// Tells it that this process serves: it takes no new connections from then on.
    pub(super) fn tell_serving(&self) {
        if let Err(error) = handover::tell_serving(&self.channel) {
            tracing::warn!(%error, "the process before this one has ended already");
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_program_is_where_it_was_called() {
        let find = |name: &str| {
            let files = ["/usr/bin/gateway", "/bin/gateway", "/here/bin/gateway", "/opt/bin/gateway"];
            let is_file = |path: &Path| files.iter().any(|file| Path::new(file) == path);
            place(OsStr::new(name), Path::new("/here"), Some("/sbin:/usr/bin:/bin".into()), &is_file)
        };
        for (name, want) in [
            ("gateway", Some("/usr/bin/gateway")),
            ("./bin/gateway", Some("/here/./bin/gateway")),
            ("bin/gateway", Some("/here/bin/gateway")),
            ("/opt/bin/gateway", Some("/opt/bin/gateway")),
            ("/opt/other", None),
            ("other", None),
            ("", None),
        ] {
            assert_eq!(find(name), want.map(PathBuf::from), "{name}");
        }
    }

    #[test]
    fn the_program_of_this_process_is_found() {
        let words = vec!["gateway-that-is-nowhere".into(), "run".into()];
        let program = program(words.clone()).unwrap();
        assert_eq!((program.path, program.words), (std::env::current_exe().unwrap(), words));
    }
}
