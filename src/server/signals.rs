//! The signals that end a process: the first one politely, the second one at once.

use std::io;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Signals, listened for from the moment that this was made.
pub(super) struct Signals {
    runtime: Runtime,
    signals: [Signal; 3],
}

// === impl Signals ===

impl Signals {
    /// Begins to listen: a signal that comes before [`wait`](Self::wait) is not lost.
    ///
    /// # Errors
    /// When the system does not let us listen for signals.
    pub(super) fn listen() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let signals = runtime.block_on(async { listen() })?;
        Ok(Self { runtime, signals })
    }

    /// Waits for the first of SIGINT, SIGTERM and SIGQUIT, and says its name. From then on a second one ends the
    /// process.
    ///
    /// # Errors
    /// When no thread can be started to wait for the second.
    pub(super) fn wait(mut self) -> io::Result<&'static str> {
        let told = self.runtime.block_on(first(&mut self.signals));
        std::thread::Builder::new().name("second-signal".into()).spawn(move || {
            let told = self.runtime.block_on(first(&mut self.signals));
            tracing::warn!(signal = told, "stopping at once");
            std::process::exit(130);
        })?;
        Ok(told)
    }
}

fn listen() -> io::Result<[Signal; 3]> {
    Ok([signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?, signal(SignalKind::quit())?])
}

async fn first(signals: &mut [Signal; 3]) -> &'static str {
    let [interrupt, terminate, quit] = signals;
    tokio::select! {
        _ = interrupt.recv() => "SIGINT",
        _ = terminate.recv() => "SIGTERM",
        _ = quit.recv() => "SIGQUIT",
    }
}
