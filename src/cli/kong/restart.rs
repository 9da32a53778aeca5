//! `kong restart`: stops silently, if there is something to stop, and starts.

use super::args::Start;
use super::prefix::Prefix;
use super::voice::Voice;
use super::{Done, start, stop};

/// Stops and starts.
pub(super) fn main(args: &Start, voice: Voice) -> Done {
    let prefix = Prefix::of(&args.at)?;
    if let Some(pid) = prefix.running() {
        stop::at_once(&prefix, pid, voice)?;
    }
    start::main(args, voice)
}
