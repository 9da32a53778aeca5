//! The static table (RFC 7541 appendix A).

use super::field::{Entry, Field, Name};
use http::uri::{PathAndQuery, Scheme};
use http::{HeaderName, HeaderValue, Method, StatusCode, header};

/// The last index of it: those of the dynamic table follow.
pub(super) const LAST: usize = TABLE.len();

/// What has index 1 is the first.
static TABLE: [Entry; 61] = [
    malformed(Name::Authority, ":authority", ""),
    method(Method::GET, "GET"),
    method(Method::POST, "POST"),
    path("/"),
    path("/index.html"),
    scheme(Scheme::HTTP, "http"),
    scheme(Scheme::HTTPS, "https"),
    status("200"),
    status("204"),
    status("206"),
    status("304"),
    status("400"),
    status("404"),
    status("500"),
    plain("accept-charset", ""),
    plain("accept-encoding", "gzip, deflate"),
    plain("accept-language", ""),
    plain("accept-ranges", ""),
    plain("accept", ""),
    plain("access-control-allow-origin", ""),
    plain("age", ""),
    plain("allow", ""),
    plain("authorization", ""),
    plain("cache-control", ""),
    plain("content-disposition", ""),
    plain("content-encoding", ""),
    plain("content-language", ""),
    plain("content-length", ""),
    plain("content-location", ""),
    plain("content-range", ""),
    plain("content-type", ""),
    plain("cookie", ""),
    plain("date", ""),
    plain("etag", ""),
    plain("expect", ""),
    plain("expires", ""),
    plain("from", ""),
    plain("host", ""),
    plain("if-match", ""),
    plain("if-modified-since", ""),
    plain("if-none-match", ""),
    plain("if-range", ""),
    plain("if-unmodified-since", ""),
    plain("last-modified", ""),
    plain("link", ""),
    plain("location", ""),
    plain("max-forwards", ""),
    plain("proxy-authenticate", ""),
    plain("proxy-authorization", ""),
    plain("range", ""),
    plain("referer", ""),
    plain("refresh", ""),
    plain("retry-after", ""),
    plain("server", ""),
    plain("set-cookie", ""),
    plain("strict-transport-security", ""),
    plain("transfer-encoding", ""),
    plain("user-agent", ""),
    plain("vary", ""),
    plain("via", ""),
    plain("www-authenticate", ""),
];

/// What an index stands for.
pub(super) fn get(index: usize) -> Option<&'static Entry> {
    TABLE.get(index.checked_sub(1)?)
}

/// The index of an answer's status, if it is one of the usual ones.
pub(super) const fn of_status(status: StatusCode) -> Option<usize> {
    Some(match status {
        StatusCode::OK => STATUS,
        StatusCode::NO_CONTENT => 9,
        StatusCode::PARTIAL_CONTENT => 10,
        StatusCode::NOT_MODIFIED => 11,
        StatusCode::BAD_REQUEST => 12,
        StatusCode::NOT_FOUND => 13,
        StatusCode::INTERNAL_SERVER_ERROR => 14,
        _ => return None,
    })
}

/// The index of the name of any other.
pub(super) const STATUS: usize = 8;

/// The index of a name, if it is one of the usual ones.
pub(super) fn of_name(name: &HeaderName) -> Option<usize> {
    Some(match *name {
        header::ACCEPT_CHARSET => 15,
        header::ACCEPT_ENCODING => 16,
        header::ACCEPT_LANGUAGE => 17,
        header::ACCEPT_RANGES => 18,
        header::ACCEPT => 19,
        header::ACCESS_CONTROL_ALLOW_ORIGIN => 20,
        header::AGE => 21,
        header::ALLOW => 22,
        header::AUTHORIZATION => 23,
        header::CACHE_CONTROL => 24,
        header::CONTENT_DISPOSITION => 25,
        header::CONTENT_ENCODING => 26,
        header::CONTENT_LANGUAGE => 27,
        header::CONTENT_LENGTH => 28,
        header::CONTENT_LOCATION => 29,
        header::CONTENT_RANGE => 30,
        header::CONTENT_TYPE => 31,
        header::COOKIE => 32,
        header::DATE => 33,
        header::ETAG => 34,
        header::EXPECT => 35,
        header::EXPIRES => 36,
        header::FROM => 37,
        header::HOST => 38,
        header::IF_MATCH => 39,
        header::IF_MODIFIED_SINCE => 40,
        header::IF_NONE_MATCH => 41,
        header::IF_RANGE => 42,
        header::IF_UNMODIFIED_SINCE => 43,
        header::LAST_MODIFIED => 44,
        header::LINK => 45,
        header::LOCATION => 46,
        header::MAX_FORWARDS => 47,
        header::PROXY_AUTHENTICATE => 48,
        header::PROXY_AUTHORIZATION => 49,
        header::RANGE => 50,
        header::REFERER => 51,
        header::REFRESH => 52,
        header::RETRY_AFTER => 53,
        header::SERVER => 54,
        header::SET_COOKIE => 55,
        header::STRICT_TRANSPORT_SECURITY => 56,
        header::TRANSFER_ENCODING => 57,
        header::USER_AGENT => 58,
        header::VARY => 59,
        header::VIA => 60,
        header::WWW_AUTHENTICATE => 61,
        _ => return None,
    })
}

const fn method(method: Method, value: &str) -> Entry {
    Entry::known(Ok(Field::Method(method)), ":method".len() + value.len())
}

const fn path(value: &'static str) -> Entry {
    Entry::known(Ok(Field::Path(PathAndQuery::from_static(value))), ":path".len() + value.len())
}

const fn scheme(scheme: Scheme, value: &str) -> Entry {
    Entry::known(Ok(Field::Scheme(scheme)), ":scheme".len() + value.len())
}

const fn status(value: &str) -> Entry {
    malformed(Name::Malformed(":status".len()), ":status", value)
}

const fn malformed(known: Name, name: &str, value: &str) -> Entry {
    Entry::known(Err(known), name.len() + value.len())
}

const fn plain(name: &'static str, value: &'static str) -> Entry {
    let field = Field::Plain(HeaderName::from_static(name), HeaderValue::from_static(value));
    Entry::known(Ok(field), name.len() + value.len())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::http2::hpack::table::Entry as _;

    #[test]
    fn names_and_statuses_find_what_they_are() {
        for index in 1..=LAST {
            let entry = get(index).unwrap();
            if let Name::Plain(name) = entry.name() {
                assert_eq!(of_name(&name), Some(index));
            }
        }
        let found = [200, 204, 206, 304, 400, 404, 500].map(|code| of_status(StatusCode::from_u16(code).unwrap()));
        assert_eq!(found, [8, 9, 10, 11, 12, 13, 14].map(Some));
        assert_eq!(of_status(StatusCode::CREATED), None);
        assert_eq!(of_name(&header::ORIGIN), None);
        assert_eq!(of_name(&HeaderName::from_static("x-own")), None);
    }

    #[test]
    fn there_is_nothing_before_the_first_and_behind_the_last() {
        assert!(get(0).is_none());
        assert!(get(LAST + 1).is_none());
        assert!(get(usize::MAX).is_none());
    }

    #[test]
    fn sizes_are_counted_as_of_any_field() {
        let sizes = [(1, 42), (2, 42), (4, 38), (5, 48), (7, 44), (8, 42), (16, 60), (61, 48)];
        for (index, size) in sizes {
            assert_eq!(get(index).unwrap().size(), size, "{index}");
        }
    }
}
