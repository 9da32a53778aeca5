//! Lines in HTTP requests.

use super::wire::{Tls, connect, within};
use crate::outbox::{Http, Line};
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use std::io;
use tokio::time::Instant;

/// Bytes of an answer that are read so that its connection can be used again.
const ANSWER: usize = 64 * 1024;

/// Sends requests to one server, one after another.
pub(super) struct Requests {
    to: Box<Http>,
    tls: Tls,
    open: Option<(SendRequest<Full<Bytes>>, Instant)>,
}

// === impl Requests ===

impl Requests {
    pub(super) fn new(to: Box<Http>, tls: Tls) -> Self {
        Self { to, tls, open: None }
    }

    /// Sends lines in one request. A connection that turns out to be dead is not an attempt.
    ///
    /// # Errors
    /// When they were not taken in time.
    pub(super) async fn send(&mut self, lines: &[Line]) -> io::Result<()> {
        let body = Bytes::from(body(lines, &self.to.around));
        let status = match self.over_idle(&body).await {
            Some(known) => known?,
            None => {
                let sender = self.connect().await?;
                self.exchange(sender, body).await?
            }
        };
        if status.as_u16() < self.to.failure { Ok(()) } else { Err(io::Error::other(format!("it answered {status}"))) }
    }

    /// The status that came over the connection of the last request; `None` where it must be asked for over another.
    async fn over_idle(&mut self, body: &Bytes) -> Option<io::Result<StatusCode>> {
        let (sender, since) = self.open.take()?;
        if since.elapsed() >= self.to.at.keepalive || sender.is_closed() {
            return None;
        }
        match self.exchange(sender, body.clone()).await {
            Err(error) if error.kind() != io::ErrorKind::TimedOut => None,
            known => Some(known),
        }
    }

    async fn connect(&self) -> io::Result<SendRequest<Full<Bytes>>> {
        let socket = connect(&self.to.at, &self.tls).await?;
        let (sender, connection) = handshake(TokioIo::new(socket)).await.map_err(io::Error::other)?;
        tokio::task::spawn_local(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection for logs ended with an error");
            }
        });
        Ok(sender)
    }

    async fn exchange(&mut self, mut sender: SendRequest<Full<Bytes>>, body: Bytes) -> io::Result<StatusCode> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = self.to.method.clone();
        *request.uri_mut() = self.to.path.parse().map_err(io::Error::other)?;
        *request.headers_mut() = self.to.headers.clone();
        let answer = within(self.to.at.server.timeout, async {
            let response = sender.send_request(request).await.map_err(io::Error::other)?;
            let status = response.status();
            let whole = Limited::new(response.into_body(), ANSWER).collect().await.is_ok();
            Ok((status, whole))
        });
        let (status, whole) = answer.await?;
        self.open = whole.then(|| (sender, Instant::now()));
        Ok(status)
    }
}

fn body(lines: &[Line], [before, after]: &[Box<str>; 2]) -> Vec<u8> {
    [before.as_bytes(), &lines.join(&b","[..]), after.as_bytes()].concat()
}
