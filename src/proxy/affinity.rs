//! What of a request decides which target it gets, where an upstream hashes (`kong/proxying.md` §5). Pure.

use super::decide::{Course, Scene};
use crate::args;
use crate::consumers::Consumers;
use crate::entity::Compat;
use crate::plugin::{Authenticated, Ctx, Origin};
use crate::route::normalize::normalize;
use crate::snapshot::{Algorithm, HashOn, Hashing, Host, Service};
use crate::upstream::balance::ring::hash;
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use std::borrow::Cow;
use uuid::Uuid;

/// A cookie that a client lacked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sticky {
    name: Box<str>,
    path: Box<str>,
    value: Uuid,
}

/// The hash, and the cookie that the client is to bring from now on. Where the request has neither the one thing nor the
/// other, nothing is hashed: all such requests have one target.
fn of<B>(
    hashing: &Hashing,
    cx: &Ctx,
    req: &Request<B>,
    consumers: &Consumers,
    id: impl FnOnce() -> Uuid,
) -> (u32, Option<Sticky>) {
    let mut lacked = None;
    for on in [&hashing.on, &hashing.fallback] {
        if let Some(value) = value(on, cx, req, consumers) {
            return (hash(&value), None);
        }
        if let HashOn::Cookie(name, path) = on {
            lacked = Some((name.clone(), path.clone()));
            break;
        }
    }
    let Some((name, path)) = lacked else { return (hash(b""), None) };
    let value = id();
    (hash(value.to_string().as_bytes()), Some(Sticky { name, path, value }))
}

/// `None` if the request has no such thing.
fn value<'a, B>(on: &HashOn, cx: &'a Ctx, req: &'a Request<B>, consumers: &Consumers) -> Option<Cow<'a, [u8]>> {
    match on {
        HashOn::Nothing => None,
        HashOn::Consumer => consumer(cx, consumers).map(|id| id.to_string().into_bytes().into()),
        HashOn::Ip => Some(cx.client.to_string().into_bytes().into()),
        HashOn::Header(name) => header(req.headers(), name, cx.compat),
        HashOn::Cookie(name, _) => cookie(req.headers(), name).map(Cow::Borrowed),
        HashOn::Path => normalize(req.uri().path().as_bytes()).ok(),
        HashOn::Query(name) => query(cx.query_of(req), name).map(Cow::Owned),
        HashOn::Capture(name) => capture(cx, name).map(Cow::Borrowed),
    }
}

/// Who is authenticated, or else by what.
fn consumer(cx: &Ctx, consumers: &Consumers) -> Option<Uuid> {
    if let Some(id) = cx.consumer {
        return consumers.get(id).map(|consumer| consumer.identity.id);
    }
    match cx.authenticated? {
        Authenticated::By(id) => consumers.credential(id).map(|credential| credential.id),
        Authenticated::Foreign => None,
    }
}

/// Several lines are one text: Kong 2 puts nothing between them, Kong 3 what nginx does.
fn header<'a>(headers: &'a HeaderMap, name: &HeaderName, compat: Compat) -> Option<Cow<'a, [u8]>> {
    let mut lines = headers.get_all(name).iter().map(HeaderValue::as_bytes);
    let (first, rest) = (lines.next()?, lines);
    let between: &[u8] = if compat == Compat::Kong2 { b"" } else { b", " };
    Some(rest.fold(Cow::Borrowed(first), |text, line| Cow::Owned([&text, between, line].concat())))
}

/// As nginx finds it: whatever the case of its name. An empty one is one.
fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a [u8]> {
    let lines = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes);
    let mut parts = lines.flat_map(|line| line.split(|byte| *byte == b';')).map(<[u8]>::trim_ascii);
    parts.find_map(|part| {
        let (own, value) = part.split_at_checked(part.iter().position(|byte| *byte == b'=')?)?;
        own.trim_ascii_end().eq_ignore_ascii_case(name.as_bytes()).then(|| value[1..].trim_ascii())
    })
}

/// Several values are one text, in order; one without a value is `true`.
fn query(text: &str, name: &str) -> Option<Vec<u8>> {
    let values = args::values(text.as_bytes(), name.as_bytes());
    let mut values: Vec<_> = values.map(|value| value.unwrap_or(Cow::Borrowed(b"true"))).collect();
    values.sort_unstable();
    (!values.is_empty()).then(|| values.join(&b","[..]))
}

/// A group of the route's regex path: by name, or by number from 1.
fn capture<'a>(cx: &'a Ctx, name: &str) -> Option<&'a [u8]> {
    let by_name = || cx.captures.iter().find(|group| group.name.as_deref() == Some(name));
    let by_number = || cx.captures.get(name.parse::<usize>().ok()?.checked_sub(1)?);
    by_name().or_else(by_number)?.text.as_deref()
}

// === impl Course ===

impl Course {
    /// The hash by which an upstream chooses a target for this request; 0 where none does. `id` makes the value of a
    /// cookie that the client lacks.
    #[must_use]
    pub fn affinity<B>(
        &mut self,
        scene: Scene<'_>,
        service: &Service,
        req: &Request<B>,
        id: impl FnOnce() -> Uuid,
    ) -> u32 {
        let Host::Upstream(upstream) = service.host else { return 0 };
        let Algorithm::Hashing(hashing) = &scene.snapshot.upstream(upstream).algorithm else { return 0 };
        let (hash, sticky) = of(hashing, &self.cx, req, &scene.snapshot.consumers, id);
        self.sticky = sticky.map(Box::new);
        hash
    }

