//! The program. Everything is in the library.

use gateway::server;
use gateway::settings::Settings;
use gateway::snapshot::Snapshot;
use std::io;
use std::process::ExitCode;

fn main() -> ExitCode {
    gateway::cli::main(std::env::args_os(), serve)
}

fn serve(settings: Settings, snapshot: Snapshot) -> io::Result<()> {
    server::serve(settings, snapshot).map_err(io::Error::other)
}
