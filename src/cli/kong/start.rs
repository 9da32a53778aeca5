//! `kong start`, and `kong docker-start`, which Kong's image has its entrypoint for (`kong/operations.md` §6).

use super::args::Start;
use super::prefix::Prefix;
use super::serve::Serve;
use super::voice::Voice;
use super::{Done, daemon, prepare, setup, template, told};
use crate::cli::edge::Setup;
use crate::cli::refuse;
use std::process::ExitCode;

/// `kong start`.
pub(super) fn main(args: &Start, voice: Voice) -> Done {
    let setup = setup::of(&args.at)?;
    let prefix = vacant(&setup)?;
    said(args, voice);
    prepare::prepare(&prefix, voice)?;
    if setup.base.settings.daemon {
        daemon::start(&args.at, &prefix)?;
        voice.say("Kong started");
        return Ok(());
    }
    Serve { setup, prefix, unprepared: None }.until_stopped(|_| {})
}

/// `kong docker-start`: the process that a container runs. A file system that cannot be written is no reason not to serve.
pub(super) fn docker(args: &Start, voice: Voice) -> ExitCode {
    let setup = match setup::of(&args.at) {
        Ok(setup) => setup,
        Err(messages) => return refuse(&messages.lines().map(str::to_owned).collect::<Vec<_>>()),
    };
    said(args, voice);
    told(
        voice,
        vacant(&setup).and_then(|prefix| {
            let unprepared = prepare::prepare(&prefix, voice).err();
            Serve { setup, prefix, unprepared }.until_stopped(|_| {})
        }),
    )
}

/// The prefix, if no gateway runs with it.
fn vacant(setup: &Setup) -> Result<Prefix, String> {
    let prefix = Prefix::new(&setup.base.settings.prefix);
    match prefix.running() {
        Some(_) => Err(format!("Kong is already running in {prefix}")),
        None => Ok(prefix),
    }
}

/// What is lost of what was asked for.
fn said(args: &Start, voice: Voice) {
    template::warn(args.nginx_conf.as_deref(), voice);
    if args.run_migrations {
        voice.warn("--run-migrations: there is no database, so nothing is migrated");
    }
}
