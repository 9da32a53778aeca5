//! `gateway check`: what is wrong with files.

use super::args::{Check, Format};
use super::document::Place;
use super::edge::Setup;
use super::findings::{Compiled, compile_here, counts};
use super::{REFUSED, UNREADABLE, count, print, refuse};
use std::io;
use std::process::ExitCode;

/// Checks every file; the worst result is the exit code.
pub(super) fn main(args: &Check) -> ExitCode {
    let setup = match Setup::new(&args.settings, Vec::new()) {
        Ok(setup) => setup,
        Err(messages) => return refuse(&messages),
    };
    let places = match args.files.as_slice() {
        [] => vec![Place::choose(None, &setup.base.settings)],
        files => files.iter().map(|file| Place::of(file)).collect(),
    };
    let codes = places.iter().map(|place| check(place, args, &setup));
    ExitCode::from(codes.max().unwrap_or_default())
}

fn check(place: &Place, args: &Check, setup: &Setup) -> u8 {
    let source = match place.read() {
        Ok(source) => source,
        Err(error) => {
            print::err(&place.unreadable(&error));
            return UNREADABLE;
        }
    };
    let mut compiled = match compile_here(source, setup) {
        Ok((compiled, _)) => compiled,
        Err(messages) => {
            refuse(&messages);
            return REFUSED;
        }
    };
    compiled.report.allow(&args.allow);
    let portable = !args.portable || compiled.mind_extensions();
    print::out(&compiled.render(args.format, &io::stdout()));
    if args.format == Format::Human {
        print::out(&verdict(place, &compiled, portable));
    }
    if compiled.snapshot.is_some() && portable { 0 } else { REFUSED }
}

/// The last line, for people.
fn verdict(place: &Place, compiled: &Compiled, portable: bool) -> String {
    let found = counts(&compiled.report);
    match &compiled.snapshot {
        None => format!("{place} cannot be served: {found}\n"),
        Some(_) if !portable => format!("{place} can be served here, but not by Kong: {found}\n"),
        Some(snapshot) if found.is_empty() => format!("{place} is fine: {}\n", count::contents(snapshot)),
        Some(snapshot) => format!("{place} can be served, with {found}: {}\n", count::contents(snapshot)),
    }
}
