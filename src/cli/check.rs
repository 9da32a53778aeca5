//! `gateway check`: what is wrong with files.

use super::args::{Check, Format};
use super::document::Place;
use super::findings::{Compiled, compile_here, counts};
use super::{REFUSED, UNREADABLE, count, edge, print, refuse};
use crate::settings::Settings;
use std::io;
use std::process::ExitCode;

/// Checks every file; the worst result is the exit code.
pub(super) fn main(args: &Check) -> ExitCode {
    let settings = match edge::settings(&args.settings, Vec::new()) {
        Ok(loaded) => loaded.settings,
        Err(messages) => return refuse(&messages),
    };
    let places = match args.files.as_slice() {
        [] => vec![Place::choose(None, &settings)],
        files => files.iter().map(|file| Place::of(file)).collect(),
    };
    let codes = places.iter().map(|place| check(place, args.format, &settings));
    ExitCode::from(codes.max().unwrap_or_default())
}

fn check(place: &Place, format: Format, settings: &Settings) -> u8 {
    let source = match place.read() {
        Ok(source) => source,
        Err(error) => {
            print::err(&place.unreadable(&error));
            return UNREADABLE;
        }
    };
    let compiled = compile_here(source, settings);
    print::out(&compiled.render(format, &io::stdout()));
    if format == Format::Human {
        print::out(&verdict(place, &compiled));
    }
    if compiled.snapshot.is_some() { 0 } else { REFUSED }
}

/// The last line, for people.
fn verdict(place: &Place, compiled: &Compiled) -> String {
    let found = counts(&compiled.report);
    match &compiled.snapshot {
        None => format!("{place} cannot be served: {found}\n"),
        Some(snapshot) if found.is_empty() => format!("{place} is fine: {}\n", count::contents(snapshot)),
        Some(snapshot) => format!("{place} can be served, with {found}: {}\n", count::contents(snapshot)),
    }
}
