//! `kong reload`: the running gateway reads its declarative file again. What comes of it its log says, as with Kong: a file
//! that cannot be served changes nothing.

use super::args::At;
use super::prefix::Prefix;
use super::voice::Voice;
use super::{Done, stop, template};
use rustix::process::Signal;
use std::path::Path;

/// Asks for it.
pub(super) fn main(at: &At, nginx_conf: Option<&Path>, voice: Voice) -> Done {
    let prefix = Prefix::of(at)?;
    let pid = prefix.must_run()?;
    template::warn(nginx_conf, voice);
    voice.verbose(&format!("sending HUP signal to process {pid}"));
    stop::ask(pid, Signal::HUP)?;
    voice.say("Kong reloaded");
    Ok(())
}
