//! Who hears of requests besides the access log.

use super::access::{Entry, Outcome};
use crate::outbox::Outbox;
use crate::settings::Settings;
use std::fmt;
use std::sync::Arc;

/// Makes something of every request, and queues it.
pub trait Exporter: fmt::Debug + Send + Sync {
    /// A request is over. Never waits.
    fn tell(&self, entry: &Entry, end: &Outcome<'_>);

    /// The queue of what is to leave the process.
    fn outbox(&self) -> &Arc<Outbox>;
}

/// The one that the settings ask for, as far as this build has it.
#[must_use]
#[cfg(feature = "otlp")]
pub fn of(settings: &Settings) -> Option<Arc<dyn Exporter>> {
    settings.otlp.as_ref().map(|otlp| Arc::new(super::otlp::Spans::new(otlp)) as Arc<dyn Exporter>)
}

/// The one that the settings ask for: none in this build.
#[must_use]
#[cfg(not(feature = "otlp"))]
pub fn of(_: &Settings) -> Option<Arc<dyn Exporter>> {
    None
}
