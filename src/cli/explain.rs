//! `gateway explain`: what would become of a request.

use super::args;
use super::document::{Place, read_some};
use super::edge::Setup;
use super::findings::{Compiled, compile_outlined, counts};
use super::{REFUSED, UNREADABLE, print, refuse};
use crate::config::MAX_TEXT;
use crate::config::outline::Outline;
use crate::explain::secrets::Secrets;
use crate::explain::{Look, Paint, Question, Served, explain, json, read_batch, text};
use crate::settings::Settings;
use crate::snapshot::Snapshot;
use std::fs::File;
use std::io::{self, BufRead, Read};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Instant, SystemTime};
use tokio::runtime::{Builder, Runtime};

/// Columns where there is no terminal that has some.
pub(super) const COLUMNS: usize = 80;

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
    if wants_stdin_twice(args) {
        return Err(wrong("standard input cannot be the Kong file and a request at once"));
    }
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
    if is_stdin(path) { read_some(io::stdin().lock()) } else { read_some(File::open(path)?) }
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Whether two things are to be read from standard input.
fn wants_stdin_twice(args: &args::Explain) -> bool {
    let others = args.batch || args.body.as_deref().is_some_and(is_stdin);
    others && args.config.as_deref().is_some_and(is_stdin)
}

fn one(args: &args::Explain, ready: &Ready, question: &Question, runtime: &Runtime) -> String {
    let told = runtime.block_on(explain(ready.served(), question, Instant::now(), SystemTime::now()));
    if args.json {
        return format!("{:#}\n", json(question, &told, secrets(args, ready)));
    }
    let look = print::Look::within(&io::stdout(), COLUMNS);
    let (paint, secrets) = (Paint(look.color), secrets(args, ready));
    text(question, &told, &Look { width: look.width, paint, all: args.all, secrets })
}

fn secrets<'a>(args: &args::Explain, ready: &'a Ready) -> Secrets<'a> {
    if args.show_secrets { Secrets::Shown } else { Secrets::Masked(&ready.snapshot.secrets) }
}

/// One line in, one line out, until there are no more. A line that is no question gets an error.
fn batch(args: &args::Explain, ready: &Ready, runtime: &Runtime) -> ExitCode {
    let (mut input, mut code) = (io::stdin().lock(), ExitCode::SUCCESS);
    loop {
        let line = match next_line(&mut input) {
            Ok(Some(line)) => line,
            Ok(None) => return code,
            Err(error) => return wrong(&format!("standard input: {}", print::reason(&error))),
        };
        let answer = match read_batch(&line) {
            Ok(question) => {
                let told = runtime.block_on(explain(ready.served(), &question, Instant::now(), SystemTime::now()));
                json(&question, &told, secrets(args, ready))
            }
            Err(why) => {
                code = ExitCode::from(UNREADABLE);
                serde_json::json!({ "error": why })
            }
        };
        print::out(&format!("{answer}\n"));
    }
}

/// The next line, if there is one that is no longer than a document may be.
fn next_line(input: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = String::new();
    let read = input.take(MAX_TEXT as u64).read_line(&mut line)?;
    match read {
        0 => Ok(None),
        MAX_TEXT => {
            Err(io::Error::new(io::ErrorKind::InvalidData, format!("a line of more than {} MiB", MAX_TEXT >> 20)))
        }
        _ => Ok(Some(line)),
    }
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
    print::err(&compiled.human(&io::stderr()));
    print::err(&format!("error: {place} cannot be served ({})\n", counts(&compiled.report)));
    ExitCode::from(REFUSED)
}
