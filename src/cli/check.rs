//! `gateway check`: what is wrong with files.

use super::args::{Check, Format};
use super::document::Place;
use super::findings::{compile_here, counts};
use super::{REFUSED, UNREADABLE, count, edge, print, refuse};
use crate::settings::Settings;
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
            print::err(&format!("error: {place}: {}\n", print::reason(&error)));
            return UNREADABLE;
        }
    };
    let compiled = compile_here(source, settings);
    print::out(&compiled.render(format));
    let last = match &compiled.snapshot {
        Some(snapshot) => format!("can be served ({}; {})", counts(&compiled.report), count::contents(snapshot)),
        None => format!("cannot be served ({})", counts(&compiled.report)),
    };
    if format == Format::Human {
        print::out(&format!("{place}: {last}\n"));
    }
    if compiled.snapshot.is_some() { 0 } else { REFUSED }
}
