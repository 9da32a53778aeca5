//! `gateway import`: reads the files, writes the result, says what is not in it.

use super::args::Nginx;
use super::document::Place;
use super::{REFUSED, UNREADABLE, count, print};
use crate::config::render;
use crate::config::report::Source;
use crate::import::note::Kind;
use crate::import::{Imported, Refused, nginx, write};
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// `gateway import nginx FILE…`.
pub(super) fn nginx(args: &Nginx) -> ExitCode {
    let mut files = Vec::new();
    for path in &args.files {
        let place = Place::of(path);
        match place.read() {
            Ok(source) => files.push(source),
            Err(error) => {
                print::err(&place.unreadable(&error));
                return ExitCode::from(UNREADABLE);
            }
        }
    }
    let folder = folder(args);
    let include = |pattern: &str| included(&folder, pattern);
    match nginx::import(&files, &folder.to_string_lossy(), &include) {
        Ok(imported) => finish(args, &imported),
        Err(refused) => refuse(&refused),
    }
}

/// Where relative paths start, absolute.
fn folder(args: &Nginx) -> PathBuf {
    let parent = args.files.first().and_then(|file| file.parent()).filter(|parent| !parent.as_os_str().is_empty());
    let folder = args.folder.as_deref().or(parent).unwrap_or_else(|| Path::new("."));
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    // `.` and the like at the end would look odd in the result.
    absolute.components().filter(|part| *part != std::path::Component::CurDir).collect()
}

/// The files of an `include`, sorted by name as nginx sorts them. A pattern may fit none; a name must be there.
fn included(folder: &Path, pattern: &str) -> Result<Vec<Source>, String> {
    let whole = folder.join(pattern);
    if !pattern.contains(['*', '?', '[']) {
        return Ok(vec![source(&whole)?]);
    }
    let found = glob::glob(&whole.to_string_lossy()).map_err(|error| format!("no pattern ({error})"))?;
    let files = found.filter_map(Result::ok).filter(|path| !path.is_dir());
    files.map(|path| source(&path)).collect()
}

fn source(path: &Path) -> Result<Source, String> {
    Place::File(path.to_owned()).read().map_err(|error| format!("{}: {}", path.display(), print::reason(&error)))
}

fn refuse(refused: &Refused) -> ExitCode {
    let look = print::Look::of(&io::stderr());
    print::err(&render::human(&refused.report, &refused.source, look.color, look.width));
    ExitCode::from(REFUSED)
}

fn finish(args: &Nginx, imported: &Imported) -> ExitCode {
    for note in &imported.notes {
        print::err(&format!("{}\n", note.line()));
    }
    print::err(&summary(imported));
    if args.strict && !imported.notes.is_empty() {
        print::err("nothing was written: --strict\n");
        return ExitCode::from(REFUSED);
    }
    let text = write::write(&imported.document);
    let Some(path) = &args.output else {
        print::out(&text);
        return ExitCode::SUCCESS;
    };
    match save(path, &text, args.force) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            print::err(&format!("error: {} exists; --force overwrites it\n", path.display()));
            ExitCode::from(REFUSED)
        }
        Err(error) => {
            print::err(&format!("error: {}: {}\n", path.display(), print::reason(&error)));
            ExitCode::from(REFUSED)
        }
    }
}

fn save(path: &Path, text: &str, force: bool) -> io::Result<()> {
    let mut options = OpenOptions::new();
    if force {
        options.write(true).create(true).truncate(true);
    } else {
        options.write(true).create_new(true);
    }
    options.open(path)?.write_all(text.as_bytes())
}

/// `imported 2 servers, 5 locations; 3 directives were not carried over, 1 differs`.
fn summary(imported: &Imported) -> String {
    let (servers, locations) =
        (count::number(imported.servers, "server"), count::number(imported.locations, "location"));
    let of = |kind| imported.notes.iter().filter(|note| note.kind == kind).count();
    let lost = match of(Kind::Lost) {
        1 => "1 directive was not carried over".to_owned(),
        lost => format!("{lost} directives were not carried over"),
    };
    let differ = match of(Kind::Differs) {
        0 => String::new(),
        1 => ", 1 differs".to_owned(),
        differ => format!(", {differ} differ"),
    };
    format!("imported {servers}, {locations}; {lost}{differ}\n")
}
