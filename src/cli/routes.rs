//! `gateway routes`: the routes as compiled.

use super::args;
use super::explain::{COLUMNS, Ready};
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
        false => {
            let look = print::Look::within(&io::stdout(), COLUMNS);
            table::text(&rows, look.width, Paint(look.color))
        }
    };
    print::out(&text);
    ExitCode::SUCCESS
}
