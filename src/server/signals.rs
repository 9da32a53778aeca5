//! The signals that end a process, the first one politely, the second one at once; and SIGHUP, which makes it read its
//! configuration again.

use std::io;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signal that is polite in any case.
pub(super) const POLITE: &str = "SIGQUIT";

/// Signals, listened for from the moment that this was made.
pub(super) struct Signals {
    runtime: Runtime,
    signals: [Signal; 3],
    /// `None` where there is nothing to read again: SIGHUP then ends the process, as it does by itself.
    again: Option<Signal>,
}

// === impl Signals ===

impl Signals {
    /// Begins to listen: a signal that comes before [`wait`](Self::wait) is not lost.
    ///
    /// # Errors
    /// When the system does not let us listen for signals.
    pub(super) fn listen(reloads: bool) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let signals = runtime.block_on(async { listen() })?;
        let again = reloads.then(|| runtime.block_on(async { signal(SignalKind::hangup()) })).transpose()?;
        Ok(Self { runtime, signals, again })
    }

    /// Waits for the first of SIGINT, SIGTERM and SIGQUIT, and says its name; until then, `reload` is called at each
    /// SIGHUP. From then on a second one ends the process: with success where that is an `abrupt` one's usual end.
    ///
    /// # Errors
    /// When no thread can be started to wait for the second.
    pub(super) fn wait(mut self, reload: impl Fn(), abrupt: bool) -> io::Result<&'static str> {
        let told = self.runtime.block_on(async {
            loop {
                tokio::select! {
                    told = first(&mut self.signals) => return told,
                    () = next(self.again.as_mut()) => reload(),
                }
            }
        });
        std::thread::Builder::new().name("second-signal".into()).spawn(move || {
            let told = self.runtime.block_on(first(&mut self.signals));
            tracing::warn!(signal = told, "stopping at once");
            std::process::exit(if abrupt { 0 } else { 130 });
        })?;
        Ok(told)
    }
}

fn listen() -> io::Result<[Signal; 3]> {
    Ok([signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?, signal(SignalKind::quit())?])
}

async fn next(signal: Option<&mut Signal>) {
    match signal {
        Some(signal) => _ = signal.recv().await,
        None => std::future::pending().await,
    }
}

async fn first(signals: &mut [Signal; 3]) -> &'static str {
    let [interrupt, terminate, quit] = signals;
    tokio::select! {
        _ = interrupt.recv() => "SIGINT",
        _ = terminate.recv() => "SIGTERM",
        _ = quit.recv() => POLITE,
    }
}
