//! The signals that end a process: the first one politely, the second one at once.

use std::io;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Waits for the first of SIGINT, SIGTERM and SIGQUIT, and says its name. From then on a second one ends the process.
///
/// # Errors
/// When the system does not let us listen for signals.
pub(super) fn wait() -> io::Result<&'static str> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (told, signals) = runtime.block_on(async {
        let mut signals = listen()?;
        let told = first(&mut signals).await;
        io::Result::Ok((told, signals))
    })?;
    std::thread::Builder::new().name("second-signal".into()).spawn(move || {
        let mut signals = signals;
        let told = runtime.block_on(first(&mut signals));
        tracing::warn!(signal = told, "stopping at once");
        std::process::exit(130);
    })?;
    Ok(told)
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
