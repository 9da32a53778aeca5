//! From the settings to a server that listens, with what goes wrong on the way in Kong's words (`kong/init.lua`).

use super::config::absolute;
use super::prefix::Prefix;
use crate::cli::document::Place;
use crate::cli::edge::Setup;
use crate::cli::findings::{Compiled, compile_here};
use crate::cli::run::{self, Ready};
use crate::cli::{print, systemd};
use crate::server::Phase;
use std::io;

/// What may serve, before it is known whether it can.
pub(super) struct Serve {
    /// The settings.
    pub(super) setup: Setup,
    /// Where it is found.
    pub(super) prefix: Prefix,
    /// Why the prefix cannot be used, if it cannot.
    pub(super) unprepared: Option<String>,
}

// === impl Serve ===

impl Serve {
    /// Serves until it is stopped. `tell` hears when it began, and when it stops.
    ///
    /// # Errors
    /// Why it cannot.
    pub(super) fn until_stopped(self, tell: impl Fn(Phase)) -> Result<(), String> {
        let passed = systemd::sockets()?;
        let place = place(&self.setup);
        let source = place.read().map_err(|error| unreadable(&place, &error))?;
        let (compiled, loaded) = compile_here(source, &self.setup).map_err(|messages| messages.join("\n"))?;
        print::err(&run::told(&compiled));
        if let Some(words) = compiled.kong() {
            return Err(refused(&place, &words));
        }
        let unprepared = self.unprepared.or_else(|| self.prefix.record(&loaded.set).err());
        let settings = run::begin(loaded);
        if let Some(why) = &unprepared {
            tracing::info!("commands such as `kong health` find this gateway by its listeners alone: {why}");
        }
        let Compiled { source, snapshot: Some(snapshot), serving, .. } = compiled else {
            return Err(format!("{place} cannot be served"));
        };
        let from = Some((place, self.setup));
        let prefix = unprepared.is_none().then(|| self.prefix.path().to_owned());
        let ready = Ready { settings, snapshot, source, serving, from, prefix, passed, abrupt: true };
        let told = |phase| {
            systemd::tell(phase);
            tell(phase);
        };
        ready.serve(|_| String::new(), told).map_err(|error| error.to_string())
    }
}

/// What is served. Kong names files by their whole paths, and begins without anything if there is none.
fn place(setup: &Setup) -> Place {
    match Place::named(&setup.base.settings) {
        Some(Place::File(path)) => Place::File(absolute(&path)),
        named => named.unwrap_or(Place::Nowhere),
    }
}

fn unreadable(place: &Place, error: &io::Error) -> String {
    if let Some(help) = place.advice(error) {
        print::err(&format!("help: {help}\n"));
    }
    refused(place, &format!("{place}: {}", print::reason(error)))
}

fn refused(place: &Place, words: &str) -> String {
    match place {
        Place::File(path) => format!("error parsing declarative config file {}:\n{words}", path.display()),
        _ => format!("error parsing declarative config string:\n{words}"),
    }
}
