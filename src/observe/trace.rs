//! W3C Trace Context (level 1): which trace a request belongs to, and what its upstream is told. Pure; chance is an argument.

use http::{HeaderMap, HeaderName, HeaderValue};
use std::fmt;
use uuid::Uuid;

/// `traceparent`.
pub const PARENT: HeaderName = HeaderName::from_static("traceparent");
/// `tracestate`.
pub const STATE: HeaderName = HeaderName::from_static("tracestate");

/// Bytes of a `traceparent` of version 00.
const LENGTH: usize = 55;
/// The flag that says that the caller may have recorded its part.
const SAMPLED: u8 = 1;

/// A trace's number, never 0. Shown as 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceId(pub u128);

/// A span's number, never 0. Shown as 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpanId(pub u64);

/// What a client says of its trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parent {
    /// The trace.
    pub trace: TraceId,
    /// The client's span.
    pub span: SpanId,
    /// Whether it is recorded.
    pub sampled: bool,
}

/// The trace of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trace {
    /// Its number.
    pub id: TraceId,
    /// The client's span; `None` if the trace begins here.
    pub parent: Option<SpanId>,
    /// The gateway's own spans; `None` if it takes no part.
    pub own: Option<Spans>,
    /// Whether it is recorded.
    pub sampled: bool,
}

/// The spans of one request: how it was answered, and how its upstream was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spans {
    /// The first.
    pub server: SpanId,
    /// The second, which is the upstream's parent.
    pub client: SpanId,
}

/// Which share of traces that begin here are recorded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share(f64);

// === impl Parent ===

impl Parent {
    /// What a client's head says, if it is valid. Two lines are none.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let mut lines = headers.get_all(&PARENT).iter();
        let only = lines.next().filter(|_| lines.next().is_none())?;
        Self::read(only.as_bytes())
    }

    /// Reads a `traceparent`. Later versions may be longer.
    #[must_use]
    pub fn read(text: &[u8]) -> Option<Self> {
        let (known, rest) = text.split_at_checked(LENGTH)?;
        let [version, trace, span, flags] = fields(known)?;
        let fits = match version {
            b"00" => rest.is_empty(),
            b"ff" => false,
            _ => rest.first().is_none_or(|next| *next == b'-'),
        };
        hex(version).filter(|_| fits)?;
        let trace = hex(trace).filter(|id| *id != 0)?;
        let span = hex(span).and_then(|id| u64::try_from(id).ok()).filter(|id| *id != 0)?;
        let sampled = hex(flags)? & u128::from(SAMPLED) != 0;
        Some(Self { trace: TraceId(trace), span: SpanId(span), sampled })
    }
}

/// `VERSION-TRACE-SPAN-FLAGS`.
fn fields(known: &[u8]) -> Option<[&[u8]; 4]> {
    let mut fields = known.split(|byte| *byte == b'-');
    let four = [fields.next()?, fields.next()?, fields.next()?, fields.next()?];
    (fields.next().is_none() && four.map(<[u8]>::len) == [2, 32, 16, 2]).then_some(four)
}

/// Lower-case digits only.
fn hex(digits: &[u8]) -> Option<u128> {
    digits.iter().try_fold(0, |number, digit| match digit {
        b'0'..=b'9' => Some((number << 4) | u128::from(digit - b'0')),
        b'a'..=b'f' => Some((number << 4) | u128::from(digit - b'a' + 10)),
        _ => None,
    })
}

// === impl Trace ===

impl Trace {
    /// What a client says, which the gateway only looks at.
    #[must_use]
    pub fn seen(headers: &HeaderMap) -> Option<Self> {
        let Parent { trace, span, sampled } = Parent::of(headers)?;
        Some(Self { id: trace, parent: Some(span), own: None, sampled })
    }

    /// A trace that the gateway takes part in: the client's, or a new one.
    #[must_use]
    pub fn joined(headers: &HeaderMap, share: Share, random: impl Fn() -> Uuid) -> Self {
        let own = Some(Spans::from(random()));
        match Parent::of(headers) {
            Some(Parent { trace, span, sampled }) => Self { id: trace, parent: Some(span), own, sampled },
            None => {
                let id = TraceId(random().as_u128());
                Self { id, parent: None, own, sampled: share.has(id) }
            }
        }
    }

    /// Tells the upstream. The client's `tracestate` goes on where its trace does.
    pub fn write(&self, headers: &mut HeaderMap) {
        let Some(Spans { client, .. }) = self.own else { return };
        let text = format!("00-{}-{client}-{:02x}", self.id, u8::from(self.sampled) * SAMPLED);
        if let Ok(value) = HeaderValue::try_from(text) {
            headers.insert(PARENT, value);
        }
        if self.parent.is_none() {
            headers.remove(STATE);
        }
    }
}

// === impl Spans ===

