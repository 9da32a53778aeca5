//! A body that a plugin changes as a whole: it is held back until its end is there.

use crate::body::{Body, BodyError};
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Most bytes that are held back for one answer. A longer one goes on unchanged.
pub(super) const MOST: usize = 8 << 20;

/// What makes a new body of a whole one.
type Change = Box<dyn FnOnce(Bytes) -> Bytes>;

/// A body that is being read, and what comes of it. It never says how long it is: that is not known before its end.
struct Whole {
    body: Body,
    /// Taken when the end is there, or when it never will be within the limit.
    change: Option<Change>,
    read: BytesMut,
    limit: usize,
    trailers: Option<HeaderMap>,
    ended: bool,
}

/// The body with all its bytes changed at once. More than `limit` of them stay as they are.
///
/// While it is read it gives empty pieces, so that whoever waits sees that it comes on.
pub(super) fn changed(body: Body, limit: usize, change: impl FnOnce(Bytes) -> Bytes + 'static) -> Body {
    let (read, trailers) = (BytesMut::new(), None);
    Body::boxed(Whole { body, change: Some(Box::new(change)), read, limit, trailers, ended: false })
}

// === impl Whole ===

impl Whole {
    /// Takes one more piece. Yields all of them when they are too many.
    fn take(&mut self, frame: Frame<Bytes>) -> Frame<Bytes> {
        match frame.into_data() {
            Ok(data) => self.read.extend_from_slice(&data),
            Err(frame) => self.trailers = frame.into_trailers().ok(),
        }
        if self.read.len() <= self.limit {
            return Frame::data(Bytes::new());
        }
        tracing::warn!(limit = self.limit, "an answer is too long to be changed, and goes on as it is");
        self.change = None;
        Frame::data(self.read.split().freeze())
    }

    /// What is left when the end is there, or when pieces are no longer held back.
    fn last(&mut self) -> Option<Frame<Bytes>> {
        self.ended = true;
        if let Some(change) = self.change.take() {
            let bytes = change(self.read.split().freeze());
            self.ended = self.trailers.is_none();
            return Some(Frame::data(bytes));
        }
        self.trailers.take().map(Frame::trailers)
    }
}

impl HttpBody for Whole {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        if this.ended {
            return Poll::Ready(None);
        }
        if this.body.is_end_stream() {
            return Poll::Ready(this.last().map(Ok));
        }
        match ready!(Pin::new(&mut this.body).poll_frame(cx)) {
            Some(Ok(frame)) if this.change.is_some() => Poll::Ready(Some(Ok(this.take(frame)))),
            Some(passed) => Poll::Ready(Some(passed)),
            None => Poll::Ready(this.last().map(Ok)),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ended || (self.change.is_none() && self.trailers.is_none() && self.body.is_end_stream())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::plugin::testing::block_on;
    use http_body_util::{BodyExt, StreamBody};

    type Piece = Result<Frame<Bytes>, BodyError>;

    fn data(text: &'static str) -> Piece {
        Ok(Frame::data(Bytes::from_static(text.as_bytes())))
    }

    fn pieces(pieces: Vec<Piece>) -> Body {
        Body::boxed(StreamBody::new(futures_util::stream::iter(pieces)))
    }

    fn doubled(body: Body, limit: usize) -> Body {
        changed(body, limit, |bytes| [bytes.clone(), bytes].concat().into())
    }

    fn text(body: Body) -> String {
        String::from_utf8(block_on(body.collect()).unwrap().to_bytes().to_vec()).unwrap()
    }

    #[test]
    fn the_whole_body_is_changed_at_once() {
        assert_eq!(text(doubled(pieces(vec![data("ab"), data("c")]), 3)), "abcabc");
        assert_eq!(text(doubled(Body::full("abc"), 3)), "abcabc");
        assert_eq!(text(changed(pieces(vec![]), 3, |_| Bytes::from_static(b"x"))), "x");
    }

    #[test]
    fn what_is_too_long_goes_on_as_it_is() {
        assert_eq!(text(doubled(pieces(vec![data("ab"), data("c"), data("d")]), 2)), "abcd");
        assert_eq!(text(doubled(Body::full("abc"), 2)), "abc");
    }

    #[test]
    fn nothing_is_said_of_its_length_and_every_piece_is_noticed() {
        block_on(async {
            let mut body = doubled(pieces(vec![data("ab"), data("c")]), 9);
            assert_eq!(body.size_hint().exact(), None);
            for expected in ["", "", "abcabc"] {
                assert!(!body.is_end_stream());
                assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), expected);
            }
            assert!(body.is_end_stream() && body.frame().await.is_none());
        });
    }

    #[test]
    fn trailers_stay_at_the_end_and_an_error_is_one() {
        block_on(async {
            let mut trailers = HeaderMap::new();
            trailers.insert("x-sum", "1".parse().unwrap());
            let body = doubled(pieces(vec![data("a"), Ok(Frame::trailers(trailers.clone()))]), 9);
            let all = body.collect().await.unwrap();
            assert_eq!(all.trailers(), Some(&trailers));
            assert_eq!(all.to_bytes(), "aa");
            let long = doubled(pieces(vec![data("ab"), Ok(Frame::trailers(trailers.clone()))]), 1);
            assert_eq!(long.collect().await.unwrap().trailers(), Some(&trailers));
            let broken = doubled(pieces(vec![data("a"), Err("gone".into())]), 9);
            assert_eq!(broken.collect().await.unwrap_err().to_string(), "gone");
        });
    }
}
