//! A client's socket, as those need it who put writes together (bytes are taken first, and written later), or leave a body
//! to the kernel.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

/// Most bytes that one TLS record carries (RFC 8446 §5.1).
pub const RECORD: usize = 16 * 1024;

/// A socket, plain or over TLS.
pub trait Socket: AsyncRead + AsyncWrite + Unpin {
    /// Whether it keeps what it takes, all of it, in records; if not, it writes at once.
    const SEALS: bool = false;

    /// Called once, before anything else.
    fn begin(&mut self) {}

    /// The socket itself, if nothing is done to what goes through.
    fn plain(&self) -> Option<&TcpStream> {
        None
    }

    /// Takes some of these bytes.
    fn poll_take(&mut self, bufs: &[IoSlice<'_>], cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        Pin::new(self).poll_write_vectored(cx, bufs)
    }

    /// Writes some of what it keeps; ready with none when that is nothing.
    fn poll_out(&mut self, _: &mut Context<'_>) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(0))
    }
}

impl Socket for TcpStream {
    fn plain(&self) -> Option<&TcpStream> {
        Some(self)
    }
}

#[cfg(test)]
impl Socket for tokio::io::DuplexStream {}

/// tokio-rustls would write each record at once. How much may be kept is the caller's business: at a limit of its own, rustls
/// makes short records.
impl<S: AsyncRead + AsyncWrite + Unpin> Socket for TlsStream<S> {
    const SEALS: bool = true;

    fn begin(&mut self) {
        self.get_mut().1.set_buffer_limit(None);
    }

    fn poll_take(&mut self, bufs: &[IoSlice<'_>], _: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut writer = self.get_mut().1.writer();
        Poll::Ready(match bufs {
            [one] => io::Write::write(&mut writer, one),
            several => io::Write::write_vectored(&mut writer, several),
        })
    }

    fn poll_out(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let (socket, session) = self.get_mut();
        if !session.wants_write() {
            return Poll::Ready(Ok(0));
        }
        match session.write_tls(&mut Now { socket, cx }) {
            Ok(0) => Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
            written => Poll::Ready(written),
        }
    }
}

/// What a socket takes now, as rustls asks for it.
struct Now<'a, 'b, S> {
    socket: &'a mut S,
    cx: &'a mut Context<'b>,
}

impl<S: AsyncWrite + Unpin> io::Write for Now<'_, '_, S> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(buf)])
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        match Pin::new(&mut *self.socket).poll_write_vectored(self.cx, bufs) {
            Poll::Ready(written) => written,
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
