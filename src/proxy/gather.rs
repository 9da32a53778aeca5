//! What of a body of unknown length is at hand already, so that a small one goes upstream with its length.
//!
//! nginx does the same for an unbuffered request that arrived whole with its head (`kong/proxying.md` §1).

use super::body::Break;
use crate::body::{Body, BodyError};
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame, SizeHint};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Frames that were read ahead, and the rest.
struct Ahead {
    frames: VecDeque<Bytes>,
    trailers: Option<HeaderMap>,
    rest: Body,
}

/// Reads what is there without waiting, at most `buffer` bytes. A body that ends within them becomes a full one.
///
/// # Errors
/// When it ends early, or is larger than `max`.
pub async fn gather(mut body: Body, buffer: usize, max: u64) -> Result<Body, Break> {
    if body.size_hint().exact().is_some() {
        return Ok(body);
    }
    let mut ahead = Ahead { frames: VecDeque::new(), trailers: None, rest: Body::Empty };
    let mut size = 0;
    loop {
        match at_hand(&mut body).await {
            Poll::Pending => break,
            Poll::Ready(None) => return Ok(ahead.whole()),
            Poll::Ready(Some(Err(_))) => return Err(Break::Client),
            Poll::Ready(Some(Ok(frame))) => size += ahead.take(frame),
        }
        if size as u64 > max {
            return Err(Break::TooLarge);
        }
        if size >= buffer {
            break;
        }
    }
    ahead.rest = body;
    Ok(Body::boxed(ahead))
}

/// The next frame, if it is there. Frames of HTTP/2 are read between two turns of their streams, so an empty hand is
/// believed at the second look.
async fn at_hand(body: &mut Body) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
    let first = poll_fn(|cx| Poll::Ready(Pin::new(&mut *body).poll_frame(cx))).await;
    if first.is_ready() {
        return first;
    }
    tokio::task::yield_now().await;
    poll_fn(|cx| Poll::Ready(Pin::new(&mut *body).poll_frame(cx))).await
}

// === impl Ahead ===

impl Ahead {
    fn take(&mut self, frame: Frame<Bytes>) -> usize {
        match frame.into_data() {
            Ok(data) => {
                let size = data.len();
                self.frames.push_back(data);
                size
            }
            Err(frame) => {
                self.trailers = frame.into_trailers().ok();
                0
            }
        }
    }

    /// The end was reached: one piece of known length, unless trailers follow it.
    fn whole(mut self) -> Body {
        if self.trailers.is_some() {
            return Body::boxed(self);
        }
        match self.frames.len() {
            0 => Body::Empty,
            1 => Body::full(self.frames.pop_front().unwrap_or_default()),
            _ => Body::full(self.frames.iter().fold(BytesMut::new(), |mut all, piece| {
                all.extend_from_slice(piece);
                all
            })),
        }
    }
}

impl HttpBody for Ahead {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Some(data) = self.frames.pop_front() {
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        if let Some(trailers) = self.trailers.take() {
            return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
        }
        Pin::new(&mut self.rest).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.frames.is_empty() && self.trailers.is_none() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use http_body_util::{BodyExt, StreamBody};

    fn pieces(list: &'static [&'static str]) -> Body {
        let frames = list.iter().map(|p| Ok::<_, BodyError>(Frame::data(Bytes::from_static(p.as_bytes()))));
        Body::boxed(StreamBody::new(futures_util::stream::iter(frames)))
    }

    #[tokio::test]
    async fn a_small_body_gets_its_length() {
        let body = gather(pieces(&["ab", "cde"]), 100, 5).await.unwrap();
        assert_eq!(body.size_hint().exact(), Some(5));
        assert_eq!(body.collect().await.unwrap().to_bytes(), "abcde");
        assert_eq!(gather(pieces(&[]), 100, 0).await.unwrap().size_hint().exact(), Some(0));
    }

    #[tokio::test]
    async fn a_large_one_streams_and_a_forbidden_one_breaks() {
        let body = gather(pieces(&["ab", "cde", "f"]), 4, u64::MAX).await.unwrap();
        assert_eq!(body.size_hint().exact(), None);
        assert_eq!(body.collect().await.unwrap().to_bytes(), "abcdef");
        assert_eq!(gather(pieces(&["ab", "cde"]), 100, 4).await.unwrap_err(), Break::TooLarge);
    }
}