/// Neither half of a random UUID is 0: each has bits that are always set (RFC 9562 §5.4).
impl From<Uuid> for Spans {
    fn from(chance: Uuid) -> Self {
        let (client, server) = chance.as_u64_pair();
        Self { server: SpanId(server), client: SpanId(client) }
    }
}

// === impl Share ===

impl Share {
    /// A share of 0 to 1.
    #[must_use]
    pub fn new(share: f64) -> Option<Self> {
        (0.0..=1.0).contains(&share).then_some(Self(share))
    }

    /// Whether a trace is of this share, which is decided by its number: by the last 56 bits, all of them chance.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn has(self, id: TraceId) -> bool {
        const BITS: u32 = 56;
        let low = id.0 & ((1 << BITS) - 1);
        (low as f64) < self.0 * (1u64 << BITS) as f64
    }
}

impl Default for Share {
    fn default() -> Self {
        Self(1.0)
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const CHANCE: Uuid = Uuid::from_u128(0x0123_4567_89ab_4def_8123_4567_89ab_cdef);

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        lines
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
            .collect()
    }

    #[test]
    fn what_is_valid_is_read() {
        let good = Parent::read(GOOD.as_bytes()).unwrap();
        assert_eq!((good.trace.to_string(), good.span.to_string()), {
            ("4bf92f3577b34da6a3ce929d0e0e4736".into(), "00f067aa0ba902b7".into())
        });
        assert!(good.sampled);
        let changed = |from: &str, to: &str| Parent::read(GOOD.replacen(from, to, 1).as_bytes());
        assert!(!changed("-01", "-00").unwrap().sampled);
        assert_eq!(changed("-01", "-ff"), Some(good), "flags that nobody knows yet");
        assert_eq!(changed("00-", "01-"), Some(good));
        assert_eq!(Parent::read(format!("cc-{}-more", &GOOD[3..]).as_bytes()), Some(good));
        for (from, to) in
            [("00-", "ff-"), ("4bf9", "4BF9"), ("-01", "-01-x"), ("-01", "-0"), ("-01", "-0g"), ("00-", "0-")]
        {
            assert_eq!(changed(from, to), None, "{from} {to}");
        }
        assert_eq!(Parent::read(format!("cc-{}x", &GOOD[3..]).as_bytes()), None);
        assert_eq!(changed("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)), None);
        assert_eq!(changed("00f067aa0ba902b7", &"0".repeat(16)), None);
    }

    #[test]
    fn a_clients_trace_goes_on_with_a_span_of_our_own() {
        let mut map = headers(&[("traceparent", GOOD), ("tracestate", "a=b")]);
        let trace = Trace::joined(&map, Share(0.0), || CHANCE);
        trace.write(&mut map);
        assert_eq!(map["traceparent"], "00-4bf92f3577b34da6a3ce929d0e0e4736-0123456789ab4def-01");
        assert_eq!(map["tracestate"], "a=b");
        assert_eq!(trace.own.unwrap().server.to_string(), "8123456789abcdef");
        let unsampled = headers(&[("traceparent", &GOOD.replace("-01", "-00"))]);
        assert!(!Trace::joined(&unsampled, Share(1.0), || CHANCE).sampled, "the client decides");
    }

    #[test]
    fn what_is_invalid_is_replaced_and_its_state_dropped() {
        for lines in [
            vec![("tracestate", "a=b")],
            vec![("traceparent", "00-0-0-0"), ("tracestate", "a=b")],
            vec![("traceparent", GOOD), ("traceparent", GOOD), ("tracestate", "a=b")],
        ] {
            let mut map = headers(&lines);
            assert_eq!(Trace::seen(&map), None);
            Trace::joined(&map, Share(1.0), || CHANCE).write(&mut map);
            assert_eq!(map["traceparent"], "00-0123456789ab4def8123456789abcdef-0123456789ab4def-01");
            assert_eq!((map.len(), map.get("tracestate")), (1, None));
        }
    }

    #[test]
    fn who_only_looks_changes_nothing() {
        let mut map = headers(&[("traceparent", GOOD)]);
        let trace = Trace::seen(&map).unwrap();
        trace.write(&mut map);
        assert_eq!((map["traceparent"].to_str().unwrap(), trace.own), (GOOD, None));
    }

    #[test]
    fn a_share_is_that_many() {
        let ids = || (0..1000u128).map(|n| TraceId((n << 46) | (1 << 127)));
        for (share, many) in [(0.0, 0), (0.25, 256), (1.0, 1000)] {
            assert_eq!(ids().filter(|id| Share::new(share).unwrap().has(*id)).count(), many);
        }
        assert_eq!((Share::new(-0.1), Share::new(1.1), Share::new(f64::NAN)), (None, None, None));
    }

    proptest! {
        #[test]
        fn no_text_breaks_it(text in "([0-9a-f-]|\\PC){50,60}") {
            let _ = Parent::read(text.as_bytes());
        }
    }
}
