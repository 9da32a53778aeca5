//! The variables that a format may have: nginx's, as far as they mean something here, Kong's, and a few of our own.

use super::Needs;
use http::HeaderName;

macro_rules! variables {
    ($($variable:ident = $($name:literal)|+, $doc:literal;)*) => {
        /// What a request says, by name.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[allow(missing_docs)] // The table says it.
        pub enum Variable {
            $(#[doc = $doc] $variable,)*
            /// An argument of the query.
            Arg(Box<str>),
            /// A cookie of the request.
            Cookie(Box<str>),
            /// A header of the request.
            Header(HeaderName),
            /// A header of the answer.
            Sent(HeaderName),
        }

        /// Those with one name each, what they are called, and what they are.
        pub const PLAIN: &[(Variable, &[&str], &str)] = &[$((Variable::$variable, &[$($name),+], $doc)),*];
    };
}

variables! {
    Args = "args" | "query_string", "the query, secrets masked";
    BodyBytes = "body_bytes_sent", "bytes of the answer's body";
    Bytes = "bytes_sent", "bytes of the answer, its head as HTTP/1.1 writes it";
    Connection = "connection", "the number of the client's connection";
    ConnectionRequests = "connection_requests", "the number of the request on it";
    Consumer = "consumer", "who was let in: a consumer's username, else its `custom_id`, else its id";
    Host = "host", "the host that was asked, lower case, without port";
    Http2 = "http2", "`h2` over TLS, `h2c` without; nothing for HTTP/1";
    Https = "https", "`on` over TLS";
    IsArgs = "is_args", "`?` if there is a query";
    RequestId = "kong_request_id" | "request_id", "the request's id";
    Msec = "msec", "seconds since 1970, with milliseconds";
    Pid = "pid", "the number of the process";
    PeerAddr = "realip_remote_addr", "the address of the connection's other end";
    PeerPort = "realip_remote_port" | "remote_port", "its port";
    Client = "remote_addr", "the client's address, after `real_ip_header`";
    User = "remote_user", "who was let in by name and password";
    Request = "request", "the request line, secrets masked";
    Completion = "request_completion", "`OK` if the answer went out as a whole";
    RequestLength = "request_length", "bytes of the request, its head as HTTP/1.1 writes it";
    Method = "request_method", "the method";
    RequestTime = "request_time", "seconds from the request's head to the answer's last byte";
    Target = "request_uri", "the target: path and query, secrets masked";
    Route = "route", "the route's name, or else its id";
    Scheme = "scheme", "`http` or `https`, by the listener";
    ServerAddr = "server_addr", "the address that the client connected to";
    ServerName = "server_name", "`kong`";
    ServerPort = "server_port", "the port that it connected to";
    Protocol = "server_protocol", "`HTTP/1.1`";
    Service = "service", "the service's name, or else its id";
    SpanId = "span_id", "the gateway's own span, where it takes part in traces";
    TlsCipher = "ssl_cipher", "the cipher suite, by OpenSSL's name";
    TlsVerify = "ssl_client_verify", "`SUCCESS` or `NONE`: whether the client showed a certificate";
    TlsVersion = "ssl_protocol", "`TLSv1.3`";
    Status = "status", "the answer's status; 499 if the client went before there was one";
    TimeIso = "time_iso8601", "`2026-11-23T13:00:00+00:00`";
    TimeLocal = "time_local", "`23/Nov/2026:13:00:00 +0000`";
    TraceId = "trace_id", "the trace that the request belongs to";
    UpstreamAddr = "upstream_addr", "the upstream's address; those of all attempts, by commas";
    UpstreamTime = "upstream_header_time" | "upstream_response_time", "seconds to the head of each attempt's answer";
    UpstreamStatus = "upstream_status", "the status of each attempt";
    Path = "uri" | "document_uri", "the path as it was asked, secrets masked";
}

/// Those that stand for many: how their names begin.
const FAMILIES: [&str; 4] = ["arg_NAME", "cookie_NAME", "http_NAME", "sent_http_NAME"];

/// All names with their `$`, in order; those that stand for many with `NAME`.
pub fn names() -> impl Iterator<Item = String> {
    let plain = PLAIN.iter().flat_map(|(_, names, _)| *names);
    let mut names: Vec<&str> = plain.chain(&FAMILIES).copied().collect();
    names.sort_by_key(|name| name.to_ascii_lowercase().replace("_", " "));
    names.into_iter().map(|name| format!("${name}"))
}

// === impl Variable ===

impl Variable {
    /// The variable of this name, without `$`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        if let Some((variable, ..)) = PLAIN.iter().find(|(_, names, _)| names.contains(&name)) {
            return Some(variable.clone());
        }
        let header = |rest: &str| HeaderName::try_from(rest.replace('_', "-")).ok();
        match name {
            "content_type" => return Some(Self::Header(http::header::CONTENT_TYPE)),
            "content_length" => return Some(Self::Header(http::header::CONTENT_LENGTH)),
            _ => {}
        }
        let (family, rest) = name.split_at(FAMILIES.iter().find_map(|family| start_of(family, name))?);
        match family {
            "arg_" => Some(Self::Arg(rest.into())),
            "cookie_" => Some(Self::Cookie(rest.into())),
            "http_" => header(rest).map(Self::Header),
            _ => header(rest).map(Self::Sent),
        }
    }

    /// Adds what it needs.
    pub(super) fn note(&self, needs: &mut Needs) {
        use http::header::{REFERER, USER_AGENT};
        match self {
            Self::Header(name) => needs.headers |= *name != REFERER && *name != USER_AGENT,
            Self::Cookie(_) => needs.headers = true,
            Self::Host => needs.host = true,
            Self::Sent(_) | Self::Bytes => needs.answer = true,
            Self::UpstreamAddr | Self::UpstreamTime | Self::UpstreamStatus => needs.tries = true,
            Self::RequestLength => needs.length = true,
            Self::TraceId | Self::SpanId => needs.trace = true,
            _ => {}
        }
    }
}

/// How long the beginning of a family's names is, if this is one of them.
fn start_of(family: &str, name: &str) -> Option<usize> {
    let start = family.strip_suffix("NAME")?;
    (name.starts_with(start) && name.len() > start.len()).then_some(start.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_to_variables() {
        assert_eq!(Variable::named("query_string"), Some(Variable::Args));
        assert_eq!(Variable::named("kong_request_id"), Some(Variable::RequestId));
        assert_eq!(Variable::named("http_x_a"), Some(Variable::Header(HeaderName::from_static("x-a"))));
        assert_eq!(Variable::named("sent_http_x_a"), Some(Variable::Sent(HeaderName::from_static("x-a"))));
        assert_eq!(Variable::named("cookie_a"), Some(Variable::Cookie("a".into())));
        for unknown in ["", "http_", "upstream_cache_status", "STATUS"] {
            assert_eq!(Variable::named(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn the_documentation_has_every_one() {
        let docs = include_str!("../../../docs/operations.md");
        for (_, names, doc) in PLAIN {
            let names = names.iter().map(|name| format!("`${name}`")).collect::<Vec<_>>().join(", ");
            let row = format!("| {names} | {doc} |");
            assert!(docs.contains(&row), "docs/operations.md lacks: {row}");
        }
        assert!(FAMILIES.iter().all(|family| docs.contains(&format!("`${family}`"))));
    }
}
