//! `gateway schema`: the JSON Schema of Kong files.

use super::args::{FormatVersion, Schema};
use super::print;
use crate::config::json_schema;
use crate::entity::Compat;
use std::process::ExitCode;

pub(super) fn main(args: &Schema) -> ExitCode {
    let compat = args.version.map(|version| match version {
        FormatVersion::Two => Compat::Kong2,
        FormatVersion::Three => Compat::Kong3,
    });
    print::out(&format!("{:#}\n", json_schema::schema(compat)));
    ExitCode::SUCCESS
}
