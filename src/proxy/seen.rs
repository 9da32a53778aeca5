//! Which fields a client's head has, in one look at each of them: to look for one costs more than to meet it. Pure.

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// Asks for the names of route and service (`kong/routing.md` §8).
const DEBUG: &str = "kong-debug";

/// What was seen of a head: how often each field stands there, where that matters, and how large all are.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    /// Bytes of all lines, as HTTP/1 writes them.
    pub bytes: usize,
    /// Bytes of the longest line.
    pub longest: usize,
    /// Fields.
    pub fields: usize,
    /// `Host`.
    pub hosts: usize,
    /// `Content-Length`.
    pub lengths: usize,
    /// `Transfer-Encoding`.
    pub codings: usize,
    /// `Authorization`.
    pub authorizations: usize,
    /// `Connection`.
    pub connection: bool,
    /// `TE`.
    pub te: bool,
    /// `Accept`.
    pub accept: bool,
    /// `Content-Type`.
    pub content_type: bool,
    /// `Kong-Debug`.
    pub debug: bool,
}

// === impl Seen ===

impl Seen {
    /// Of this head.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let mut seen = Self { fields: headers.len(), ..Self::default() };
        for (name, value) in headers {
            seen.measure(name, value);
            seen.note(name);
        }
        seen
    }

    fn measure(&mut self, name: &HeaderName, value: &HeaderValue) {
        // "name: value\r\n"
        let line = name.as_str().len() + value.len() + 4;
        self.bytes += line;
        self.longest = self.longest.max(line);
    }

    fn note(&mut self, name: &HeaderName) {
        match *name {
            header::HOST => self.hosts += 1,
            header::CONTENT_LENGTH => self.lengths += 1,
            header::TRANSFER_ENCODING => self.codings += 1,
            header::AUTHORIZATION => self.authorizations += 1,
            header::CONNECTION => self.connection = true,
            header::TE => self.te = true,
            header::ACCEPT => self.accept = true,
            header::CONTENT_TYPE => self.content_type = true,
            _ => self.debug |= name.as_str() == DEBUG,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(pairs: &[(&'static str, &'static str)]) -> Seen {
        let lines = pairs.iter().map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v)));
        Seen::of(&lines.collect())
    }

    #[test]
    fn lines_are_counted_and_measured() {
        let head = [("host", "a"), ("host", "bb"), ("content-length", "1"), ("transfer-encoding", "chunked")];
        let Seen { bytes, longest, fields, hosts, lengths, codings, authorizations, .. } = seen(&head);
        assert_eq!((fields, hosts, lengths, codings, authorizations), (4, 2, 1, 1, 0));
        assert_eq!((bytes, longest), (9 + 10 + 19 + 28, 28));
    }

    #[test]
    fn what_is_there_is_seen_and_nothing_else() {
        let flags = |seen: Seen| [seen.connection, seen.te, seen.accept, seen.content_type, seen.debug];
        let names = ["connection", "te", "accept", "content-type", "kong-debug"];
        for (at, name) in names.into_iter().enumerate() {
            let want: Vec<bool> = (0..names.len()).map(|other| other == at).collect();
            assert_eq!(flags(seen(&[(name, "x")])).to_vec(), want, "{name}");
        }
        assert_eq!(flags(seen(&[("kong-debugger", "1"), ("accept-encoding", "gzip")])), [false; 5]);
    }
}
