//! `gateway run`: settings, then the document, then the server.

use super::args;
use super::document::{DEFAULT, Place};
use super::edge::{self, Setup};
use super::findings::{Compiled, compile_here, counts};
use super::life::Life;
use super::reload::{Again, Serving};
use super::upgrade::{self, Predecessor};
use super::{REFUSED, UNREADABLE, count, logs, print, refuse, systemd};
use crate::config::report::Source;
use crate::server::passed::Passed;
use crate::server::upgrade::Program;
use crate::server::{Phase, ServeError, Server};
use crate::settings::{Listen, Loaded, Settings};
use crate::snapshot::Snapshot;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

/// Warnings that are shown one by one at start.
const MOST: usize = 5;

/// What can be served.
pub(super) struct Ready {
    pub(super) settings: Settings,
    pub(super) snapshot: Snapshot,
    /// What the snapshot was compiled from.
    pub(super) source: Source,
    /// What a reload needs of it.
    pub(super) serving: Serving,
    /// Where to read it again; `None` follows nothing.
    pub(super) from: Option<Followed>,
    /// Where to leave the process number, if anywhere.
    pub(super) prefix: Option<PathBuf>,
    /// Sockets that systemd passed, or the process before this one.
    pub(super) passed: Vec<Passed>,
    /// Whether SIGTERM ends it at once, as it ends nginx.
    pub(super) abrupt: bool,
}

/// What a process follows, and what it follows on.
pub(super) struct Followed {
    /// Where the document is.
    pub(super) place: Place,
    /// Where settings come from.
    pub(super) setup: Setup,
    /// The process whose place this one takes.
    pub(super) predecessor: Option<Predecessor>,
    /// The program that may take this one's place, or why none may.
    pub(super) program: Result<Program, String>,
}

/// Serves until it is stopped.
pub(super) fn main(args: &args::Run) -> ExitCode {
    match try_main(args) {
        Ok(code) | Err(code) => code,
    }
}

fn try_main(args: &args::Run) -> Result<ExitCode, ExitCode> {
    let mut passed = passed()?;
    let (predecessor, inherited) = upgrade::predecessor().map_err(|message| refuse(&[message]))?.unzip();
    passed.extend(inherited.unwrap_or_default());
    let setup = setup(&args.settings, &args.serving)?;
    let place = Place::choose(args.config.as_deref(), &setup.base.settings);
    let source = place.read().map_err(|error| unreadable(&place, &error))?;
    let (compiled, loaded) = compile_here(source, &setup).map_err(|all| refuse(&all))?;
    let mut settings = begin(loaded);
    settings.resolve.extend(args.resolve.iter().cloned());
    let from = Some(Followed { program: program(&place), place, setup, predecessor });
    Ok(until_stopped(settings, compiled, from, passed, |_| String::new()))
}

/// What systemd passed. Before any thread is there, since it looks at the environment. On failure everything is said.
pub(super) fn passed() -> Result<Vec<Passed>, ExitCode> {
    systemd::sockets().map_err(|message| refuse(&[message]))
}

/// Reads the sources of settings. On failure everything is said.
pub(super) fn setup(args: &args::Settings, serving: &args::Serving) -> Result<Setup, ExitCode> {
    Setup::new(args, edge::flags(serving)).map_err(|all| refuse(&all))
}

/// Starts the log, and tells what there is to tell about settings.
pub(super) fn begin(Loaded { settings, notes, .. }: Loaded) -> Settings {
    logs::start(&settings);
    logs::tell(&notes);
    settings
}

/// The program that may take this process's place.
fn program(place: &Place) -> Result<Program, String> {
    match place {
        Place::Stdin => Err("the document came by standard input, which cannot be read again".to_owned()),
        _ => upgrade::program(std::env::args_os().collect()),
    }
}

/// Serves what was compiled, if it can be, and follows what it was compiled `from`. `more` is asked, once it listens, for
/// what else to say.
pub(super) fn until_stopped(
    settings: Settings,
    compiled: Compiled,
    from: Option<Followed>,
    passed: Vec<Passed>,
    more: impl FnOnce(&[Listen]) -> String,
) -> ExitCode {
    print::err(&told(&compiled));
    let Compiled { source, snapshot, report, serving } = compiled;
    let Some(snapshot) = snapshot else {
        print::err(&format!("error: {} cannot be served ({})\n", source.name, counts(&report)));
        return ExitCode::from(REFUSED);
    };
    let prefix = from.is_some().then(|| settings.prefix.clone());
    let ready = Ready { settings, snapshot, source, serving, from, prefix, passed, abrupt: false };
    match ready.serve(more, |_| {}) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => refuse(&[error.to_string()]),
    }
}

