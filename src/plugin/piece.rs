//! An answer's body in pieces, as the plugins of a chain see it on its way to the client.

use super::{Chain, Ctx};
use crate::body::{Body, BodyError};
use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame};
use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

/// A piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Its bytes. An empty one is not sent.
    pub data: Bytes,
    /// Whether no other comes after it.
    pub last: bool,
}

/// A body whose pieces are shown to a chain. It never says how long it is: plugins may change that.
struct Shown {
    body: Body,
    chain: Chain,
    cx: Rc<RefCell<Ctx>>,
    trailers: Option<HeaderMap>,
    ended: bool,
}

/// The body with all its pieces shown to a chain. An empty one is shown at once: its answer's head says that it is.
pub(crate) fn shown(body: Body, chain: Chain, cx: Rc<RefCell<Ctx>>) -> Body {
    if body.is_end_stream() {
        chain.body(&mut Piece { data: Bytes::new(), last: true }, &mut cx.borrow_mut());
        return body;
    }
    Body::boxed(Shown { body, chain, cx, trailers: None, ended: false })
}

// === impl Shown ===

impl Shown {
    fn show(&mut self, data: Bytes, last: bool) -> Frame<Bytes> {
        let mut piece = Piece { data, last };
        self.ended = last;
        self.chain.body(&mut piece, &mut self.cx.borrow_mut());
        Frame::data(piece.data)
    }

    fn pass(&mut self, frame: Frame<Bytes>) -> Frame<Bytes> {
        match frame.into_data() {
            Ok(data) => {
                let last = self.body.is_end_stream();
                self.show(data, last)
            }
            Err(frame) => {
                self.trailers = frame.into_trailers().ok();
                self.show(Bytes::new(), true)
            }
        }
    }
}

impl HttpBody for Shown {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        if this.ended {
            return Poll::Ready(this.trailers.take().map(|trailers| Ok(Frame::trailers(trailers))));
        }
        Poll::Ready(match ready!(Pin::new(&mut this.body).poll_frame(cx)) {
            Some(Ok(frame)) => Some(Ok(this.pass(frame))),
            None => Some(Ok(this.show(Bytes::new(), true))),
            broken => broken,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.ended && self.trailers.is_none()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::entity::Compat;
    use crate::plugin::testing::{block_on, context};
    use crate::plugin::{Plugin, Slot};
    use http_body_util::{BodyExt, StreamBody};
    use std::sync::Arc;

    /// Puts brackets around pieces, and a full stop behind the last.
    struct Brackets;

    impl Plugin for Brackets {
        fn body(&self, piece: &mut Piece, _: &mut Ctx) {
            let stop = if piece.last { "." } else { "" };
            piece.data = format!("[{}]{stop}", String::from_utf8_lossy(&piece.data)).into();
        }
    }

    fn seen(body: Body) -> (String, Option<HeaderMap>) {
        let slot = Slot { name: "brackets", base: Some(Arc::new(Brackets)), special: Vec::new() };
        let cx = Rc::new(RefCell::new(context(Compat::Kong2)));
        let collected = block_on(shown(body, Chain::new(vec![slot]), cx).collect()).unwrap();
        let trailers = collected.trailers().cloned();
        (String::from_utf8(collected.to_bytes().to_vec()).unwrap(), trailers)
    }

    fn pieces(frames: Vec<Frame<Bytes>>) -> Body {
        Body::boxed(StreamBody::new(futures_util::stream::iter(frames.into_iter().map(Ok))))
    }

    #[test]
    fn every_piece_is_shown_and_the_last_as_such() {
        let data = |text: &'static str| Frame::data(Bytes::from_static(text.as_bytes()));
        assert_eq!(seen(Body::full("a")).0, "[a].");
        assert_eq!(seen(pieces(vec![data("a"), data("b")])).0, "[a][b][].");
        assert_eq!(seen(Body::Empty).0, "");
        let mut trailers = HeaderMap::new();
        trailers.insert("x-end", "1".parse().unwrap());
        assert_eq!(
            seen(pieces(vec![data("a"), Frame::trailers(trailers.clone())])),
            ("[a][].".to_owned(), Some(trailers))
        );
    }
}
