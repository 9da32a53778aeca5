//! The file: read with the configuration, and again whenever it changes.

use super::users::{Fault, Users};
use crate::config::report::Diagnostic;
use crate::config::value::Checked;
use crate::plugin::Build;
use crate::world::reason;
use arc_swap::ArcSwap;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// The users when the configuration is read. Lines that let nobody in are warnings, unless all do.
pub(super) fn load(field: &Checked, cx: &mut Build<'_>) -> Option<Users> {
    let file = field.as_str()?;
    let read = match (cx.files)(Path::new(file)) {
        Ok(bytes) => Users::read(&bytes),
        Err(error) => return cannot_be_read(field, file, &error, cx),
    };
    if read.users.is_none() {
        cx.reject_ours("no-users", field.span, nobody(file, &read.faults));
        return None;
    }
    for fault in &read.faults {
        cx.report.push(Diagnostic::warning("bad-htpasswd-line", field.span, format!("{file}, {fault}")));
    }
    read.users
}

fn cannot_be_read(field: &Checked, file: &str, error: &io::Error, cx: &mut Build<'_>) -> Option<Users> {
    if error.kind() == io::ErrorKind::NotFound {
        cx.reject_ours("no-such-file", field.span, format!("there is no file {file}"));
    } else {
        let reason = reason(error);
        cx.reject_ours("unreadable-file", field.span, format!("{file} cannot be read: {reason}"));
    }
    None
}

/// What is done with new contents. One without users is refused: it may be half written. The one in force changes
/// nothing: who came in is still remembered.
pub(super) fn taking(file: &str, users: Arc<ArcSwap<Users>>) -> impl Fn(&[u8]) -> Result<(), String> + use<> {
    let file: Box<str> = file.into();
    move |bytes| {
        if users.load().are_from(bytes) {
            return Ok(());
        }
        let read = Users::read(bytes);
        let new = read.users.ok_or_else(|| nobody(&file, &read.faults))?;
        for fault in &read.faults {
            tracing::warn!("htpasswd: {file}, {fault}");
        }
        tracing::info!(users = new.len(), "htpasswd: {file} was read again");
        users.store(Arc::new(new));
        Ok(())
    }
}

fn nobody(file: &str, faults: &[Fault]) -> String {
    match faults.first() {
        None => format!("{file} has no user: nobody could come in"),
        Some(fault) => format!("{file} has no user who could come in; {fault}"),
    }
}
