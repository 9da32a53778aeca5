//! What systemd and this process have to tell each other: sockets that it opened for us (sd_listen_fds(3)), and when we
//! serve, when we stop, and who comes after us (sd_notify(3)). Without systemd, nothing happens.

use super::edge;
use crate::server::passed::{Opener, Passed};
use listenfd::ListenFd;
use sd_notify::NotifyState;
use std::io;

/// Takes over the sockets. `LISTEN_PID` and `LISTEN_FDS` are gone afterwards and the sockets close on exec, so that no
/// child takes them for its own. Must run before the first thread starts: the environment is not safe to change later.
///
/// # Errors
/// What was passed and is no listening TCP socket.
pub(super) fn sockets() -> Result<Vec<Passed>, String> {
    let names = edge::variable("LISTEN_FDNAMES").unwrap_or_default();
    let mut names = names.split(':');
    let mut fds = ListenFd::from_env();
    (0..fds.len()).map(|index| take(&mut fds, index, names.next().unwrap_or_default())).collect()
}

fn take(fds: &mut ListenFd, index: usize, name: &str) -> Result<Passed, String> {
    let socket = fds.take_tcp_listener(index).and_then(|socket| socket.ok_or_else(|| io::ErrorKind::NotFound.into()));
    socket
        .and_then(|socket| Passed::new(Opener::Supervisor, name, socket))
        .map_err(|error| refused(index, name, &error))
}

fn refused(index: usize, name: &str, why: &io::Error) -> String {
    let name = if name.is_empty() { "without name" } else { name };
    format!("socket {} that systemd passed ({name}) is no listening TCP socket: {why}", index + 1)
}

/// Tells where the process is. Who cannot be told is logged: systemd then waits until its own limit ends.
pub(super) fn tell(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(std::slice::from_ref(&state)) {
        tracing::warn!(%error, %state, "cannot tell the supervisor (NOTIFY_SOCKET)");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_socket_is_named() {
        let why = io::Error::other("fd 4 is not a valid tcp socket");
        assert_eq!(
            refused(1, "gateway.socket", &why),
            "socket 2 that systemd passed (gateway.socket) is no listening TCP socket: fd 4 is not a valid tcp socket"
        );
        assert!(refused(0, "", &why).contains("(without name)"));
    }
}
