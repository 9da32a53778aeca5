//! `kong prepare`: the prefix's folders, and the settings that are noted there.

use super::args::At;
use super::prefix::Prefix;
use super::voice::Voice;
use super::{Done, setup, template};
use rustix::process::{Resource, getrlimit};
use std::path::Path;

/// Open files that a process should be allowed (`kong/operations.md` §5).
const FILES: u64 = 4096;

/// Prepares, and starts nothing.
pub(super) fn main(at: &At, nginx_conf: Option<&Path>, voice: Voice) -> Done {
    let setup = setup::of(at)?;
    let prefix = Prefix::new(&setup.base.settings.prefix);
    template::warn(nginx_conf, voice);
    prepare(&prefix, voice)?;
    prefix.record(&setup.base.set)
}

/// The folders, and what Kong has to say about the system.
pub(super) fn prepare(prefix: &Prefix, voice: Voice) -> Done {
    prefix.prepare(voice)?;
    if let Some(files) = getrlimit(Resource::Nofile).current.filter(|files| *files < FILES) {
        voice.warn(&format!(
            "ulimit is currently set to \"{files}\". For better performance set it to at least \"{FILES}\" using \
             \"ulimit -n\""
        ));
    }
    Ok(())
}
