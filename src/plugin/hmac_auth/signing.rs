//! The text that a client signed: one line for each name that it lists (`kong/plugins.md` §9).

use super::params::Params;
use crate::route::normalize::{Target, normalize};
use http::{HeaderMap, Method, Request, Version};
use percent_encoding::percent_decode;
use std::borrow::Cow;

/// A request as its client signs it.
pub(super) struct Signed<'a> {
    method: &'a Method,
    version: &'static str,
    headers: &'a HeaderMap,
    /// As it was sent, with query.
    target: &'a str,
}

// === impl Signed ===

impl<'a> Signed<'a> {
    /// A request as it came.
    pub(super) fn of<B>(req: &'a Request<B>) -> Self {
        let version = match req.version() {
            Version::HTTP_10 => "1.0",
            Version::HTTP_2 => "2.0",
            _ => "1.1",
        };
        let target = req.uri().path_and_query().map_or("/", |target| target.as_str());
        Self { method: req.method(), version, headers: req.headers(), target }
    }

    /// The text over these names.
    pub(super) fn text(&self, params: &Params<'_>) -> Vec<u8> {
        self.text_with(params, self.target.as_bytes())
    }

    /// What Kong 2.8 takes as well: the text with the target as nginx understands it, decoded and without query.
    pub(super) fn text_decoded(&self, params: &Params<'_>) -> Vec<u8> {
        let path = Target::split(self.target.as_bytes()).map_or(&b"/"[..], |target| target.path);
        let path = normalize(path).unwrap_or(Cow::Borrowed(path));
        self.text_with(params, &Cow::from(percent_decode(&path)))
    }

    fn text_with(&self, params: &Params<'_>, target: &[u8]) -> Vec<u8> {
        let mut text = Vec::new();
        for (at, name) in params.headers().enumerate() {
            if at > 0 {
                text.push(b'\n');
            }
            self.line(name, target, &mut text);
        }
        text
    }

    /// A header's first line, if there is one of this name.
    fn line(&self, name: &[u8], target: &[u8], out: &mut Vec<u8>) {
        let value = std::str::from_utf8(name).ok().and_then(|name| self.headers.get(name));
        let mut put = |parts: &[&[u8]]| out.extend(parts.iter().copied().flatten());
        match (value, name) {
            (Some(value), _) => put(&[name, b": ", value.as_bytes()]),
            (None, b"@request-target") => {
                let method = self.method.as_str().to_ascii_lowercase();
                put(&[name, b": ", method.as_bytes(), b" ", target]);
            }
            (None, b"request-line") => {
                let version = self.version.as_bytes();
                put(&[self.method.as_str().as_bytes(), b" ", target, b" HTTP/", version]);
            }
            (None, _) => put(&[name, b":"]),
        }
    }
}
