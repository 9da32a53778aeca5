//! The log: on standard error, or where `proxy_error_log` says.

use super::print;
use crate::observe::file::LogFile;
use crate::observe::repeats::Repeats;
use crate::observe::verbosity;
use crate::settings::reading::Note;
use crate::settings::{Settings, Target};
use std::fmt::{self, Write as _};
use std::hash::{BuildHasher as _, Hash as _, Hasher};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::{Format, Full, Writer};
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::reload;
use tracing_subscriber::util::SubscriberInitExt as _;

/// How often the same warning is told at most.
const WINDOW: Duration = Duration::from_secs(10);

/// Starts it. The second call of a process changes nothing. Its level may be another later.
pub(super) fn start(settings: &Settings) {
    let (level, to) = (settings.log_level, &settings.error_log);
    let colors = *to == Target::Stderr && print::Look::of(&io::stderr()).color;
    let line = tracing_subscriber::fmt::format().with_target(false).with_ansi(colors);
    let repeats = Mutex::new(Repeats::new(WINDOW));
    let calm = Calm { line, repeats, hasher: foldhash::fast::RandomState::default() };
    let lines = tracing_subscriber::fmt::layer().log_internal_errors(false).with_writer(writer(to));
    let (filter, handle) = reload::Layer::new(ours(level));
    let log = tracing_subscriber::registry().with(filter).with(lines.with_ansi(colors).event_format(calm));
    // Fails only when somebody has started one.
    if log.try_init().is_ok() {
        // Fails only when the log is gone.
        verbosity::install(move |level| handle.reload(ours(level)).unwrap_or_default());
    }
}

fn writer(to: &Target) -> BoxMakeWriter {
    match to {
        Target::Off => BoxMakeWriter::new(io::sink),
        Target::Stdout => BoxMakeWriter::new(io::stdout),
        Target::Stderr => BoxMakeWriter::new(io::stderr),
        Target::File(path) => {
            let lines = Lines::new(path);
            BoxMakeWriter::new(move || lines.clone())
        }
    }
}

/// Lines for a file. One that was moved away is made anew; what it does not take goes to standard error.
#[derive(Clone)]
struct Lines(Arc<Mutex<LogFile>>);

// === impl Lines ===

impl Lines {
    fn new(path: &Path) -> Self {
        Self(Arc::new(Mutex::new(LogFile::new(path, false))))
    }
}

impl io::Write for Lines {
    /// Takes a whole line at a time.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let written = self.0.lock().unwrap_or_else(PoisonError::into_inner).write(line);
        written.or_else(|_| io::stderr().write_all(line))?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Libraries tell only what is wrong: at `debug` they would print what passes through them, credentials too. What rustls
/// warns of is the doing of strangers, in up to 64 KiB of their own words.
fn ours(level: Level) -> Targets {
    let own = env!("CARGO_CRATE_NAME");
    let wrong = LevelFilter::from_level(level.min(Level::WARN));
    Targets::new().with_default(wrong).with_target("rustls", Level::ERROR).with_target(own, level)
}

/// Tells what is set and changes nothing.
pub(super) fn tell(notes: &[Note]) {
    for note in notes {
        tracing::info!("setting `{}` changes nothing: {}", note.key, note.reason);
    }
}

/// Lines of the usual form, but of warnings that repeat only one in a while.
struct Calm {
    line: Format<Full>,
    repeats: Mutex<Repeats>,
    hasher: foldhash::fast::RandomState,
}

/// What makes two events the same: where they are in the source, and what their fields say.
struct Kind<H>(H);

// === impl Calm ===

impl Calm {
    fn admit(&self, event: &Event<'_>) -> Option<u64> {
        if *event.metadata().level() > Level::WARN {
            return Some(0);
        }
        let mut kind = Kind(self.hasher.build_hasher());
        event.metadata().callsite().hash(&mut kind.0);
        event.record(&mut kind);
        self.repeats.lock().unwrap_or_else(PoisonError::into_inner).admit(kind.0.finish(), Instant::now())
    }
}

impl<S, N> FormatEvent<S, N> for Calm
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, ctx: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        match self.admit(event) {
            None => Ok(()),
            Some(0) => self.line.format_event(ctx, writer, event),
            Some(held) => {
                let mut line = String::new();
                self.line.format_event(ctx, Writer::new(&mut line), event)?;
                writeln!(writer, "{} ({held} more since the last such line)", line.trim_end())
            }
        }
    }
}

// === impl Kind ===

impl<H: Hasher> Visit for Kind<H> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        field.index().hash(&mut self.0);
        // Hashing cannot fail.
        let _ = write!(self, "{value:?}");
    }
}

impl<H: Hasher> fmt::Write for Kind<H> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[derive(Clone, Default)]
    struct Heard(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Heard {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What a log with this window holds after the work.
    fn logged(window: Duration, work: impl FnOnce()) -> String {
        let lines = Heard::default();
        let line = tracing_subscriber::fmt::format().with_target(false).with_ansi(false);
        let calm = Calm { line, repeats: Mutex::new(Repeats::new(window)), hasher: Default::default() };
        let writer = {
            let lines = lines.clone();
            move || lines.clone()
        };
        let log = tracing_subscriber::fmt().with_max_level(Level::DEBUG).with_ansi(false).event_format(calm);
        let log = log.with_writer(writer).finish().with(ours(Level::DEBUG));
        tracing::subscriber::with_default(log, work);
        String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn a_warning_that_repeats_is_told_once_and_others_always() {
        let text = logged(WINDOW, || {
            for service in ["a", "b", "a", "a", "b"] {
                tracing::warn!(service, "down");
                tracing::info!(service, "news");
            }
        });
        assert_eq!(text.matches("down service=\"a\"\n").count(), 1, "{text}");
        assert_eq!(text.matches("down").count(), 2, "{text}");
        assert_eq!(text.matches("news").count(), 5, "{text}");
    }

    #[test]
    fn after_the_window_it_says_how_many_there_were() {
        let window = Duration::from_millis(50);
        let text = logged(window, || {
            for pause in [Duration::ZERO, Duration::ZERO, window, Duration::ZERO] {
                std::thread::sleep(pause);
                tracing::warn!("down");
            }
        });
        assert_eq!(text.matches("down").count(), 2, "{text}");
        assert!(text.ends_with("down (1 more since the last such line)\n"), "{text}");
    }

    #[test]
    fn libraries_are_heard_only_when_something_is_wrong() {
        let text = logged(WINDOW, || {
            tracing::debug!(target: "h2::codec", "a frame");
            tracing::warn!(target: "h2::codec", "trouble");
            tracing::warn!(target: "rustls::msgs::handshake", "a stranger's words");
            tracing::debug!("ours");
        });
        assert!(!text.contains("frame") && text.contains("trouble") && text.contains("ours"), "{text}");
        assert!(!text.contains("stranger"), "{text}");
    }
}
