//! An answer's body that the kernel moves from the upstream's socket to the client's, where nothing lies between them.

use super::wire::Wire;
use crate::http1::sending::Framing;
use crate::proxy::outgoing::Outgoing;
use crate::server::socket::Socket;
use std::io;
use std::task::{Context, Poll, ready};

/// So many bytes later, it is the turn of the worker's other connections.
const TURN: usize = 1024 * 1024;

// === impl Wire ===

impl<S: Socket> Wire<S> {
    /// Whether [`Wire::poll_pass`] is how what comes next of a body is sent.
    pub fn passes(&self, framing: Framing, body: &mut Outgoing) -> bool {
        matches!(framing, Framing::Length(_)) && self.stream.plain().is_some() && body.passes()
    }

    /// Has a body moved, after all that waits was written. Ready at its end, and when the rest comes in pieces.
    pub fn poll_pass(
        &mut self,
        framing: &mut Framing,
        body: &mut Outgoing,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let mut moved = 0;
        while self.passes(*framing, body) {
            if moved >= TURN {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            ready!(body.poll_filled(cx)).map_err(io::Error::other)?;
            let Some(socket) = self.stream.plain() else { break };
            let drained = body.poll_drained(socket, cx);
            let drained = ready!(self.limit(drained, cx))?;
            framing.passed(drained)?;
            moved += drained;
        }
        Poll::Ready(Ok(()))
    }
}
