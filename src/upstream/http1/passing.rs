//! An answer's body that goes through a pipe: what is known of it, and how long the upstream may be silent, is the same.

use super::Stalled;
use super::connection::Connection;
use super::stream::Stream;
use crate::body::BodyError;
use crate::http1::reading::Reading;
use crate::pipe::Pipe;
use std::io;
use std::task::{Context, Poll, ready};

/// From so many bytes on a pipe costs less than copies: 8 % of all that an answer of 64 KiB costs, whose first 16 are read with
/// its head; a third or more at 1 MiB.
const WORTH: u64 = 32 * 1024;

/// Whether the rest of a body is large, of known length, and not read yet.
pub(super) fn is_worth_it(connection: &Connection) -> bool {
    matches!(connection.reading, Reading::Length(WORTH..))
        && connection.buf.is_empty()
        && matches!(connection.stream, Stream::Plain(_))
}

/// Moves what is there of it into a pipe; nothing, where the kernel refuses.
pub(super) fn poll_pass(
    connection: &mut Connection,
    pipe: &mut Pipe,
    cx: &mut Context<'_>,
) -> Poll<Result<(), BodyError>> {
    let (Stream::Plain(socket), Reading::Length(left)) = (&connection.stream, &connection.reading) else {
        return Poll::Ready(Ok(()));
    };
    let left = *left;
    let Poll::Ready(moved) = pipe.poll_fill(socket, left, cx) else {
        ready!(connection.poll_stalled(cx));
        return Poll::Ready(Err(Stalled.into()));
    };
    connection.waiting = None;
    Poll::Ready(match moved {
        Ok(0) => Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
        Ok(count) => {
            connection.reading = Reading::length(left.saturating_sub(count as u64));
            connection.passed = true;
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(()),
        Err(error) => Err(error.into()),
    })
}
