//! The log on standard error.

use super::print;
use crate::settings::reading::Note;
use tracing::Level;
use tracing_subscriber::filter::LevelFilter;

/// Starts it. The second call of a process changes nothing.
pub(super) fn start(level: Level) {
    let log = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::from_level(level))
        .with_writer(std::io::stderr)
        .with_ansi(print::colors(&std::io::stderr()))
        .with_target(false)
        .log_internal_errors(false);
    // Fails only when somebody has started one.
    let _ = log.try_init();
}

/// Tells what is set and changes nothing.
pub(super) fn tell(notes: &[Note]) {
    for note in notes {
        tracing::info!("setting `{}` changes nothing: {}", note.key, note.reason);
    }
}
