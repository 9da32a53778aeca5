//! `kong check`: what is wrong with a file of settings, in Kong's words, an `[error]` line each.

use super::setup;
use super::voice::Voice;
use crate::cli::REFUSED;
use std::path::Path;
use std::process::ExitCode;

/// Checks a file, together with the environment, as Kong does.
pub(super) fn main(file: &Path, voice: Voice) -> ExitCode {
    match setup::of_file(file) {
        Ok(_) => {
            voice.say(&format!("configuration at {} is valid", file.display()));
            ExitCode::SUCCESS
        }
        Err(messages) => {
            messages.iter().for_each(|message| voice.error(message));
            ExitCode::from(REFUSED)
        }
    }
}
