//! What Kong's command line can say, and its usage. Declarations, and how clap's answers become Kong's.

use super::voice::Voice;
use clap::builder::NonEmptyStringValueParser;
use clap::{ArgAction, Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;

/// How help looks: Kong's begins with the usage.
const HELP: &str = "{usage-heading} {usage}\n\n{about-with-newline}\n{all-args}{after-help}\n";

/// `kong`.
#[derive(Debug, Parser)]
#[command(name = "kong", about = "The gateway, under Kong's name.", override_usage = "kong COMMAND [OPTIONS]")]
#[command(disable_help_subcommand = true, subcommand_value_name = "COMMAND", subcommand_help_heading = "Commands")]
pub(super) struct Line {
    #[command(subcommand)]
    pub(super) command: Command,
}

/// Kong's commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Say what is wrong with a file of settings (kong.conf).
    Check {
        /// The file.
        #[arg(default_value = "/etc/kong/kong.conf")]
        file: PathBuf,
        #[command(flatten)]
        at: At,
    },
    /// Look at declarative files.
    #[command(subcommand, override_usage = "kong config COMMAND [OPTIONS]")]
    Config(Config),
    /// Serve in the foreground, as the first process of a container.
    DockerStart(Start),
    /// Ask the gateway whether it answers.
    Health {
        #[command(flatten)]
        at: At,
    },
    /// Nothing is to be done: there is no database.
    #[command(subcommand, override_usage = "kong migrations COMMAND [OPTIONS]")]
    Migrations(Migrations),
    /// Make the prefix's folders, and note the settings there.
    Prepare {
        #[command(flatten)]
        at: At,
        #[arg(long, value_name = "FILE")]
        nginx_conf: Option<PathBuf>,
    },
    /// Stop once the requests under way have ended.
    Quit {
        #[command(flatten)]
        at: At,
        /// Seconds after which it is stopped at once.
        #[arg(short, long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(..=86_400))]
        timeout: u32,
        /// Seconds to wait before.
        #[arg(short, long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=86_400))]
        wait: u32,
    },
    /// Make it read its declarative file again.
    Reload {
        #[command(flatten)]
        at: At,
        #[arg(long, value_name = "FILE")]
        nginx_conf: Option<PathBuf>,
    },
    /// Stop and start it.
    Restart(Start),
    /// Start it: in the background, unless the setting nginx_daemon is off.
    Start(Start),
    /// Stop it at once.
    Stop {
        #[command(flatten)]
        at: At,
    },
    /// Say which Kong this stands in for; `gateway version` says which gateway it is.
    Version {
        /// With what Kong is made of.
        #[arg(short, long)]
        all: bool,
        #[command(flatten)]
        at: At,
    },
    /// What `start` leaves in the background.
    #[command(name = super::daemon::COMMAND, hide = true)]
    Serve {
        #[command(flatten)]
        at: At,
    },
}

/// `kong config …`.
#[derive(Debug, Subcommand)]
pub(super) enum Config {
    /// Write a sample file.
    Init {
        /// Where to.
        #[arg(default_value = "kong.yml")]
        file: PathBuf,
        #[command(flatten)]
        at: At,
    },
    /// Say whether a file can be served.
    Parse {
        /// The file.
        file: Option<PathBuf>,
        #[command(flatten)]
        at: At,
    },
    /// Only with a database.
    #[command(name = "db_export")]
    DbExport {
        /// Where to.
        file: Option<PathBuf>,
        #[command(flatten)]
        at: At,
    },
    /// Only with a database.
    #[command(name = "db_import")]
    DbImport {
        /// The file.
        file: Option<PathBuf>,
        #[command(flatten)]
        at: At,
    },
}

/// `kong migrations …`.
#[derive(Debug, Subcommand)]
pub(super) enum Migrations {
    Bootstrap(Migrate),
    Up(Migrate),
    Finish(Migrate),
    List(Migrate),
    Reset(Migrate),
}

/// What the commands for databases take; nothing of it counts.
#[derive(Debug, Args)]
pub(super) struct Migrate {
    #[command(flatten)]
    pub(super) at: At,
    #[arg(short, long, hide = true)]
    yes: bool,
    #[arg(short, long, hide = true)]
    quiet: bool,
    #[arg(short, long, hide = true)]
    force: bool,
    #[arg(long, hide = true)]
    db_timeout: Option<u32>,
    #[arg(long, hide = true)]
    lock_timeout: Option<u32>,
}

/// `kong start` and its like.
#[derive(Debug, Args)]
pub(super) struct Start {
    #[command(flatten)]
    pub(super) at: At,
    /// A template for nginx: accepted, and not used, for there is no nginx.
    #[arg(long, value_name = "FILE")]
    pub(super) nginx_conf: Option<PathBuf>,
    /// Accepted, and nothing is done: there is no database.
    #[arg(long)]
    pub(super) run_migrations: bool,
    #[arg(long, hide = true)]
    db_timeout: Option<u32>,
    #[arg(long, hide = true)]
    lock_timeout: Option<u32>,
}

/// Which gateway, and how much is told.
#[derive(Debug, Args)]
pub(super) struct At {
    /// The file of settings.
    #[arg(short, long, value_name = "FILE")]
    pub(super) conf: Option<PathBuf>,
    /// The folder of the gateway: its setting prefix.
    #[arg(short, long, value_name = "FOLDER", value_parser = NonEmptyStringValueParser::new())]
    pub(super) prefix: Option<String>,
    /// Tell what is done.
    #[arg(long = "v")]
    verbose: bool,
    /// Tell all details.
    #[arg(long = "vv")]
    debug: bool,
    /// The same, `-v` and `-vv`.
    #[arg(short = 'v', action = ArgAction::Count, hide = true)]
    count: u8,
}

