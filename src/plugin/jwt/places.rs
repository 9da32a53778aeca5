//! Where a request's token is: in arguments of the query, cookies, and headers, in this order.

use super::refusal::Refusal;
use crate::args::{Args, Value};
use crate::config::value::Checked;
use crate::entity::Compat;
use http::{HeaderMap, HeaderName, HeaderValue, header};

/// The names to look under.
#[derive(Debug)]
pub(super) struct Places {
    arguments: Box<[Box<[u8]>]>,
    cookies: Box<[Box<[u8]>]>,
    headers: Box<[HeaderName]>,
    secrets: Box<[Box<str>]>,
}

// === impl Places ===

impl Places {
    /// Reads the names. One that no header can have is passed over.
    pub(super) fn read(config: &Checked) -> Self {
        let names = |field| config.strs(field).map(|name| name.as_bytes().into()).collect();
        let headers = config.strs("header_names").filter_map(|name| HeaderName::from_bytes(name.as_bytes()).ok());
        let secrets = config.strs("uri_param_names").chain(config.strs("header_names"));
        Self {
            arguments: names("uri_param_names"),
            cookies: names("cookie_names"),
            headers: headers.collect(),
            secrets: secrets.map(|name| name.to_ascii_lowercase().into()).collect(),
        }
    }

    /// What arguments and headers are called that may hold a token, in lower case. Cookies are never shown.
    pub(super) fn secrets(&self) -> &[Box<str>] {
        &self.secrets
    }

    /// Whether arguments of the query are among them.
    pub(super) fn include_the_query(&self) -> bool {
        !self.arguments.is_empty()
    }

    /// The names, for people.
    pub(super) fn described(&self) -> String {
        let listed = |kind: &str, names: &mut dyn Iterator<Item = String>| {
            let names: Vec<_> = names.map(|name| format!("`{name}`")).collect();
            (!names.is_empty()).then(|| format!("{kind} {}", names.join(", ")))
        };
        let text = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
        let all = [
            listed("argument", &mut self.arguments.iter().map(|name| text(name))),
            listed("cookie", &mut self.cookies.iter().map(|name| text(name))),
            listed("header", &mut self.headers.iter().map(ToString::to_string)),
        ];
        all.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    /// The token: for Kong 2 the first that is there, for Kong 3 the only one.
    pub(super) fn find<'a>(
        &self,
        headers: &'a HeaderMap,
        args: &'a Args,
        compat: Compat,
    ) -> Result<&'a [u8], Refusal> {
        match compat {
            Compat::Kong2 => self.first(headers, args),
            Compat::Kong3 => self.only(headers, args),
        }
    }

    fn first<'a>(&self, headers: &'a HeaderMap, args: &'a Args) -> Result<&'a [u8], Refusal> {
        match self.in_query(args).next() {
            Some([one]) => one.as_deref().ok_or(Refusal::Unrecognizable),
            Some(_) => Err(Refusal::Several),
            None => self.in_head(headers).next().ok_or(Refusal::NoToken),
        }
    }

    /// The same token at several places is one.
    fn only<'a>(&self, headers: &'a HeaderMap, args: &'a Args) -> Result<&'a [u8], Refusal> {
        let in_query = self.in_query(args).flatten().map(Option::as_deref).filter(|value| *value != Some(b""));
        let mut found: Vec<_> = in_query.chain(self.in_head(headers).map(Some)).collect();
        found.sort_unstable();
        found.dedup();
        match found[..] {
            [] => Err(Refusal::NoToken),
            [one] => one.ok_or(Refusal::Unrecognizable),
            _ => Err(Refusal::Several),
        }
    }

    /// The values of each name that is there.
    fn in_query<'a>(&self, args: &'a Args) -> impl Iterator<Item = &'a [Value]> {
        self.arguments.iter().filter_map(|name| args.get(name))
    }

    fn in_head<'a>(&self, headers: &'a HeaderMap) -> impl Iterator<Item = &'a [u8]> {
        let cookies = self.cookies.iter().filter_map(|name| cookie(headers, name)).filter(|value| !value.is_empty());
        let bearers = self.headers.iter().filter_map(|name| bearer(headers.get(name)?.as_bytes()));
        cookies.chain(bearers)
    }
}

/// A cookie, as nginx finds it: names without regard to case, the first that is there.
fn cookie<'a>(headers: &'a HeaderMap, name: &[u8]) -> Option<&'a [u8]> {
    let lines = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes);
    lines.flat_map(|line| line.split(|byte| *byte == b';')).find_map(|pair| {
        let at = pair.iter().position(|byte| *byte == b'=')?;
        let (own, value) = (&pair[..at], &pair[at + 1..]);
        own.trim_ascii().eq_ignore_ascii_case(name).then(|| value.trim_ascii_start())
    })
}

/// What follows `Bearer` and blanks, wherever that stands in a header.
fn bearer(value: &[u8]) -> Option<&[u8]> {
    const SCHEMES: [&[u8]; 2] = [b"Bearer", b"bearer"];
    let ends = (SCHEMES[0].len()..value.len()).filter(|end| SCHEMES.iter().any(|word| value[..*end].ends_with(word)));
    ends.map(|end| &value[end..]).find_map(|rest| {
        let token = rest.trim_ascii_start();
        (token.len() < rest.len() && !token.is_empty()).then_some(token)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_bearer_is_what_follows_the_word() {
        let found = |value: &'static str| bearer(value.as_bytes()).map(|token| std::str::from_utf8(token).unwrap());
        for value in ["Bearer a.b", "bearer a.b", "Bearer \t a.b", "x Bearer a.b", "BearerBearer a.b"] {
            assert_eq!(found(value), Some("a.b"), "{value}");
        }
        assert_eq!(found("Bearer a b"), Some("a b"));
        for value in ["a.b", "Basic YTpi", "BEARER a", "Bearera", "Bearer", "Bearer ", ""] {
            assert_eq!(found(value), None, "{value}");
        }
    }

    #[test]
    fn a_cookie_is_found_as_nginx_finds_it() {
        let lines = ["x=1; auth = a=b ", "AUTH=late; other="];
        let headers = lines.iter().map(|line| (header::COOKIE, line.parse().unwrap())).collect();
        let found = |name: &str| cookie(&headers, name.as_bytes()).map(|value| std::str::from_utf8(value).unwrap());
        assert_eq!((found("auth"), found("X"), found("other")), (Some("a=b "), Some("1"), Some("")));
        assert_eq!(found("aut"), None);
    }
}
