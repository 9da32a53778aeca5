//! Several files to one tree: `include` is replaced by what it names, within limits.

use super::super::{Include, Refused};
use super::notes::Notes;
use super::parse::parse;
use super::tree::Directive;
use crate::config::report::{Diagnostic, Report, Source};

/// Files within files.
const MAX_DEPTH: usize = 10;
/// Files in all.
const MAX_FILES: usize = 1000;
/// Bytes in all.
const MAX_BYTES: usize = 32 << 20;

/// Files whose content nginx needs and the gateway does not.
const NEEDLESS: &[&str] = &["mime.types", "fastcgi_params", "fastcgi.conf", "uwsgi_params", "scgi_params", "koi-utf"];

/// Everything that was read.
pub(super) struct Files<'a> {
    /// In the order in which they were read.
    pub(super) sources: Vec<Source>,
    include: Include<'a>,
    bytes: usize,
}

// === impl Files ===

impl<'a> Files<'a> {
    pub(super) fn new(include: Include<'a>) -> Self {
        Self { sources: Vec::new(), include, bytes: 0 }
    }

    /// Reads a file and what it includes.
    ///
    /// # Errors
    /// The first fault, with the file that it is in.
    pub(super) fn read(&mut self, source: &Source, notes: &mut Notes) -> Result<Vec<Directive>, Box<Refused>> {
        self.read_at(source, 0, notes)
    }

    fn read_at(&mut self, source: &Source, depth: usize, notes: &mut Notes) -> Result<Vec<Directive>, Box<Refused>> {
        let number = self.sources.len();
        self.sources.push(source.clone());
        self.bytes += source.text.len();
        if self.bytes > MAX_BYTES || number >= MAX_FILES {
            let message =
                format!("more than {MAX_FILES} files or {} MiB of configuration are not read", MAX_BYTES >> 20);
            return Err(refuse(source, Diagnostic::error("nginx-too-much", Default::default(), message)));
        }
        notes.names.push(source.name.clone());
        let parsed = parse(number, source).map_err(|found| refuse(source, *found))?;
        self.expand(parsed, source, depth, notes)
    }

    fn expand(
        &mut self,
        directives: Vec<Directive>,
        source: &Source,
        depth: usize,
        notes: &mut Notes,
    ) -> Result<Vec<Directive>, Box<Refused>> {
        let mut out = Vec::with_capacity(directives.len());
        for mut directive in directives {
            if directive.name == "include" && directive.block.is_none() {
                out.extend(self.included(&directive, source, depth, notes)?);
                continue;
            }
            if let Some(block) = directive.block.take() {
                directive.block = Some(self.expand(block, source, depth, notes)?);
            }
            out.push(directive);
        }
        Ok(out)
    }

    fn included(
        &mut self,
        directive: &Directive,
        source: &Source,
        depth: usize,
        notes: &mut Notes,
    ) -> Result<Vec<Directive>, Box<Refused>> {
        let Some(pattern) = directive.arg(0) else {
            notes.lost(directive, "it names no file");
            return Ok(Vec::new());
        };
        if NEEDLESS.iter().any(|name| pattern.rsplit('/').next() == Some(name)) {
            notes.covered(directive, "tables of nginx's own that the gateway does not need");
            return Ok(Vec::new());
        }
        if depth == MAX_DEPTH {
            let message = format!("files may include each other {MAX_DEPTH} deep, not deeper");
            return Err(refuse(source, Diagnostic::error("nginx-include", directive.at.span, message)));
        }
        let found = match (self.include)(pattern) {
            Ok(found) => found,
            Err(reason) => {
                notes.lost(directive, &format!("{reason}, so nothing in it was read"));
                return Ok(Vec::new());
            }
        };
        let mut out = Vec::new();
        for file in &found {
            out.extend(self.read_at(file, depth + 1, notes)?);
        }
        Ok(out)
    }
}

pub(super) fn refuse(source: &Source, found: Diagnostic) -> Box<Refused> {
    let mut report = Report::default();
    report.push(found);
    Box::new(Refused { source: source.clone(), report })
}
