//! How much the process logs, which may change while it runs. There is one log, so there is one of these.

use std::sync::OnceLock;
use tracing::Level;
use tracing::level_filters::LevelFilter;

/// Makes the log tell what is of a level and above.
type Set = Box<dyn Fn(Level) + Send + Sync>;

static LOG: OnceLock<Set> = OnceLock::new();

/// The log that is to be changed. The first one of a process counts.
pub fn install(set: impl Fn(Level) + Send + Sync + 'static) {
    // The second call of a process changes nothing, as with the log itself.
    let _ = LOG.set(Box::new(set));
}

/// Tells what is of a level and above from now on. Whether there is a log that can be told so.
pub fn set(level: Level) -> bool {
    LOG.get().map(|set| set(level)).is_some()
}

/// What is told now; `None` for nothing.
#[must_use]
pub fn current() -> Option<Level> {
    LevelFilter::current().into_level()
}
