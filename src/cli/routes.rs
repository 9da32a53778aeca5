//! `gateway routes`: the routes as compiled.

use super::args;
use super::explain::Ready;
use super::print;
use crate::explain::{Paint, table};
use std::io;
use std::process::ExitCode;

/// Lists them.
pub(super) fn main(args: &args::Routes) -> ExitCode {
    let ready = match Ready::read(args.file.as_deref(), &args.settings) {
        Ok(ready) => ready,
        Err(code) => return code,
    };
    let rows = table::rows(ready.served());
    let text = match args.json {
        true => format!("{:#}\n", table::json(&rows)),
        false => table::text(&rows, print::width(), Paint(print::colors(&io::stdout()))),
    };
    print::out(&text);
    ExitCode::SUCCESS
}
