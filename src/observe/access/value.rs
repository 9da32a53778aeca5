//! What a variable says of a request.

use super::clock::Clock;
use super::figures::{address, number, peer, seconds, shown, version as protocol};
use super::{Entry, Known, Outcome, escape};
use crate::entity::Identity;
use crate::observe::format::{Escape, Variable};
use crate::observe::redact::{MASK, header, is_secret, redact};
use crate::plugin::Origin;
use crate::plugin::record::Try;
use http::{HeaderMap, HeaderName, HeaderValue, Version, header as names};
use std::borrow::Cow;
use std::net::SocketAddr;

/// All that there is to say.
pub(in crate::observe) struct Line<'a> {
    pub(in crate::observe) entry: &'a Entry,
    pub(in crate::observe) end: &'a Outcome<'a>,
    pub(in crate::observe) clock: &'a Clock,
}

/// Writes what is there in any case, and needs no escaping.
fn plain<T>(out: &mut Vec<u8>, value: T, write: impl Fn(&mut Vec<u8>, T)) -> bool {
    write(out, value);
    true
}

// === impl Line ===

impl<'a> Line<'a> {
    /// Writes a variable's value, or what stands for none.
    pub(in crate::observe) fn write(&self, out: &mut Vec<u8>, variable: &Variable, how: Escape) {
        let there = match variable {
            Variable::Client => plain(out, self.entry.met.client, address),
            Variable::User => self.text(out, self.user(), how),
            Variable::TimeLocal => self.text(out, Some(&self.clock.local), Escape::None),
            Variable::Request => self.request(out, how),
            Variable::Status => plain(out, self.end.status, number),
            Variable::BodyBytes => plain(out, self.end.bytes, number),
            Variable::Header(name) if *name == names::REFERER => self.url(out, self.entry.referer.as_ref(), how),
            Variable::Header(name) if *name == names::USER_AGENT => self.raw(out, self.entry.agent.as_ref(), how),
            Variable::RequestId => self.text(out, self.request_id(), how),
            other => self.of_head(out, other, how).unwrap_or_else(|| self.of_end(out, other, how)),
        };
        if !there && how == Escape::Default {
            out.push(b'-');
        }
    }

    /// What the request's head says; `None` if it is not about that.
    fn of_head(&self, out: &mut Vec<u8>, variable: &Variable, how: Escape) -> Option<bool> {
        let Entry { met, method, version, headers, .. } = self.entry;
        Some(match variable {
            Variable::Method => self.text(out, Some(method.as_str()), how),
            Variable::Target => self.text(out, Some(&*self.target()), how),
            Variable::Path => self.text(out, Some(&*self.path()), how),
            Variable::Args => self.text(out, self.target().split_once('?').map(|(_, query)| query), how),
            Variable::IsArgs => self.query().is_some_and(|_| self.text(out, Some("?"), how)),
            Variable::Arg(name) => self.argument(out, name, how),
            Variable::Protocol => self.text(out, Some(protocol(*version)), Escape::None),
            Variable::Scheme => self.text(out, Some(self.scheme()), how),
            Variable::Https => met.tls && self.text(out, Some("on"), how),
            Variable::Http2 => self.text(out, self.http2(), how),
            Variable::Host => self.text(out, self.host().as_deref(), how),
            Variable::Header(name) => self.header(out, headers.as_deref(), name, how),
            Variable::Cookie(name) => self.cookie(out, name, how),
            Variable::TlsVersion => self.text(out, met.handshake.map(|tls| tls.version), how),
            Variable::TlsCipher => self.text(out, met.handshake.map(|tls| tls.cipher), how),
            Variable::TlsVerify => self.text(out, met.handshake.map(|tls| verified(tls.verified)), how),
            _ => return None,
        })
    }

    /// What is known at the end.
    fn of_end(&self, out: &mut Vec<u8>, variable: &Variable, how: Escape) -> bool {
        match variable {
            Variable::RequestTime => plain(out, self.end.took, seconds),
            Variable::Completion => self.end.whole && self.text(out, Some("OK"), how),
            Variable::Msec => plain(out, self.clock, |out, clock| clock.epoch(out)),
            Variable::TimeIso => plain(out, self.clock, |out, clock| clock.iso(out)),
            Variable::Pid => plain(out, std::process::id(), number),
            Variable::ServerName => self.text(out, Some("kong"), how),
            other => self.end.known.is_some_and(|known| self.of_known(out, other, &known, how)),
        }
    }

