//! An upstream connection while one request has it. Given back at the end of the answer, closed when dropped early.

use super::alarm::Alarm;
use super::pool::{Idle, Key, Pool};
use bytes::Bytes;
use http_body::Body;
use hyper::client::conn::http1::SendRequest;
use std::rc::Rc;
use std::time::Instant;

/// The sending half of a connection, and the timer that waits for its answers; hyper's task has the socket.
#[derive(Debug)]
pub struct Sender<B> {
    half: SendRequest<B>,
    alarm: Alarm,
}

/// A connection that one request has.
#[derive(Debug)]
pub struct Lease<B> {
    sender: Sender<B>,
    key: Key,
    uses: usize,
    pool: Rc<Pool<Sender<B>>>,
}

// === impl Sender ===

impl<B> Idle for Sender<B> {
    fn is_closed(&self) -> bool {
        self.half.is_closed()
    }
}

// === impl Lease ===

impl<B: Body<Data = Bytes> + 'static> Lease<B> {
    /// A new connection.
    #[must_use]
    pub fn fresh(half: SendRequest<B>, key: Key, pool: Rc<Pool<Sender<B>>>) -> Self {
        Self { sender: Sender { half, alarm: Alarm::default() }, key, uses: 0, pool }
    }

    /// An idle connection that still lives, if there is one.
    pub async fn reused(key: Key, pool: &Rc<Pool<Sender<B>>>) -> Option<Self> {
        while let Some((mut sender, uses)) = pool.take(key) {
            if sender.half.is_ready() || sender.half.ready().await.is_ok() {
                return Some(Self { sender, key, uses, pool: pool.clone() });
            }
        }
        None
    }

    /// The connection itself, for one more request, and its timer.
    pub fn parts(&mut self) -> (&mut SendRequest<B>, &mut Alarm) {
        self.uses += 1;
        (&mut self.sender.half, &mut self.sender.alarm)
    }

    /// The timer alone.
    pub fn alarm(&mut self) -> &mut Alarm {
        &mut self.sender.alarm
    }

    /// Gives the connection back: the answer was read to its end.
    pub fn give_back(self, now: Instant) {
        let Self { sender, key, uses, pool } = self;
        pool.put(key, sender, uses, now);
    }
}
