//! Another process in the place of this one, without a connection that is refused: the program that now stands where this
//! one was started from is started beside it, gets the listening sockets (`handover.rs`), and says when it serves.
//!
//! Until then this process serves as before, whatever becomes of the other one.

use super::handover::{self, SERVING};
use super::passed::Passed;
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::thread;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// Tells a process that its standard input is such a channel, and whose: its parent's number.
pub const VARIABLE: &str = "LISTEN_FROM_PID";

/// How long another process may take until it serves.
pub const LIMIT: Duration = Duration::from_secs(30);

/// How long a process that is not wanted may take to end by itself.
const TO_END: Duration = Duration::from_secs(2);

/// A program, and how to start it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The file.
    pub path: PathBuf,
    /// What it is called as, and its arguments.
    pub words: Vec<OsString>,
}

/// Another process that was started and does not serve yet.
pub(super) struct Attempt {
    child: Option<Child>,
    channel: tokio::net::UnixStream,
    until: Instant,
}

// === impl Attempt ===

impl Attempt {
    /// Starts the program and sends it the sockets; within a runtime.
    ///
    /// # Errors
    /// Why it cannot be started.
    pub(super) fn start(program: &Program, sockets: &[Passed], limit: Duration) -> Result<Self, String> {
        let said = |what: &str, error: io::Error| format!("{what} {}: {error}", program.path.display());
        let (here, there) = UnixStream::pair().map_err(|error| said("no channel to", error))?;
        let child = program.start(there).map_err(|error| said("cannot start", error))?;
        match connect(here, sockets) {
            Ok(channel) => Ok(Self { child: Some(child), channel, until: Instant::now() + limit }),
            Err(error) if matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset) => {
                Err(ended(child))
            }
            Err(error) => {
                end(child);
                Err(said("cannot hand sockets to", error))
            }
        }
    }

    /// Waits until it serves: its number. May be given up and asked again.
    ///
    /// # Errors
    /// Why it does not serve. It has ended then.
    pub(super) async fn outcome(&mut self) -> Result<u32, String> {
        let heard = timeout_at(self.until, hear(&self.channel)).await;
        let Some(child) = self.child.take() else { return Err("it was given up".to_owned()) };
        match heard {
            Ok(Ok(SERVING)) => Ok(child.id()),
            Ok(_) => Err(ended(child)),
            Err(_) => {
                ask_to_end(&child);
                end(child);
                Err("the new process took too long to serve".to_owned())
            }
        }
    }
}

/// This process is told to stop: so is the other one.
impl Drop for Attempt {
    fn drop(&mut self) {
        if let Some(child) = self.child.take() {
            ask_to_end(&child);
        }
    }
}

fn connect(channel: UnixStream, sockets: &[Passed]) -> io::Result<tokio::net::UnixStream> {
    handover::send(&channel, sockets)?;
    channel.set_nonblocking(true)?;
    tokio::net::UnixStream::from_std(channel)
}

async fn hear(channel: &tokio::net::UnixStream) -> io::Result<u8> {
    loop {
        channel.readable().await?;
        let mut word = [0];
        match channel.try_read(&mut word) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => return Ok(word[0]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

fn ask_to_end(child: &Child) {
    let _ = kill_process(Pid::from_child(child), Signal::TERM);
}

fn ended(child: Child) -> String {
    format!("the new process ended ({})", end(child))
}

/// Ends a process that has not ended by itself; how it ended.
fn end(mut child: Child) -> String {
    let until = std::time::Instant::now() + TO_END;
    while std::time::Instant::now() < until {
        match child.try_wait() {
            Ok(Some(status)) => return status.to_string(),
            _ => thread::sleep(Duration::from_millis(5)),
        }
    }
    let _ = child.kill();
    child.wait().map_or_else(|error| error.to_string(), |status| status.to_string())
}

// === impl Program ===

impl Program {
    fn start(&self, channel: UnixStream) -> io::Result<Child> {
        let mut words = self.words.iter();
        let mut command = Command::new(&self.path);
        if let Some(name) = words.next() {
            command.arg0(name);
        }
        command.args(words).env(VARIABLE, std::process::id().to_string()).stdin(OwnedFd::from(channel)).spawn()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::server::passed::Opener;
    use std::net::TcpListener;
    use tokio::runtime::Builder;

    fn outcome(path: &str, words: &[&str], limit: Duration) -> Result<u32, String> {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let sockets = [Passed::new(Opener::Gateway, "", socket).unwrap()];
        let words = words.iter().map(OsString::from).collect();
        let program = Program { path: path.into(), words };
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { Attempt::start(&program, &sockets, limit)?.outcome().await })
    }

    #[test]
    fn who_says_that_it_serves_is_believed() {
        // It lives on a while: what ends with something unread resets the channel, and takes its word back.
        let pid = outcome("/bin/sh", &["sh", "-c", "printf '!' >&0; exec sleep 1"], LIMIT).unwrap();
        assert!(pid > 1);
    }

    #[test]
    fn who_does_not_is_told_of_and_gone() {
        let missing = outcome("/nonexistent/gateway", &["gateway"], LIMIT).unwrap_err();
        assert!(missing.starts_with("cannot start /nonexistent/gateway: "), "{missing}");
        let failed = outcome("/bin/sh", &["sh", "-c", "exit 3"], LIMIT).unwrap_err();
        assert_eq!(failed, "the new process ended (exit status: 3)");
        let slow = outcome("/bin/sh", &["sh", "-c", "exec sleep 60"], Duration::from_millis(100)).unwrap_err();
        assert_eq!(slow, "the new process took too long to serve");
    }
}