/// What was found; of many warnings only how many, so that the last lines of a log are still about what happened before.
pub(super) fn told(compiled: &Compiled) -> String {
    let report = &compiled.report;
    if report.has_errors() || report.found.len() <= MOST {
        return compiled.human(&io::stderr());
    }
    let mut codes: BTreeMap<&str, usize> = BTreeMap::new();
    report.found.iter().for_each(|found| *codes.entry(found.code).or_default() += 1);
    let codes = codes.iter().map(|(code, count)| format!("{count} {code}")).collect::<Vec<_>>().join(", ");
    format!("warning: {} in {}: {codes}; `gateway check` shows them\n", counts(report), compiled.source.name)
}

/// The listeners with the ports that they got.
fn bound(listens: Vec<Listen>, addresses: impl Iterator<Item = SocketAddr>) -> Vec<Listen> {
    listens.into_iter().zip(addresses).map(|(listen, address)| Listen { address, ..listen }).collect()
}

/// What is served, and where.
fn banner(listens: &[Listen], name: &str, contents: &str) -> String {
    let lines = match listens {
        [] => "  nowhere: proxy_listen is off\n".to_owned(),
        some => some.iter().map(|listen| format!("  on {listen}\n")).collect(),
    };
    format!("gateway {} serves {name} ({contents})\n{lines}", env!("CARGO_PKG_VERSION"))
}

/// Where it tells about itself.
fn others(server: &Server) -> String {
    server.admin_addresses().map(|(api, address)| format!("  {api} on {address}\n")).collect()
}

fn unreadable(place: &Place, error: &io::Error) -> ExitCode {
    print::err(&place.unreadable(error));
    if *place == Place::File(DEFAULT.into()) {
        print::err("help: name a Kong file with --config, or try `gateway demo`, which needs none\n");
    }
    ExitCode::from(UNREADABLE)
}

// === impl Ready ===

impl Ready {
    /// Listens, says so, and serves until it is stopped. `more` is asked for what else to say, `tell` hears how far it is.
    ///
    /// # Errors
    /// Why it cannot begin.
    pub(super) fn serve(self, more: impl FnOnce(&[Listen]) -> String, tell: impl Fn(Phase)) -> Result<(), ServeError> {
        let Self { settings, snapshot, source, serving, from, prefix, passed, abrupt } = self;
        let (listens, contents) = (settings.proxy_listen.clone(), count::contents(&snapshot));
        let follow = from.map(|from| from.follow(&settings, &source, serving));
        let server = Server::open(settings, snapshot, passed)?;
        let listens = bound(listens, server.addresses());
        print::err(&(banner(&listens, &source.name, &contents) + &others(&server) + &more(&listens)));
        let (server, predecessor) = match follow {
            Some((again, program, predecessor)) => {
                (server.following(Box::new(again), source).replaceable(program), predecessor)
            }
            None => (server, None),
        };
        let life = Life::new(predecessor, prefix);
        let told = |phase| {
            life.tell(phase);
            tell(phase);
        };
        if abrupt { server.abrupt().run(told) } else { server.run(told) }
    }
}

/// What follows a configuration, what may take this process's place, and whose place it takes itself.
type Follow = (Again, Result<Program, String>, Option<Predecessor>);

// === impl Followed ===

impl Followed {
    fn follow(self, settings: &Settings, source: &Source, serving: Serving) -> Follow {
        let again = Again::new(self.place, self.setup, settings.clone(), source.clone(), serving);
        (again, self.program, self.predecessor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_banner_names_every_listener_with_its_port() {
        let tls = Listen { ssl: true, http2: true, ..Listen::plain(([127, 0, 0, 1], 0).into()) };
        let listens = vec![Listen::plain(([127, 0, 0, 1], 80).into()), tls];
        let got = [([127, 0, 0, 1], 80).into(), ([127, 0, 0, 1], 8443).into()];
        let text = banner(&bound(listens, got.into_iter()), "kong.yml", "1 service");
        let want = " serves kong.yml (1 service)\n  on http://127.0.0.1:80\n  on https://127.0.0.1:8443 (http2)\n";
        assert!(text.ends_with(want), "{text}");
    }
}
