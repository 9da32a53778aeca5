//! This program under Kong's names: `kong`, `kong-health` and `kong-wait` take Kong's command line, and answer in its
//! words, on its streams, with its exit codes (`kong/operations.md` §5, §6; recorded in `tests/golden/admin/cli.yaml`).
//!
//! A file for each command; `args.rs` says what they take, `voice.rs` how Kong talks. What Kong tells with a trace of its
//! own source files ends here after the first line.

mod args;
mod ask;
mod check;
pub(super) mod config;
mod daemon;
mod health;
mod migrations;
mod prefix;
mod prepare;
mod reload;
mod restart;
mod serve;
mod setup;
mod start;
mod stop;
mod template;
mod version;
pub(super) mod voice;

use args::{Command, Line};
use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;
use voice::Voice;

/// What a command comes to: an error is told as Kong tells errors.
type Done = Result<(), String>;

/// Which of Kong's programs this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Program {
    /// `kong`.
    Kong,
    /// `kong-health`, of Kong 3.9's image.
    Health,
    /// `kong-wait`, which is ours: for scripts that need a gateway to go on.
    Wait,
}

// === impl Program ===

impl Program {
    /// By the name that this program was called by; `None` where that is not one of Kong's.
    pub(super) fn called(name: &OsString) -> Option<Self> {
        match Path::new(name).file_name()?.to_str()? {
            "kong" => Some(Self::Kong),
            "kong-health" => Some(Self::Health),
            "kong-wait" => Some(Self::Wait),
            _ => None,
        }
    }

    /// Does what the words say; the first is the program's name.
    pub(super) fn main(self, words: &[OsString]) -> ExitCode {
        match self {
            Self::Kong => args::kong(words).map_or_else(usage, run),
            Self::Health => args::health(words).map_or_else(usage, |at| told(at.voice(), health::bare(&at))),
            Self::Wait => args::wait(words).map_or_else(usage, |wait| told(wait.at.voice(), health::wait(&wait))),
        }
    }
}

fn run(line: Line) -> ExitCode {
    let voice = line.command.at().voice();
    let done = match line.command {
        Command::Check { file, .. } => return check::main(&file, voice),
        Command::DockerStart(start) => return start::docker(&start, voice),
        Command::Config(config) => config::main(&config, voice),
        Command::Health { at } => health::kong(&at, voice),
        Command::Migrations(migrations) => migrations::main(&migrations, voice),
        Command::Prepare { at, nginx_conf } => prepare::main(&at, nginx_conf.as_deref(), voice),
        Command::Quit { at, timeout, wait } => stop::quit(&at, timeout, wait, voice),
        Command::Reload { at, nginx_conf } => reload::main(&at, nginx_conf.as_deref(), voice),
        Command::Restart(start) => restart::main(&start, voice),
        Command::Start(start) => start::main(&start, voice),
        Command::Stop { at } => stop::stop(&at, voice),
        Command::Version { all, .. } => version::main(all, voice),
        Command::Serve { at } => return daemon::serve(&at),
    };
    told(voice, done)
}

/// The end of a command.
pub(super) fn told(voice: Voice, done: Done) -> ExitCode {
    done.map_or_else(|message| voice.fail(&message), |()| ExitCode::SUCCESS)
}

/// Kong takes a question for help for an error, too.
fn usage(text: String) -> ExitCode {
    super::print::err(&text);
    ExitCode::from(super::REFUSED)
}

#[cfg(test)]
mod tests {
    use super::Program;

    #[test]
    fn a_program_is_known_by_the_end_of_its_path() {
        for (name, want) in [
            ("kong", Some(Program::Kong)),
            ("/usr/local/bin/kong", Some(Program::Kong)),
            ("./kong-health", Some(Program::Health)),
            ("kong-wait", Some(Program::Wait)),
            ("gateway", None),
            ("kong/gateway", None),
            ("kongx", None),
            ("", None),
        ] {
            assert_eq!(Program::called(&name.into()), want, "{name}");
        }
    }
}
