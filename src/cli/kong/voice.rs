//! How Kong talks on its command line (`kong/operations.md` §5): plain lines on standard output; warnings and errors with
//! the time on standard error; with `--v` and `--vv` everything with the time.

use crate::cli::{REFUSED, print};
use std::process::ExitCode;
use time::OffsetDateTime;

/// How much is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::cli) enum Voice {
    /// What matters.
    #[default]
    Plain,
    /// `--v`: what is being done.
    Verbose,
    /// `--vv`: all details.
    Debug,
}

// === impl Voice ===

impl Voice {
    /// What a command has to say.
    pub(super) fn say(self, text: &str) {
        match self {
            Self::Plain => print::out(&format!("{text}\n")),
            _ => print::out(&stamped("info", text)),
        }
    }

    /// What is being done.
    pub(super) fn verbose(self, text: &str) {
        if self >= Self::Verbose {
            print::out(&stamped("verbose", text));
        }
    }

    /// A detail.
    pub(super) fn debug(self, text: &str) {
        if self >= Self::Debug {
            print::out(&stamped("debug", text));
        }
    }

    /// What may go wrong.
    pub(super) fn warn(self, text: &str) {
        print::err(&stamped("warn", text));
    }

    /// What is wrong.
    pub(super) fn error(self, text: &str) {
        print::err(&stamped("error", text));
    }

    /// Why a command failed. Who asked for details already is not told how to ask.
    pub(super) fn fail(self, message: &str) -> ExitCode {
        let message = message.trim_end();
        let more = "\n  Run with --v (verbose) or --vv (debug) for more details\n";
        print::err(&format!("Error: {message}\n{}", if self == Self::Plain { more } else { "" }));
        ExitCode::from(REFUSED)
    }
}

fn stamped(level: &str, text: &str) -> String {
    let now = OffsetDateTime::now_utc();
    let (year, month, day) = (now.year(), u8::from(now.month()), now.day());
    let (hour, minute, second) = now.to_hms();
    format!("{year}/{month:02}/{day:02} {hour:02}:{minute:02}:{second:02} [{level}] {text}\n")
}