    /// What only clients' requests have.
    fn of_known(&self, out: &mut Vec<u8>, variable: &Variable, known: &Known<'_>, how: Escape) -> bool {
        let (cx, sizes) = (known.cx, known.sizes);
        match variable {
            Variable::PeerAddr => plain(out, cx.peer.address.ip(), address),
            Variable::PeerPort => plain(out, cx.peer.address.port(), number),
            Variable::ServerAddr => plain(out, cx.arrival.server.ip(), address),
            Variable::ServerPort => plain(out, cx.arrival.server.port(), number),
            Variable::Connection => plain(out, cx.arrival.connection, number),
            Variable::ConnectionRequests => plain(out, cx.arrival.on_connection, number),
            Variable::Route => self.text(out, self.route().as_deref(), how),
            Variable::Service => self.text(out, self.service().as_deref(), how),
            Variable::Consumer => self.text(out, self.consumer().as_deref(), how),
            Variable::TraceId => cx.trace.is_some_and(|trace| plain(out, trace.id, shown)),
            Variable::SpanId => cx.trace.and_then(|trace| trace.own).is_some_and(|own| plain(out, own.server, shown)),
            Variable::RequestLength => sizes.is_some_and(|sizes| plain(out, sizes.request, number)),
            Variable::Bytes => sizes.is_some_and(|sizes| plain(out, sizes.head + self.end.bytes, number)),
            Variable::Sent(name) => self.header(out, sizes.map(|sizes| &sizes.headers), name, how),
            Variable::UpstreamAddr => each(out, known.tries, |out, _, one| plain(out, one.peer, peer)),
            Variable::UpstreamStatus => each(out, known.tries, |out, _, one| self.attempt_status(out, one)),
            Variable::UpstreamTime => each(out, known.tries, |out, at, _| attempt_time(out, known, at)),
            _ => false,
        }
    }

    /// Text, which may be none.
    fn text(&self, out: &mut Vec<u8>, text: Option<&str>, how: Escape) -> bool {
        text.is_some_and(|text| {
            escape::text(out, text.as_bytes(), how);
            true
        })
    }

    fn raw(&self, out: &mut Vec<u8>, value: Option<&HeaderValue>, how: Escape) -> bool {
        value.is_some_and(|value| {
            escape::text(out, value.as_bytes(), how);
            true
        })
    }

    /// A header that is a URL.
    fn url(&self, out: &mut Vec<u8>, value: Option<&HeaderValue>, how: Escape) -> bool {
        match value.map(|value| (value, value.to_str())) {
            Some((_, Ok(text))) => self.text(out, Some(&*redact(text, self.end.secrets)), how),
            Some((value, Err(_))) => self.text(out, Some(&header(&names::REFERER, value, self.end.secrets)), how),
            None => false,
        }
    }

    fn request(&self, out: &mut Vec<u8>, how: Escape) -> bool {
        let Entry { method, version, .. } = self.entry;
        out.extend_from_slice(method.as_str().as_bytes());
        out.push(b' ');
        self.text(out, Some(&*self.target()), how);
        out.push(b' ');
        self.text(out, Some(protocol(*version)), Escape::None)
    }

    fn argument(&self, out: &mut Vec<u8>, name: &str, how: Escape) -> bool {
        let pairs = self.query().unwrap_or_default().split('&');
        let value = pairs.filter_map(|pair| pair.split_once('=')).find(|(known, _)| known.eq_ignore_ascii_case(name));
        let shown = value.map(|(name, value)| match is_secret(name, self.end.secrets) {
            true => MASK.into(),
            false => redact(value, self.end.secrets),
        });
        self.text(out, shown.as_deref(), how)
    }

    /// All lines of a header, as nginx joins them.
    fn header(&self, out: &mut Vec<u8>, headers: Option<&HeaderMap>, name: &HeaderName, how: Escape) -> bool {
        let mut there = false;
        for value in headers.into_iter().flat_map(|headers| headers.get_all(name)) {
            out.extend_from_slice(if there { b", " } else { b"" });
            there = self.text(out, Some(&header(name, value, self.end.secrets)), how);
        }
        there
    }

    fn cookie(&self, out: &mut Vec<u8>, name: &str, how: Escape) -> bool {
        let lines = self.entry.headers.iter().flat_map(|headers| headers.get_all(names::COOKIE));
        let shown: Vec<String> = lines.map(|line| header(&names::COOKIE, line, self.end.secrets)).collect();
        let pairs = shown.iter().flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let found = pairs.into_iter().find(|(known, _)| *known == name);
        self.text(out, found.map(|(_, value)| value), how)
    }

