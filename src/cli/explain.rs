//! `gateway explain`: what would become of a request.

use super::args::{self, Format};
use super::document::Place;
use super::edge::Setup;
use super::findings::{Compiled, compile_outlined, counts};
use super::{REFUSED, UNREADABLE, print, refuse};
use crate::config::outline::Outline;
use crate::explain::secrets::Secrets;
use crate::explain::{Look, Paint, Question, Served, explain, json, read_batch, text};
use crate::settings::Settings;
use crate::snapshot::Snapshot;
use std::io::{self, BufRead, Read};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;
use tokio::runtime::{Builder, Runtime};

/// A file that can be served, and what is known of it.
pub(super) struct Ready {
    snapshot: Snapshot,
    outline: Outline,
    settings: Settings,
}

/// Explains.
pub(super) fn main(args: &args::Explain) -> ExitCode {
    match try_main(args) {
        Ok(code) | Err(code) => code,
    }
}

fn try_main(args: &args::Explain) -> Result<ExitCode, ExitCode> {
    let question = if args.batch { None } else { Some(question(args).map_err(|why| wrong(&why))?) };
    let ready = Ready::read(args.config.as_deref(), &args.settings)?;
    let runtime = Builder::new_current_thread().enable_time().build();
    let runtime = runtime.map_err(|error| refuse(&[print::reason(&error)]))?;
    match question {
        Some(question) => print::out(&one(args, &ready, &question, &runtime)),
        None => return Ok(batch(args, &ready, &runtime)),
    }
    Ok(ExitCode::SUCCESS)
}

fn wrong(why: &str) -> ExitCode {
    print::err(&format!("error: {why}\n"));
    ExitCode::from(UNREADABLE)
}

fn question(args: &args::Explain) -> Result<Question, String> {
    let (method, url) = (args.method.as_deref().unwrap_or_default(), args.url.as_deref().unwrap_or_default());
    let question = Question::new(method, url)?.with_headers(args.headers.clone());
    let question = Question { from: args.from, version: args.http, ..question };
    let Some(path) = &args.body else { return Ok(question) };
    let body = read(path).map_err(|error| format!("{}: {}", path.display(), print::reason(&error)))?;
    Ok(question.with_body(body.into()))
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    if path.as_os_str() != "-" {
        return std::fs::read(path);
    }
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
}

fn one(args: &args::Explain, ready: &Ready, question: &Question, runtime: &Runtime) -> String {
    let told = runtime.block_on(explain(ready.served(), question, Instant::now()));
    if args.json {
        return format!("{:#}\n", json(question, &told, secrets(args)));
    }
    let paint = Paint(print::colors(&io::stdout()));
    text(question, &told, &Look { width: print::width(), paint, all: args.all, secrets: secrets(args) })
}

fn secrets(args: &args::Explain) -> Secrets {
    if args.show_secrets { Secrets::Shown } else { Secrets::Masked }
}

/// One line in, one line out, until there are no more. A line that is no question gets an error.
fn batch(args: &args::Explain, ready: &Ready, runtime: &Runtime) -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for line in io::stdin().lock().lines() {
        let Ok(line) = line else { return wrong("standard input is no UTF-8") };
        let answer = match read_batch(&line) {
            Ok(question) => {
                let told = runtime.block_on(explain(ready.served(), &question, Instant::now()));
                json(&question, &told, secrets(args))
            }
            Err(why) => {
                code = ExitCode::from(UNREADABLE);
                serde_json::json!({ "error": why })
            }
        };
        print::out(&format!("{answer}\n"));
    }
    code
}

// === impl Ready ===

impl Ready {
    /// Reads and compiles the file that is named, or that would be served. On failure everything is said.
    pub(super) fn read(file: Option<&Path>, args: &args::Settings) -> Result<Self, ExitCode> {
        let setup = Setup::new(args, Vec::new()).map_err(|messages| refuse(&messages))?;
        let place = Place::choose(file, &setup.base.settings);
        let source = place.read().map_err(|error| {
            print::err(&place.unreadable(&error));
            ExitCode::from(UNREADABLE)
        })?;
        let (compiled, outline, loaded) = compile_outlined(source, &setup).map_err(|messages| refuse(&messages))?;
        let Compiled { snapshot: Some(snapshot), .. } = compiled else { return Err(cannot(&compiled, &place)) };
        Ok(Self { snapshot, outline, settings: loaded.settings })
    }

    /// The parts.
    pub(super) fn served(&self) -> Served<'_> {
        Served { snapshot: &self.snapshot, outline: &self.outline, settings: &self.settings }
    }
}

fn cannot(compiled: &Compiled, place: &Place) -> ExitCode {
    print::err(&compiled.render(Format::Human, &io::stderr()));
    print::err(&format!("error: {place} cannot be served ({})\n", counts(&compiled.report)));
    ExitCode::from(REFUSED)
}