    /// Whether the client gets a cookie, so that its target is another each time.
    #[must_use]
    pub fn gets_cookie(&self) -> bool {
        self.sticky.is_some()
    }

    /// Gives the client the cookie that it lacked, if it was on its way to a target (`kong/proxying.md` §5).
    pub fn stick(&mut self, headers: &mut HeaderMap) {
        let asked = matches!(self.cx.origin, Origin::Upstream | Origin::Failed);
        if let Some(sticky) = self.sticky.take().filter(|_| asked) {
            sticky.set(headers);
        }
    }
}

// === impl Sticky ===

impl Sticky {
    /// Adds the cookie; one of the upstream's that has its name gives way.
    fn set(&self, headers: &mut HeaderMap) {
        let Self { name, path, value } = self;
        let begin = format!("{name}=");
        let text = format!("{begin}{value}; Path={path}; Same-Site=Lax; HttpOnly");
        let Ok(own) = HeaderValue::try_from(text) else { return };
        let mut there =
            headers.get_all(SET_COOKIE).iter().filter(|line| !line.as_bytes().starts_with(begin.as_bytes()));
        let others: Vec<_> = there.by_ref().cloned().collect();
        headers.remove(SET_COOKIE);
        for line in others.into_iter().chain([own]) {
            headers.append(SET_COOKIE, line);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::plugin::Group;
    use std::time::{Instant, SystemTime};

    fn cx(compat: Compat) -> Ctx {
        Ctx::new(compat, [10, 0, 0, 7].into(), false, Instant::now(), SystemTime::UNIX_EPOCH)
    }

    fn told(on: HashOn, cx: &Ctx, req: &Request<()>) -> Option<String> {
        value(&on, cx, req, &Consumers::default()).map(|value| String::from_utf8(value.into_owned()).unwrap())
    }

    fn request(target: &str, headers: &[(&'static str, &'static str)]) -> Request<()> {
        let mut req = Request::new(());
        *req.uri_mut() = target.parse().unwrap();
        for (name, value) in headers {
            req.headers_mut().append(*name, HeaderValue::from_static(value));
        }
        req
    }

    #[test]
    fn a_header_is_all_its_lines() {
        let req = request("/", &[("x-user", "a"), ("x-user", "b")]);
        let on = || HashOn::Header(HeaderName::from_static("x-user"));
        assert_eq!(told(on(), &cx(Compat::Kong2), &req).as_deref(), Some("ab"));
        assert_eq!(told(on(), &cx(Compat::Kong3), &req).as_deref(), Some("a, b"));
        assert_eq!(told(on(), &cx(Compat::Kong2), &request("/", &[])), None);
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let on = || HashOn::Cookie("sticky".into(), "/".into());
        let of = |line| told(on(), &cx(Compat::Kong2), &request("/", &[("cookie", line)]));
        assert_eq!(of("a=b; Sticky=abc").as_deref(), Some("abc"));
        assert_eq!(of("sticky=").as_deref(), Some(""), "an empty one is one");
        assert_eq!(of("sticky; nosticky=1"), None);
    }

    #[test]
    fn path_query_and_captures() {
        let mut cx = cx(Compat::Kong3);
        let req = request("/a%41/./b?u=2&u=1&flag", &[]);
        assert_eq!(told(HashOn::Path, &cx, &req).as_deref(), Some("/aA/b"));
        assert_eq!(told(HashOn::Query("u".into()), &cx, &req).as_deref(), Some("1,2"));
        assert_eq!(told(HashOn::Query("flag".into()), &cx, &req).as_deref(), Some("true"));
        assert_eq!(told(HashOn::Query("x".into()), &cx, &req), None);
        cx.captures = vec![Group { name: Some("user".into()), text: Some(b"ann"[..].into()) }];
        assert_eq!(told(HashOn::Capture("user".into()), &cx, &req).as_deref(), Some("ann"));
        assert_eq!(told(HashOn::Capture("1".into()), &cx, &req).as_deref(), Some("ann"));
        assert_eq!(told(HashOn::Capture("0".into()), &cx, &req), None);
        assert_eq!(told(HashOn::Ip, &cx, &req).as_deref(), Some("10.0.0.7"));
    }

    #[test]
    fn who_has_no_cookie_gets_one_and_comes_back_to_the_same_hash() {
        let on = HashOn::Cookie("sticky".into(), "/p".into());
        let hashing = Hashing { on: HashOn::Consumer, fallback: on, slots: 1000 };
        let ask =
            |req: &Request<()>| of(&hashing, &cx(Compat::Kong2), req, &Consumers::default(), || Uuid::from_u128(1));
        let (first, sticky) = ask(&request("/", &[]));
        let mut headers = HeaderMap::new();
        for line in ["sticky=old; Path=/", "other=1"] {
            headers.append(SET_COOKIE, HeaderValue::from_static(line));
        }
        sticky.unwrap().set(&mut headers);
        let lines: Vec<_> = headers.get_all(SET_COOKIE).iter().collect();
        let own = "sticky=00000000-0000-0000-0000-000000000001; Path=/p; Same-Site=Lax; HttpOnly";
        assert_eq!(lines, ["other=1", own]);
        let back = request("/", &[("cookie", "sticky=00000000-0000-0000-0000-000000000001")]);
        assert_eq!(ask(&back), (first, None));
    }

    #[test]
    fn nothing_to_hash_is_one_target() {
        let hashing = Hashing { on: HashOn::Consumer, fallback: HashOn::Nothing, slots: 1000 };
        let none = of(&hashing, &cx(Compat::Kong2), &request("/", &[]), &Consumers::default(), Uuid::nil);
        assert_eq!(none, (hash(b""), None));
    }
}
