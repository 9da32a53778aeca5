//! The program. Everything is in the library.

use gateway::settings::Settings;
use gateway::snapshot::Snapshot;
use std::io;
use std::process::ExitCode;

fn main() -> ExitCode {
    gateway::cli::main(std::env::args_os(), serve)
}

/// Where the server is called.
fn serve(_settings: Settings, _snapshot: Snapshot) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "this build has no server"))
}
