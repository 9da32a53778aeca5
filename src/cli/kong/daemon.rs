//! A gateway in the background: this program once more, in a session of its own, with its output in the prefix's logs.
//!
//! Its standard input is a socket on which it tells the one who started it, once, what came of it: `+`, or `-` and why not.

use super::args::At;
use super::prefix::Prefix;
use super::serve::Serve;
use super::{Done, setup};
use crate::cli::{REFUSED, print};
use crate::server::Phase;
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitCode};
use std::time::Duration;

/// The command that is run in the background.
pub(super) const COMMAND: &str = "serve-in-background";
/// Time that it has to listen.
const LIMIT: Duration = Duration::from_secs(60);

/// Starts one, and waits until it listens.
///
/// # Errors
/// Why it does not, in its own words.
pub(super) fn start(at: &At, prefix: &Prefix) -> Done {
    let (ours, theirs) = UnixStream::pair().map_err(|error| cannot(&error))?;
    let mut child = spawn(at, prefix, theirs)?;
    ours.set_read_timeout(Some(LIMIT)).map_err(|error| cannot(&error))?;
    match heard(ours) {
        Ok(text) if text == "+" => Ok(()),
        Ok(text) => {
            end(&mut child);
            Err(text.strip_prefix('-').map_or_else(|| ended(prefix), str::to_owned))
        }
        Err(_) => {
            end(&mut child);
            Err(format!("it did not listen within {} seconds; {prefix}/logs/error.log may say why", LIMIT.as_secs()))
        }
    }
}

fn spawn(at: &At, prefix: &Prefix, stdin: UnixStream) -> Result<Child, String> {
    let program = std::env::current_exe().map_err(|error| cannot(&error))?;
    let mut command = Command::new(program);
    command.arg0("kong").arg(COMMAND).arg("--prefix").arg(prefix.path());
    if let Some(conf) = &at.conf {
        command.arg("--conf").arg(conf);
    }
    command.stdin(OwnedFd::from(stdin)).stdout(log(prefix, "access.log")?).stderr(log(prefix, "error.log")?);
    command.spawn().map_err(|error| cannot(&error))
}

fn log(prefix: &Prefix, name: &str) -> Result<File, String> {
    let path = prefix.path().join("logs").join(name);
    let opened = File::options().create(true).append(true).open(&path);
    opened.map_err(|error| format!("{}: {}", path.display(), print::reason(&error)))
}

fn heard(mut from: UnixStream) -> io::Result<String> {
    let mut text = String::new();
    from.read_to_string(&mut text)?;
    Ok(text)
}

fn ended(prefix: &Prefix) -> String {
    format!("it ended before it listened; {prefix}/logs/error.log may say why")
}

fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

fn cannot(error: &io::Error) -> String {
    format!("cannot start a process in the background: {}", print::reason(error))
}

/// Serves in the background, where [`start`] put this process.
pub(super) fn serve(at: &At) -> ExitCode {
    let starter = match detach() {
        Ok(starter) => starter,
        Err(error) => {
            print::err(&format!("error: {}\n", cannot(&error)));
            return ExitCode::from(REFUSED);
        }
    };
    let tell = |text: &str| {
        // Whoever started it may have lost patience.
        let _ = (&starter).write_all(text.as_bytes()).and_then(|()| starter.shutdown(Shutdown::Both));
    };
    let begun = |phase| {
        if phase == Phase::Serving {
            tell("+");
        }
    };
    match try_serve(at, begun) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            print::err(&format!("error: {why}\n"));
            tell(&format!("-{why}"));
            ExitCode::from(REFUSED)
        }
    }
}

fn try_serve(at: &At, tell: impl Fn(Phase)) -> Done {
    let prefix = Prefix::of(at)?;
    let log = |key: &str, name: &str| (key.to_owned(), prefix.path().join(name).to_string_lossy().into_owned());
    // By whole paths: what is moved away is made anew, where standard output and error would go on with it.
    let logs = [
        log("proxy_access_log", "logs/access.log"),
        log("proxy_error_log", "logs/error.log"),
        log("admin_access_log", "logs/admin_access.log"),
    ];
    let setup = setup::with(at, logs.into())?;
    Serve { setup, prefix, unprepared: None }.until_stopped(tell)
}

/// Leaves the session of whoever started this process: no terminal, no signals of its.
fn detach() -> io::Result<UnixStream> {
    let starter = io::stdin().as_fd().try_clone_to_owned()?;
    rustix::stdio::dup2_stdin(File::open(Path::new("/dev/null"))?)?;
    // A process that leads a group already cannot lead a session, and is not in the terminal's.
    let _ = rustix::process::setsid();
    Ok(UnixStream::from(starter))
}
