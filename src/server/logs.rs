//! The access logs of all listeners, opened before anything is served.

use super::ServeError;
use crate::admin::journal::Sinks;
use crate::observe::writer::{Logs, Sink};
use crate::settings::{AccessLog, Listen, Settings};

/// An access log, ready to be written.
pub(super) fn open(logs: &mut Logs, log: &AccessLog) -> Result<Option<Sink>, ServeError> {
    logs.open(&log.to).map_err(|error| ServeError(format!("cannot open the access log {}: {error}", log.to)))
}

/// Those of the admin and status listeners that there are.
pub(super) fn sinks(logs: &mut Logs, settings: &Settings) -> Result<Sinks, ServeError> {
    let mut sink = |listens: &[Listen], log| if listens.is_empty() { Ok(None) } else { open(logs, log) };
    Ok(Sinks {
        admin: sink(&settings.admin_listen, &settings.admin_access_log)?,
        status: sink(&settings.status_listen, &settings.status_access_log)?,
    })
}
