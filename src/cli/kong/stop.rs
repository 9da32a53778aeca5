//! `kong stop` and `kong quit`: at once, or once the requests under way have ended.

use super::Done;
use super::args::At;
use super::prefix::Prefix;
use super::voice::Voice;
use rustix::process::{Pid, Signal, kill_process};
use std::time::Duration;

/// Time that a process has to stop at once.
const AT_ONCE: Duration = Duration::from_secs(5);

/// `kong stop`.
pub(super) fn stop(at: &At, voice: Voice) -> Done {
    let prefix = Prefix::of(at)?;
    at_once(&prefix, prefix.must_run()?, voice)?;
    voice.say("Kong stopped");
    Ok(())
}

/// `kong quit`: after `wait` seconds, and by force when `timeout` seconds more are over.
pub(super) fn quit(at: &At, timeout: u32, wait: u32, voice: Voice) -> Done {
    let prefix = Prefix::of(at)?;
    let pid = prefix.must_run()?;
    if wait > 0 {
        voice.verbose(&format!("waiting {wait} seconds before quitting"));
        if prefix.ends(pid, Duration::from_secs(wait.into())) {
            return Err("Kong stopped while waiting (unexpected)".to_owned());
        }
    }
    ask(pid, Signal::QUIT)?;
    voice.verbose(&format!("waiting for requests under way to finish (timeout: {timeout}s)"));
    if prefix.ends(pid, Duration::from_secs(timeout.into())) {
        voice.say("Kong stopped (gracefully)");
        return Ok(());
    }
    at_once(&prefix, pid, voice)?;
    voice.say("Timeout, Kong stopped forcefully");
    Ok(())
}

/// Stops it at once. A process that was not started as `kong` takes the first signal for a polite request, and the second
/// one at its word.
pub(super) fn at_once(prefix: &Prefix, pid: Pid, voice: Voice) -> Done {
    for _ in 0..2 {
        voice.verbose(&format!("sending TERM signal to process {pid}"));
        ask(pid, Signal::TERM)?;
        if prefix.ends(pid, AT_ONCE) {
            return Ok(());
        }
    }
    Err(format!("process {pid} in prefix {prefix} does not stop"))
}

/// Sends a signal.
pub(super) fn ask(pid: Pid, signal: Signal) -> Done {
    kill_process(pid, signal).map_err(|error| format!("process {pid} cannot be asked: {error}"))
}
