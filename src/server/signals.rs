//! The signals that end a process, the first one politely, the second one at once; SIGHUP, which makes it read its
//! configuration again; SIGUSR1, which makes it open its logs anew; and SIGUSR2, which puts another process in its place.

use super::Phase;
use super::passed::Passed;
use super::upgrade::{Attempt, LIMIT, Program};
use std::io;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signal that is polite in any case.
pub(super) const POLITE: &str = "SIGQUIT";

/// Signals, listened for from the moment that this was made.
pub(super) struct Signals {
    runtime: Runtime,
    signals: [Signal; 3],
    again: Signal,
    reopen: Signal,
    upgrade: Signal,
}

/// What a process needs to put another one in its place.
pub(super) struct Succession<'a> {
    /// What to start, or why that would be wrong.
    pub(super) program: &'a Result<Program, String>,
    /// What to hand over.
    pub(super) sockets: &'a [Passed],
    /// Who hears how far it is.
    pub(super) tell: &'a dyn Fn(Phase),
}

/// Why a process no longer serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It was told to stop, by this signal.
    Told(&'static str),
    /// Another process serves in its place.
    Replaced,
}

// === impl Signals ===

impl Signals {
    /// Begins to listen: a signal that comes before [`wait`](Self::wait) is not lost. To be called before others can see
    /// that there is a process to send one to.
    ///
    /// # Errors
    /// When the system does not let us listen for signals.
    pub(super) fn listen() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let own = |kind| runtime.block_on(async { signal(kind) });
        let signals = [own(SignalKind::interrupt())?, own(SignalKind::terminate())?, own(SignalKind::quit())?];
        let again = own(SignalKind::hangup())?;
        let (reopen, upgrade) = (own(SignalKind::user_defined1())?, own(SignalKind::user_defined2())?);
        Ok(Self { runtime, signals, again, reopen, upgrade })
    }

    /// Waits for the first of SIGINT, SIGTERM and SIGQUIT, or until another process serves in this one's place; until
    /// then, `reload` is called at each SIGHUP, and `reopen` at each SIGUSR1. Without `reload` there is nothing to read
    /// again, and SIGHUP ends the process, too. From then on a second signal ends the process, with success where that is an
    /// `abrupt` one's usual end. One that was replaced ignores the first, which a supervisor sends to all of a service's
    /// processes.
    ///
    /// # Errors
    /// When no thread can be started to wait for the second.
    pub(super) fn wait(
        mut self,
        reload: Option<impl Fn()>,
        reopen: impl Fn(),
        succession: &Succession<'_>,
        abrupt: bool,
    ) -> io::Result<End> {
        let Self { runtime, signals, again, reopen: logs, upgrade } = &mut self;
        let end = runtime.block_on(async {
            let mut attempt = None;
            loop {
                tokio::select! {
                    told = first(signals) => return End::Told(told),
                    _ = again.recv() => match &reload {
                        Some(reload) => reload(),
                        None => return End::Told("SIGHUP"),
                    },
                    _ = logs.recv() => reopen(),
                    _ = upgrade.recv(), if attempt.is_none() => attempt = succession.begin(),
                    outcome = of(attempt.as_mut()) => {
                        attempt = None;
                        if succession.is_done(outcome) {
                            return End::Replaced;
                        }
                    }
                }
            }
        });
        std::thread::Builder::new().name("second-signal".into()).spawn(move || self.end_at_once(end, abrupt))?;
        Ok(end)
    }

    fn end_at_once(mut self, end: End, abrupt: bool) {
        self.runtime.block_on(async {
            if end == End::Replaced {
                first(&mut self.signals).await;
            }
            let told = first(&mut self.signals).await;
            tracing::warn!(signal = told, "stopping at once");
        });
        std::process::exit(if abrupt { 0 } else { 130 });
    }
}

async fn of(attempt: Option<&mut Attempt>) -> Result<u32, String> {
    match attempt {
        Some(attempt) => attempt.outcome().await,
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

// === impl Succession ===

impl Succession<'_> {
    fn begin(&self) -> Option<Attempt> {
        (self.tell)(Phase::HandingOver);
        let started = self.program.as_ref().map_err(Clone::clone);
        match started.and_then(|program| Attempt::start(program, self.sockets, LIMIT)) {
            Ok(attempt) => {
                tracing::info!(limit = ?LIMIT, "an upgrade: another process starts in the place of this one");
                Some(attempt)
            }
            Err(why) => {
                self.goes_on(&why);
                None
            }
        }
    }

    fn is_done(&self, outcome: Result<u32, String>) -> bool {
        match outcome {
            Ok(process) => {
                tracing::info!(process, "another process serves in the place of this one");
                (self.tell)(Phase::Replaced(process));
                true
            }
            Err(why) => {
                self.goes_on(&why);
                false
            }
        }
    }

    fn goes_on(&self, why: &str) {
        tracing::error!(why, "no upgrade: this process serves on");
        (self.tell)(Phase::Kept);
    }
}
