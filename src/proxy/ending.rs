//! What is done when an answer has gone, or its client: its line in the access log, its spans, and the log phase.

use super::body::Progress;
use super::facts;
use super::forward::between;
use super::outgoing::{AtEnd, End};
use super::told::Noted;
use super::{Exchange, Place, decide};
use crate::body::Body;
use crate::entity::RouteId;
use crate::plugin::{Ctx, Ended, shown};
use http::Response;
use std::cell::RefCell;
use std::rc::Rc;
use tokio::time::Instant;

/// What was noted for the end before an answer's body went out.
pub(super) struct Ending {
    /// When the request's head had come.
    pub(super) start: Instant,
    /// Where there is an access log, what its line needs.
    pub(super) noted: Option<Noted>,
    /// What is known of the end already, if some plugin may ask.
    pub(super) ended: Option<Ended>,
    /// How far the request's body has come, if a log record tells its size.
    pub(super) upload: Option<Rc<Progress>>,
}

/// A request whose answer's body is looked at by plugins: body and log phase have one context.
struct Watched {
    place: Place,
    route: Option<RouteId>,
    cx: Rc<RefCell<Ctx>>,
    ending: Ending,
}

// === impl Ending ===

impl Ending {
    /// Of a request that began at this time.
    pub(super) const fn new(start: Instant) -> Self {
        Self { start, noted: None, ended: None, upload: None }
    }

    fn tell(&self, place: &Place, route: Option<RouteId>, cx: &mut Ctx, end: End) {
        let (worker, snapshot, now) = (&place.worker, &place.snapshot, Instant::now());
        let whole = between(self.start, now);
        if let Some(noted) = &self.noted {
            noted.tell(worker, snapshot, cx, end, now);
        }
        if let Some(facts) = &mut cx.facts {
            facts::ended(facts, end.bytes, self.upload.as_deref(), whole);
        }
        if let Some(ended) = self.ended {
            cx.ended = Some(Ended { sent: ended.sent + end.bytes, whole, ..ended });
            decide::chain(route, snapshot).log(cx);
        }
    }
}

// === impl Exchange ===

impl AtEnd for Exchange {
    fn over(mut self: Box<Self>, end: End) {
        let Self { place, course, ending, .. } = &mut *self;
        ending.tell(place, course.route, &mut course.cx, end);
    }
}

// === impl Watched ===

/// Shows a body to the plugins that look at its pieces.
pub(super) fn watched(exchange: Exchange, response: Response<Body>) -> (Response<Body>, Box<dyn AtEnd>) {
    let Exchange { place, course, ending, .. } = exchange;
    let (route, cx) = (course.route, Rc::new(RefCell::new(course.cx)));
    let chain = decide::chain(route, &place.snapshot).clone();
    let response = response.map(|body| shown(body, chain, Rc::clone(&cx)));
    (response, Box::new(Watched { place, route, cx, ending }))
}

impl AtEnd for Watched {
    fn over(self: Box<Self>, end: End) {
        self.ending.tell(&self.place, self.route, &mut self.cx.borrow_mut(), end);
    }
}