    fn attempt_status(&self, out: &mut Vec<u8>, one: &Try) -> bool {
        match one.failed {
            Some(status) => plain(out, status.as_u16(), number),
            None => self.is_upstreams() && plain(out, self.end.status, number),
        }
    }

    /// Whether the upstream gave the answer.
    pub(in crate::observe) fn is_upstreams(&self) -> bool {
        self.end.known.is_some_and(|known| known.cx.origin == Origin::Upstream)
    }

    /// nginx tells any user who is named in a request; here it is only one who was let in, for people type passwords where
    /// their name should be.
    pub(in crate::observe) fn user(&self) -> Option<&'a str> {
        self.end.known?.cx.user.as_deref()
    }

    pub(in crate::observe) fn request_id(&self) -> Option<&'a str> {
        self.end.known?.cx.request_id.as_deref()
    }

    /// What was asked for, without secrets.
    pub(in crate::observe) fn target(&self) -> Cow<'a, str> {
        let target = self.entry.target.as_ref().map_or("-", |target| target.as_str());
        redact(target, self.end.secrets)
    }

    fn path(&self) -> Cow<'a, str> {
        redact(self.entry.target.as_ref().map_or("", |target| target.path()), self.end.secrets)
    }

    fn query(&self) -> Option<&'a str> {
        self.entry.target.as_ref()?.query()
    }

    pub(in crate::observe) fn scheme(&self) -> &'static str {
        if self.entry.met.tls { "https" } else { "http" }
    }

    fn http2(&self) -> Option<&'static str> {
        let two = self.entry.version == Version::HTTP_2;
        two.then_some(if self.entry.met.tls { "h2" } else { "h2c" })
    }

    /// Lower case, without port.
    pub(in crate::observe) fn host(&self) -> Option<Cow<'a, str>> {
        let said = self.entry.host.as_ref()?.as_bytes();
        let bracket = said.iter().rposition(|byte| *byte == b']').map_or(0, |at| at + 1);
        let end = said[bracket..].iter().position(|byte| *byte == b':').map_or(said.len(), |at| bracket + at);
        let host = String::from_utf8_lossy(&said[..end]);
        let lower = !host.bytes().any(|byte| byte.is_ascii_uppercase());
        Some(if lower { host } else { host.to_ascii_lowercase().into() })
    }

    pub(in crate::observe) fn route(&self) -> Option<Cow<'a, str>> {
        let known = self.end.known?;
        known.cx.route.and_then(|id| known.snapshot.routes.get(id.index())).map(|route| name(&route.identity))
    }

    pub(in crate::observe) fn service(&self) -> Option<Cow<'a, str>> {
        let known = self.end.known?;
        known.cx.service.and_then(|id| known.snapshot.services.get(id.index())).map(|service| name(&service.identity))
    }

    pub(in crate::observe) fn consumer(&self) -> Option<Cow<'a, str>> {
        let known = self.end.known?;
        let consumer = known.cx.consumer.and_then(|id| known.snapshot.consumers.get(id))?;
        match (&consumer.identity.name, &consumer.custom_id) {
            (None, Some(custom)) => Some(Cow::Borrowed(custom)),
            _ => Some(name(&consumer.identity)),
        }
    }

    /// Who was asked last.
    pub(in crate::observe) fn peer(&self) -> Option<SocketAddr> {
        self.end.known?.tries.last().map(|one| one.peer)
    }
}

/// A name, or else an id.
fn name(identity: &Identity) -> Cow<'_, str> {
    identity.name.as_deref().map_or_else(|| identity.id.to_string().into(), Cow::Borrowed)
}

const fn verified(good: bool) -> &'static str {
    if good { "SUCCESS" } else { "NONE" }
}

/// Something of each attempt, by commas; `-` where there is nothing to say.
fn each(out: &mut Vec<u8>, tries: &[Try], write: impl Fn(&mut Vec<u8>, usize, &Try) -> bool) -> bool {
    for (at, one) in tries.iter().enumerate() {
        out.extend_from_slice(if at > 0 { b", " } else { b"" });
        if !write(out, at, one) {
            out.push(b'-');
        }
    }
    !tries.is_empty()
}

/// The last attempt ends with the answer's head, an earlier one where the next begins.
fn attempt_time(out: &mut Vec<u8>, known: &Known<'_>, at: usize) -> bool {
    let one = &known.tries[at];
    let took = match known.tries.get(at + 1) {
        Some(next) => Some(next.start.saturating_duration_since(one.start + one.choice)),
        None => known.upstream,
    };
    took.is_some_and(|took| plain(out, took, seconds))
}
