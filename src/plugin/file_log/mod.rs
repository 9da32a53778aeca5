//! `file-log`: a line of JSON for each request, at the end of a file (`kong/plugins.md` §20, recorded suite `file-log`).

#[cfg(test)]
mod tests;

use super::logger::{CUSTOM, Logger, writes_records};
use super::{Build, Define};
use crate::config::schema::{Default, Field, Record, Rule};
use crate::config::value::Checked;
use crate::entity::Compat;
use crate::outbox::{Destination, Pace, Plan};

/// The plugin.
#[derive(Debug)]
pub struct FileLog(Logger);

static CONFIG: Record = Record {
    fields: &[
        Field::string("path").required().rules(&[Rule::Text(file_name)]),
        Field::boolean("reopen").default(Default::Bool(false)).required(),
        CUSTOM,
    ],
    checks: &[],
};

/// Lines that are written together.
const BATCH: usize = 1024;

/// A rule: the name of a file, as Kong has them.
fn file_name(text: &str) -> Result<(), String> {
    if text.contains(['*', '&', '%', '\\', '`']) { Err("not a valid filename".to_owned()) } else { Ok(()) }
}

// === impl FileLog ===

writes_records!(FileLog);

impl Define for FileLog {
    const NAME: &'static str = "file-log";

    fn priority(_: Compat) -> i32 {
        9
    }

    fn schema() -> &'static Record {
        &CONFIG
    }

    fn build(config: &Checked, cx: &mut Build<'_>) -> Option<Self> {
        let to = Destination::File { path: config.str("path")?.into(), reopen: config.bool("reopen") };
        let pace = Pace { batch: BATCH, ..Pace::default() };
        Some(Self(Logger::build(Self::NAME, Plan { to, pace }, config, cx)))
    }
}
