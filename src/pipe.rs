//! Bytes that the kernel moves from one socket to another by way of a pipe (splice(2)): nobody copies them in and out.

use rustix::io::Errno;
use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_getpipe_size, fcntl_setpipe_size, pipe_with, splice};
use std::cell::{Cell, RefCell};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use tokio::io::Interest;
use tokio::net::TcpStream;

/// How large a pipe should be. The kernel counts pages, and a fourth of what it gives without being asked costs a third more
/// time.
const ROOM: usize = 256 * 1024;
/// A smaller one is not worth it. Users who have many pipes get such (pipe(7), `pipe-user-pages-soft`).
const LEAST: usize = 64 * 1024;
/// Most bytes in a pipe. Pages that belong together count as one, so that more fits in than was asked for.
const HELD: usize = 512 * 1024;
/// Most pipes that one worker uses at a time, which is what it holds for clients that are slow.
const BUSY: usize = 64;
/// Most pipes that it keeps for later.
const IDLE: usize = 16;

/// A pipe in use. It goes back to the worker's others when it is empty, and is closed otherwise.
#[derive(Debug)]
pub struct Pipe {
    ends: Rc<Ends>,
    held: usize,
}

#[derive(Debug)]
struct Ends {
    read: OwnedFd,
    write: OwnedFd,
}

/// A worker's pipes.
#[derive(Default)]
struct Pipes {
    idle: RefCell<Vec<Rc<Ends>>>,
    busy: Cell<usize>,
    /// Whether the kernel, or what guards it, does not move bytes so.
    refused: Cell<bool>,
}

thread_local! {
    /// A worker is a thread.
    static PIPES: Pipes = Pipes::default();
}

// === impl Pipe ===

impl Pipe {
    /// An empty one; `None` if there are enough, or none can be had.
    #[must_use]
    pub fn take() -> Option<Self> {
        PIPES.with(|pipes| {
            if pipes.refused.get() || pipes.busy.get() >= BUSY {
                return None;
            }
            let kept = pipes.idle.borrow_mut().pop();
            let ends = kept.or_else(|| Ends::open().map(Rc::new))?;
            pipes.busy.set(pipes.busy.get() + 1);
            Some(Self { ends, held: 0 })
        })
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.held == 0
    }

    /// Moves what has come over a socket into an empty pipe, so many bytes at most; nothing is the end.
    ///
    /// # Errors
    /// The socket's, or [`io::ErrorKind::Unsupported`] where bytes cannot be moved so; then no pipe is to be had any more.
    pub fn poll_fill(&mut self, from: &TcpStream, most: u64, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let most = usize::try_from(most).unwrap_or(usize::MAX).min(HELD);
        loop {
            ready!(from.poll_read_ready(cx))?;
            match from.try_io(Interest::READABLE, || moved(from, &self.ends.write, most)) {
                Err(error) if again(&error) => {}
                filled => {
                    self.held += filled.as_ref().copied().unwrap_or(0);
                    return Poll::Ready(filled.inspect_err(refuse));
                }
            }
        }
    }

    /// Moves what is in it to a socket, as far as that takes it.
    ///
    /// # Errors
    /// The socket's.
    pub fn poll_drain(&mut self, to: &TcpStream, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        loop {
            ready!(to.poll_write_ready(cx))?;
            match to.try_io(Interest::WRITABLE, || moved(&self.ends.read, to, self.held)) {
                Err(error) if again(&error) => {}
                drained => {
                    self.held -= drained.as_ref().copied().unwrap_or(0).min(self.held);
                    return Poll::Ready(drained);
                }
            }
        }
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        // A thread that ends has no others any more.
        let _ = PIPES.try_with(|pipes| {
            pipes.busy.set(pipes.busy.get().saturating_sub(1));
            let mut idle = pipes.idle.borrow_mut();
            if self.held == 0 && idle.len() < IDLE {
                idle.push(Rc::clone(&self.ends));
            }
        });
    }
}

// === impl Ends ===

impl Ends {
    fn open() -> Option<Self> {
        let (read, write) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).ok()?;
        // Where that is refused, it stays as it is.
        let _ = fcntl_setpipe_size(&write, ROOM);
        (fcntl_getpipe_size(&write).ok()? >= LEAST).then_some(Self { read, write })
    }
}

fn moved(from: &impl AsFd, to: &impl AsFd, most: usize) -> io::Result<usize> {
    let flags = SpliceFlags::MOVE | SpliceFlags::NONBLOCK;
    splice(from, None, to, None, most, flags).map_err(|error| match error {
        Errno::INVAL | Errno::NOSYS | Errno::PERM | Errno::OPNOTSUPP => io::ErrorKind::Unsupported.into(),
        error => error.into(),
    })
}

fn again(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

fn refuse(error: &io::Error) {
    if error.kind() == io::ErrorKind::Unsupported {
        PIPES.with(|pipes| pipes.refused.set(true));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::future::poll_fn;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (near, listener.accept().await.unwrap().0)
    }

    fn kept() -> usize {
        PIPES.with(|pipes| pipes.idle.borrow().len())
    }

    #[tokio::test]
    async fn bytes_go_through_and_the_pipe_is_kept() {
        let ((mut from, source), (target, mut to)) = (pair().await, pair().await);
        from.write_all(b"0123456789").await.unwrap();
        let mut pipe = Pipe::take().unwrap();
        assert_eq!(poll_fn(|cx| pipe.poll_fill(&source, 4, cx)).await.unwrap(), 4);
        assert_eq!(poll_fn(|cx| pipe.poll_drain(&target, cx)).await.unwrap(), 4);
        assert!(pipe.is_empty());
        let mut got = [0; 4];
        to.read_exact(&mut got).await.unwrap();
        assert_eq!(&got, b"0123");
        drop(pipe);
        assert_eq!(kept(), 1);
        drop(from);
        let mut pipe = Pipe::take().unwrap();
        assert_eq!((kept(), poll_fn(|cx| pipe.poll_fill(&source, 100, cx)).await.unwrap()), (0, 6));
        drop(pipe);
        assert_eq!(kept(), 0, "what is left in it would come out before the next body");
        let mut pipe = Pipe::take().unwrap();
        assert_eq!(poll_fn(|cx| pipe.poll_fill(&source, 100, cx)).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn there_are_only_so_many() {
        let all: Vec<_> = std::iter::from_fn(Pipe::take).collect();
        assert_eq!(all.len(), BUSY);
        drop(all);
        assert_eq!(kept(), IDLE);
        assert!(Pipe::take().is_some());
    }

    #[test]
    fn a_refusal_is_remembered() {
        let file = std::fs::File::options().read(true).write(true).open("/dev/null").unwrap();
        let error = moved(&file, &file, 1).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::Unsupported);
        refuse(&error);
        assert!(Pipe::take().is_none());
    }
}
