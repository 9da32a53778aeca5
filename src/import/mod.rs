//! Other programs' configuration files in the gateway's own format: what could be carried over, and by name everything
//! that could not. Pure: who calls reads the files.

pub mod document;
pub mod nginx;
pub mod note;
mod share;
pub mod write;

use crate::config::report::{Report, Source};
use document::Document;
use note::Note;

/// Finds the files that an `include` names, in nginx's order. An error says in lower case why there are none.
pub type Include<'a> = &'a dyn Fn(&str) -> Result<Vec<Source>, String>;

/// What came of configuration files.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The gateway's file.
    pub document: Document,
    /// What was not carried over exactly.
    pub notes: Vec<Note>,
    /// How many servers there were.
    pub servers: usize,
    /// How many locations there were.
    pub locations: usize,
}

/// Why nothing came of them.
#[derive(Clone, Debug)]
pub struct Refused {
    /// The file at fault.
    pub source: Source,
    /// What is wrong with it.
    pub report: Report,
}
