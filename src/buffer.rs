//! Reads a body for a plugin, as far as a limit allows, and puts it back so that it can still go on.

use crate::body::{Body, BodyError};
use bytes::{Bytes, BytesMut};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;
use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

/// How reading a body went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// These are all its bytes.
    Whole(Bytes),
    /// It has more than the limit.
    TooLong,
    /// It broke off: whoever reads it next gets the error.
    Broken,
}

/// What was read, followed by what was not.
struct Joined {
    read: VecDeque<Frame<Bytes>>,
    rest: Rest,
}

enum Rest {
    /// Not read.
    Body(Body),
    /// What reading ended with; given once.
    Failed(Option<BodyError>),
}

/// Reads all bytes of a body, if they are no more than `limit`. Either way `body` is whole again afterwards: it gives the
/// same bytes, trailers and error as it would have without this.
///
/// A body whose length is known beforehand may be a quarter longer, as in nginx's `client_body_buffer_size` (recorded
/// in suite `functions`: 9008 bytes with 8 KiB).
pub async fn read(body: &mut Body, limit: usize) -> Read {
    let limit = limit as u64;
    let hint = body.size_hint();
    let fits = match hint.exact() {
        Some(length) => length <= limit || length < limit.saturating_add(limit / 4),
        None => hint.lower() <= limit,
    };
    match std::mem::take(body) {
        whole if whole.is_end_stream() => Read::Whole(Bytes::new()),
        whole if !fits => {
            *body = whole;
            Read::TooLong
        }
        Body::Full(Some(bytes)) => {
            *body = Body::Full(Some(bytes.clone()));
            Read::Whole(bytes)
        }
        whole => gather(body, whole, hint.exact().unwrap_or(limit)).await,
    }
}

async fn gather(body: &mut Body, mut from: Body, limit: u64) -> Read {
    let (mut read, mut size) = (VecDeque::new(), 0);
    while size <= limit {
        let Some(frame) = from.frame().await else {
            return Read::Whole(complete(body, read));
        };
        match frame {
            Ok(frame) => {
                size += frame.data_ref().map_or(0, |data| data.len() as u64);
                read.push_back(frame);
            }
            Err(error) => {
                *body = Body::boxed(Joined { read, rest: Rest::Failed(Some(error)) });
                return Read::Broken;
            }
        }
    }
    *body = Body::boxed(Joined { read, rest: Rest::Body(from) });
    Read::TooLong
}

/// Puts everything back: as plain bytes, unless trailers belong to it.
fn complete(body: &mut Body, mut read: VecDeque<Frame<Bytes>>) -> Bytes {
    let bytes = joined(&read);
    if read.iter().all(Frame::is_data) {
        *body = Body::full(bytes.clone());
        return bytes;
    }
    read.retain(|frame| !frame.is_data());
    read.push_front(Frame::data(bytes.clone()));
    *body = Body::boxed(Joined { read, rest: Rest::Body(Body::Empty) });
    bytes
}

/// One piece as it is, several copied together.
fn joined(read: &VecDeque<Frame<Bytes>>) -> Bytes {
    let mut pieces = read.iter().filter_map(Frame::data_ref);
    let (Some(first), second) = (pieces.next(), pieces.next()) else { return Bytes::new() };
    let Some(second) = second else { return first.clone() };
    let mut all = BytesMut::from(&first[..]);
    for piece in std::iter::once(second).chain(pieces) {
        all.extend_from_slice(piece);
    }
    all.freeze()
}

// === impl Joined ===

impl HttpBody for Joined {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        if let Some(frame) = this.read.pop_front() {
            return Poll::Ready(Some(Ok(frame)));
        }
        match &mut this.rest {
            Rest::Body(body) => Pin::new(body).poll_frame(cx),
            Rest::Failed(error) => Poll::Ready(error.take().map(Err)),
        }
    }

    fn is_end_stream(&self) -> bool {
        let rest = match &self.rest {
            Rest::Body(body) => body.is_end_stream(),
            Rest::Failed(error) => error.is_none(),
        };
        rest && self.read.is_empty()
    }

    /// Exact where the rest's is, so that a body with a known length keeps its `Content-Length`.
    fn size_hint(&self) -> SizeHint {
        let Rest::Body(rest) = &self.rest else { return SizeHint::default() };
        let read: u64 = self.read.iter().filter_map(Frame::data_ref).map(|data| data.len() as u64).sum();
        let (rest, mut all) = (rest.size_hint(), SizeHint::default());
        all.set_lower(read.saturating_add(rest.lower()));
        if let Some(upper) = rest.upper().and_then(|upper| upper.checked_add(read)) {
            all.set_upper(upper);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use futures_util::stream;
    use http_body_util::StreamBody;

    type Piece = Result<Frame<Bytes>, BodyError>;

    fn pieces(pieces: Vec<Piece>) -> Body {
        Body::boxed(StreamBody::new(stream::iter(pieces)))
    }

    fn data(text: &'static str) -> Piece {
        Ok(Frame::data(Bytes::from_static(text.as_bytes())))
    }

    fn whole(text: &'static str) -> Read {
        Read::Whole(Bytes::from_static(text.as_bytes()))
    }

    fn run<F: Future>(future: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    async fn all(body: Body) -> Bytes {
        body.collect().await.unwrap().to_bytes()
    }

    #[test]
    fn reads_up_to_the_limit_and_leaves_the_body_whole() {
        run(async {
            for (limit, read) in [(5, whole("hello")), (4, Read::TooLong), (0, Read::TooLong)] {
                let mut body = pieces(vec![data("he"), data(""), data("llo")]);
                assert_eq!(super::read(&mut body, limit).await, read);
                assert_eq!(all(body).await, "hello");
            }
        });
    }

    #[test]
    fn a_full_or_empty_body_is_not_copied() {
        run(async {
            let mut body = Body::full("hello");
            assert_eq!(super::read(&mut body, 5).await, whole("hello"));
            assert_eq!(super::read(&mut body, 4).await, Read::TooLong);
            assert_eq!(all(body).await, "hello");
            assert_eq!(super::read(&mut Body::Empty, 0).await, whole(""));
        });
    }

    #[test]
    fn a_known_length_may_be_a_quarter_longer() {
        run(async {
            for (length, fits) in [(8192, true), (9008, true), (10_239, true), (10_240, false)] {
                let mut body = Body::full(vec![b'a'; length]);
                assert_eq!(super::read(&mut body, 8192).await != Read::TooLong, fits, "{length}");
                assert_eq!(all(body).await.len(), length);
            }
        });
    }

    #[test]
    fn trailers_stay_behind_the_bytes() {
        run(async {
            let mut trailers = http::HeaderMap::new();
            trailers.insert("x-sum", "1".parse().unwrap());
            let mut body = pieces(vec![data("a"), data("b"), Ok(Frame::trailers(trailers.clone()))]);
            assert_eq!(super::read(&mut body, 9).await, whole("ab"));
            assert_eq!(body.collect().await.unwrap().trailers(), Some(&trailers));
        });
    }

    #[test]
    fn an_error_comes_after_what_was_read() {
        run(async {
            let mut body = pieces(vec![data("he"), Err("gone".into())]);
            assert_eq!(super::read(&mut body, 9).await, Read::Broken);
            assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "he");
            assert_eq!(body.frame().await.unwrap().unwrap_err().to_string(), "gone");
            assert!(body.frame().await.is_none());
        });
    }
}
