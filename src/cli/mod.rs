//! The command line: words to actions, results to text and exit codes (0 done, 1 refused, 2 wrong usage or unreadable).
//! Nothing here decides what a configuration means or how a request is answered.

mod args;
mod check;
mod completions;
mod count;
mod demo;
mod document;
mod edge;
mod explain;
mod findings;
mod import;
mod kong;
mod logs;
mod man;
mod online;
mod pid;
mod print;
mod reload;
mod routes;
mod run;
mod schema;
mod summary;
mod systemd;
mod token;

use args::{Cli, Command, Config, Import};
use clap::Parser;
use edge::Setup;
use kong::voice::Voice;
use std::ffi::OsString;
use std::process::ExitCode;

/// Exit code of a file or setting that is refused, and of a server that cannot start.
const REFUSED: u8 = 1;
/// Exit code of wrong usage, and of a file that cannot be read.
const UNREADABLE: u8 = 2;

/// Does what the words say; the first is the program's name, which may be one of Kong's.
pub fn main(words: impl IntoIterator<Item = OsString>) -> ExitCode {
    let words: Vec<OsString> = words.into_iter().collect();
    if let Some(program) = words.first().and_then(kong::Program::called) {
        return program.main(&words);
    }
    let command = match Cli::try_parse_from(words) {
        Ok(cli) => cli.command,
        Err(usage) => {
            let _ = usage.print();
            return ExitCode::from(u8::try_from(usage.exit_code()).unwrap_or(UNREADABLE));
        }
    };
    match command {
        Command::Run(args) => run::main(&args),
        Command::Reload(args) => pid::reload(&args),
        Command::Demo(args) => demo::main(&args),
        Command::Check(args) => check::main(&args),
        Command::Explain(args) => explain::main(&args),
        Command::Routes(args) => routes::main(&args),
        Command::Config(command) => config(&command),
        Command::Token(args) => token::main(&args),
        Command::Schema(args) => schema::main(&args),
        Command::Completions { shell } => completions::main(shell),
        Command::Man(args) => man::main(&args),
        Command::Import(Import::Nginx(args)) => import::nginx(&args),
        Command::Version => version(),
    }
}

/// `gateway config …`, in Kong's words.
fn config(command: &Config) -> ExitCode {
    let done = match command {
        Config::Parse(args) => Setup::new(&args.settings, Vec::new())
            .map_err(|messages| messages.join("\n"))
            .and_then(|setup| kong::config::parse(args.file.as_deref(), &setup, Voice::Plain)),
        Config::Init { file } => kong::config::init(file),
    };
    kong::told(Voice::Plain, done)
}

fn version() -> ExitCode {
    print::out(concat!("gateway ", env!("CARGO_PKG_VERSION"), "\n"));
    ExitCode::SUCCESS
}

/// Prints messages about settings.
fn refuse(messages: &[String]) -> ExitCode {
    for message in messages {
        print::err(&format!("error: {message}\n"));
    }
    ExitCode::from(REFUSED)
}
