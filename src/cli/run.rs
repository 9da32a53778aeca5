//! `gateway run`: settings, then the document, then the server.

use super::args::{self, Format};
use super::document::{DEFAULT, Place};
use super::findings::{Compiled, compile_here, counts};
use super::{REFUSED, Serve, UNREADABLE, count, edge, logs, print, refuse};
use crate::settings::{Loaded, Settings};
use std::io;
use std::process::ExitCode;

/// Serves until it is stopped.
pub(super) fn main(args: &args::Run, serve: Serve) -> ExitCode {
    let mut settings = match start(&args.settings, &args.serving) {
        Ok(settings) => settings,
        Err(code) => return code,
    };
    settings.resolve.extend(args.resolve.iter().cloned());
    let place = Place::choose(args.config.as_deref(), &settings);
    match place.read() {
        Ok(source) => {
            let compiled = compile_here(source, &settings);
            until_stopped(settings, compiled, "", serve)
        }
        Err(error) => unreadable(&place, &error),
    }
}

/// Loads the settings and starts the log. On failure everything is said.
pub(super) fn start(args: &args::Settings, serving: &args::Serving) -> Result<Settings, ExitCode> {
    let Loaded { settings, notes } = edge::settings(args, edge::flags(serving)).map_err(|all| refuse(&all))?;
    logs::start(settings.log_level);
    logs::tell(&notes);
    Ok(settings)
}

/// Serves what was compiled, if it can be; `more` is said after what listens.
pub(super) fn until_stopped(settings: Settings, compiled: Compiled, more: &str, serve: Serve) -> ExitCode {
    print::err(&compiled.render(Format::Human));
    let name = &compiled.source.name;
    let Some(snapshot) = compiled.snapshot else {
        print::err(&format!("error: {name} cannot be served ({})\n", counts(&compiled.report)));
        return ExitCode::from(REFUSED);
    };
    print::err(&banner(&settings, name, &count::contents(&snapshot)));
    print::err(more);
    match serve(settings, snapshot) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => refuse(&[print::reason(&error)]),
    }
}

/// What is served, and where.
fn banner(settings: &Settings, name: &str, contents: &str) -> String {
    let mut text = format!("gateway {} serves {name} ({contents})\n", env!("CARGO_PKG_VERSION"));
    for listen in &settings.proxy_listen {
        text.push_str(&format!("  on {listen}\n"));
    }
    text
}

fn unreadable(place: &Place, error: &io::Error) -> ExitCode {
    print::err(&format!("error: {place}: {}\n", print::reason(error)));
    if *place == Place::File(DEFAULT.into()) {
        print::err("help: name a Kong file with --config, or try `gateway demo`, which needs none\n");
    }
    ExitCode::from(UNREADABLE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Listen;

    #[test]
    fn the_banner_names_every_listener() {
        let tls = Listen { ssl: true, http2: true, ..Listen::plain(([127, 0, 0, 1], 8443).into()) };
        let settings =
            Settings { proxy_listen: vec![Listen::plain(([127, 0, 0, 1], 80).into()), tls], ..Settings::default() };
        let text = banner(&settings, "kong.yml", "1 service");
        assert!(text.ends_with(
            " serves kong.yml (1 service)\n  on http://127.0.0.1:80\n  on https://127.0.0.1:8443 (http2)\n"
        ));
    }
}