/// `kong-health`.
#[derive(Debug, Parser)]
#[command(name = "kong-health", about = "Ask the gateway whether it answers.")]
pub(super) struct Health {
    #[command(flatten)]
    at: At,
}

/// `kong-wait`.
#[derive(Debug, Parser)]
#[command(name = "kong-wait", about = "Wait until the gateway answers.")]
pub(super) struct Wait {
    #[command(flatten)]
    pub(super) at: At,
    /// How long to wait.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(..=86_400))]
    pub(super) timeout: u32,
}

/// The words of `kong`; what is no command is told as Kong tells it.
///
/// # Errors
/// A text for standard error.
pub(super) fn kong(words: &[OsString]) -> Result<Line, String> {
    let command = helpful(Line::command());
    let mut within = &command;
    for (depth, word) in words.iter().skip(1).take(2).enumerate() {
        if !within.has_subcommands() {
            break;
        }
        let word = word.to_string_lossy();
        match within.find_subcommand(&*word) {
            Some(found) => within = found,
            None if depth > 0 && matches!(&*word, "-h" | "--help") => break,
            None => return Err(unknown(within, depth, &word)),
        }
    }
    if within.has_subcommands() {
        return Err(within.clone().render_help().to_string());
    }
    parse(command, words)
}

/// The words of `kong-health`.
///
/// # Errors
/// A text for standard error.
pub(super) fn health(words: &[OsString]) -> Result<At, String> {
    parse::<Health>(helpful(Health::command()), words).map(|health| health.at)
}

/// The words of `kong-wait`.
///
/// # Errors
/// A text for standard error.
pub(super) fn wait(words: &[OsString]) -> Result<Wait, String> {
    parse(helpful(Wait::command()), words)
}

fn parse<T: FromArgMatches>(command: clap::Command, words: &[OsString]) -> Result<T, String> {
    let matches = command.try_get_matches_from(words);
    matches.and_then(|found| T::from_arg_matches(&found)).map_err(|error| error.render().to_string())
}

fn unknown(within: &clap::Command, depth: usize, word: &str) -> String {
    let of = if depth == 0 { String::new() } else { format!(" for {}", within.get_name()) };
    format!("No such command{of}: {word}\n\n{}", within.clone().render_help())
}

/// With Kong's form of help, all the way down.
fn helpful(command: clap::Command) -> clap::Command {
    command.help_template(HELP).mut_subcommands(helpful)
}

// === impl At ===

impl At {
    /// How much is told.
    pub(super) fn voice(&self) -> Voice {
        match (self.verbose || self.count == 1, self.debug || self.count > 1) {
            (_, true) => Voice::Debug,
            (true, _) => Voice::Verbose,
            _ => Voice::Plain,
        }
    }
}

// === impl Command ===

impl Command {
    /// What all commands take.
    pub(super) fn at(&self) -> &At {
        match self {
            Self::Check { at, .. }
            | Self::Health { at }
            | Self::Prepare { at, .. }
            | Self::Quit { at, .. }
            | Self::Reload { at, .. }
            | Self::Stop { at }
            | Self::Version { at, .. }
            | Self::Serve { at } => at,
            Self::Config(config) => config.at(),
            Self::Migrations(migrations) => &migrations.of().at,
            Self::DockerStart(start) | Self::Restart(start) | Self::Start(start) => &start.at,
        }
    }
}

// === impl Config ===

impl Config {
    fn at(&self) -> &At {
        match self {
            Self::Init { at, .. } | Self::Parse { at, .. } | Self::DbExport { at, .. } | Self::DbImport { at, .. } => {
                at
            }
        }
    }
}

// === impl Migrations ===

impl Migrations {
    /// What all of them take.
    pub(super) fn of(&self) -> &Migrate {
        match self {
            Self::Bootstrap(of) | Self::Up(of) | Self::Finish(of) | Self::List(of) | Self::Reset(of) => of,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn line(text: &str) -> Result<Line, String> {
        kong(&text.split(' ').map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn the_declarations_hold_together() {
        Line::command().debug_assert();
        Health::command().debug_assert();
        Wait::command().debug_assert();
    }

    #[test]
    fn how_much_is_told() {
        for (text, want) in [
            ("kong health", Voice::Plain),
            ("kong health --v", Voice::Verbose),
            ("kong health -v -p /x", Voice::Verbose),
            ("kong config parse --vv x.yml", Voice::Debug),
            ("kong migrations up -vv -y", Voice::Debug),
        ] {
            assert_eq!(line(text).unwrap().command.at().voice(), want, "{text}");
        }
    }

    #[test]
    fn what_is_no_command_is_named_before_the_usage() {
        for (text, start) in [
            ("kong", "Usage: kong COMMAND [OPTIONS]\n"),
            ("kong --help", "No such command: --help\n\nUsage: kong COMMAND"),
            ("kong frob --v", "No such command: frob\n\nUsage: "),
            ("kong config", "Usage: kong config COMMAND [OPTIONS]\n"),
            ("kong config --help", "Usage: kong config COMMAND [OPTIONS]\n"),
            ("kong config frob", "No such command for config: frob\n\nUsage: kong config"),
            ("kong health --help", "Usage: kong health [OPTIONS]\n"),
            ("kong quit -t soon", "error: "),
        ] {
            let told = line(text).unwrap_err();
            assert!(told.starts_with(start), "{text}: {told}");
        }
    }
}
