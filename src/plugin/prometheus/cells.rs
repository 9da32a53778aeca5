//! The counts of one series at one worker. Only additions, so that any thread may read them at any time.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Most kinds of answers that are told apart; a status has a thousand values, and an upstream may answer with any.
const STATUSES: usize = 32;
/// Most consumers that are told apart in one series.
const CONSUMERS: usize = 10_000;
/// Most buckets of a histogram, with that of all the rest.
const BUCKETS: usize = 27;

/// Upper bounds in milliseconds of Kong 2.8's histograms.
pub(super) const BOUNDS: &[u64] = &[
    1, 2, 5, 7, 10, 15, 20, 25, 30, 40, 50, 60, 70, 80, 90, 100, 200, 300, 400, 500, 1000, 2000, 5000, 10_000, 30_000,
    60_000,
];

/// Which time a histogram is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// From the request's first byte to the answer's last.
    Request,
    /// From the upstream's choice to the head of its answer.
    Upstream,
    /// What this gateway took.
    Gateway,
}

/// Who made an answer, in the words of Kong 3.9.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The upstream.
    Service,
    /// A plugin.
    Exit,
    /// The gateway, in its own words.
    Error,
}

/// All counts.
#[derive(Debug, Default)]
pub(super) struct Cells {
    /// Answers.
    pub(super) statuses: Statuses,
    latency: [Histogram; 3],
    received: AtomicU64,
    sent: AtomicU64,
    /// Only where `per_consumer` is on: a lock that nobody else wants but whoever asks for the counts.
    consumers: Mutex<HashMap<Box<str>, Statuses>>,
}

/// Answers by status and source. A slot belongs to the first that takes it.
#[derive(Debug, Default)]
pub(super) struct Statuses {
    slots: [(AtomicU16, AtomicU64); STATUSES],
    rest: AtomicU64,
}

/// Times by size.
#[derive(Debug, Default)]
pub(super) struct Histogram {
    buckets: [AtomicU64; BUCKETS],
    /// Milliseconds.
    sum: AtomicU64,
}

/// What a histogram held at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Times {
    /// Each bucket for itself.
    pub(super) buckets: [u64; BUCKETS],
    /// Milliseconds.
    pub(super) sum: u64,
}

/// What cells held at one moment; cells of several workers are added up.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    /// Answers by source and status.
    pub(super) statuses: std::collections::BTreeMap<u16, u64>,
    /// The same by consumer.
    pub(super) consumers: std::collections::BTreeMap<(Box<str>, u16), u64>,
    /// By [`Kind`].
    pub(super) latency: [Times; 3],
    /// Bytes from clients.
    pub(super) received: u64,
    /// Bytes to clients.
    pub(super) sent: u64,
}

fn add(count: &AtomicU64, by: u64) {
    count.fetch_add(by, Ordering::Relaxed);
}

fn read(count: &AtomicU64) -> u64 {
    count.load(Ordering::Relaxed)
}

// === impl Source ===

impl Source {
    const ALL: [Self; 3] = [Self::Service, Self::Exit, Self::Error];

    /// A status and a source as one number that is not zero.
    fn key(self, status: u16) -> u16 {
        (self as u16) * 1000 + status.clamp(1, 999)
    }

    /// Both, from that number.
    pub(super) fn of(key: u16) -> (Self, u16) {
        (Self::ALL[usize::from(key / 1000).min(2)], key % 1000)
    }

    /// Kong's word.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Exit => "exit",
            Self::Error => "error",
        }
    }
}

// === impl Statuses ===

impl Statuses {
    /// One answer more. If there are more kinds than slots, the rest is counted as status 0.
    pub(super) fn add(&self, status: u16, source: Source) {
        let key = source.key(status);
        let slot = self.slots.iter().find(|(taken, _)| {
            let found = taken.compare_exchange(0, key, Ordering::Relaxed, Ordering::Relaxed);
            found.map_or_else(|other| other == key, |_| true)
        });
        add(slot.map_or(&self.rest, |(_, count)| count), 1);
    }

    fn each(&self) -> impl Iterator<Item = (u16, u64)> {
        let slots = self.slots.iter().map(|(key, count)| (key.load(Ordering::Relaxed), read(count)));
        slots.filter(|(key, _)| *key != 0).chain(Some((0, read(&self.rest)))).filter(|(_, count)| *count > 0)
    }
}

// === impl Histogram ===

impl Histogram {
    fn observe(&self, ms: u64) {
        let at = BOUNDS.iter().position(|bound| ms <= *bound).unwrap_or(BOUNDS.len());
        add(&self.buckets[at], 1);
        add(&self.sum, ms);
    }
}

// === impl Times ===

impl Times {
    fn add(&mut self, more: &Histogram) {
        for (sum, bucket) in self.buckets.iter_mut().zip(&more.buckets) {
            *sum += read(bucket);
        }
        self.sum += read(&more.sum);
    }

    /// How many there were.
    pub(super) fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }
}

// === impl Cells ===

impl Cells {
    /// A request took this long.
    pub(super) fn observe(&self, kind: Kind, time: Duration) {
        self.latency[kind as usize].observe(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
    }

    /// Bytes went in either direction.
    pub(super) fn transferred(&self, received: u64, sent: u64) {
        add(&self.received, received);
        add(&self.sent, sent);
    }

    /// One answer more for a consumer.
    pub(super) fn add_for(&self, consumer: &str, status: u16, source: Source) {
        let mut all = self.consumers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(statuses) = all.get(consumer) {
            return statuses.add(status, source);
        }
        if all.len() < CONSUMERS {
            all.entry(consumer.into()).or_default().add(status, source);
        }
    }

    /// Adds all of it to a sum.
    pub(super) fn add_to(&self, sum: &mut Counts) {
        for (key, count) in self.statuses.each() {
            *sum.statuses.entry(key).or_default() += count;
        }
        for (times, more) in sum.latency.iter_mut().zip(&self.latency) {
            times.add(more);
        }
        sum.received += read(&self.received);
        sum.sent += read(&self.sent);
        for (name, statuses) in &*self.consumers.lock().unwrap_or_else(PoisonError::into_inner) {
            for (key, count) in statuses.each() {
                *sum.consumers.entry((name.clone(), key)).or_default() += count;
            }
        }
    }
}
