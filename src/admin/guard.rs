//! Who may change something: everybody who reaches the listener, but no page in a browser. A page of another origin can
//! send a POST to any address that its reader reaches, and one whose name leads to such an address (DNS rebinding) is of
//! the same origin. Pure.

use http::header::{HOST, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, HeaderName};
use std::net::{Ipv4Addr, Ipv6Addr};

/// What browsers say of where a request comes from (Fetch Metadata).
const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Why a request may not change anything here, if it may not. `local`: it came in at a loopback address; `own`: this
/// machine's name.
pub(super) fn refusal(asked: &Parts, local: bool, own: &str) -> Option<&'static str> {
    if asked.method.is_safe() {
        return None;
    }
    // What is no text is nobody's name: a dot is not, either.
    let text = |name| asked.headers.get(name).map(|value| value.to_str().unwrap_or("."));
    let (host, origin, site) = (text(HOST).unwrap_or_default(), text(ORIGIN), text(SITE));
    let stranger = origin.is_some_and(|origin| !is_of(origin, host));
    if stranger || site.is_some_and(|site| !matches!(site, "same-origin" | "none")) {
        return Some("Pages of other origins may not change anything here");
    }
    let careful = local || origin.is_some() || site.is_some();
    (careful && !is_own(host, own)).then_some("This Host is no name of the Admin API: use an address or localhost")
}

/// Whether a page of this origin came from here.
fn is_of(origin: &str, host: &str) -> bool {
    let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host))
}

/// Whether nobody else can make a name lead here: an address is no name, nobody's zone holds names without a dot, such as
/// those of containers, and `localhost` is always this machine (RFC 6761).
fn is_own(host: &str, own: &str) -> bool {
    let name = without_port(host).to_ascii_lowercase();
    let address = name.parse::<Ipv4Addr>().is_ok()
        || name.strip_prefix('[').and_then(|v6| v6.strip_suffix(']')).is_some_and(|v6| v6.parse::<Ipv6Addr>().is_ok());
    address || !name.contains('.') || name.ends_with(".localhost") || name == own.to_ascii_lowercase()
}

/// Whether a Host names this machine's loopback itself.
pub(super) fn is_loopback(headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    matches!(without_port(host), "localhost" | "127.0.0.1" | "[::1]")
}

fn without_port(host: &str) -> &str {
    let port = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
    port.map_or(host, |(bare, _)| bare)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use http::Request;

    fn refused(local: bool, method: &str, headers: &[(&str, &str)]) -> bool {
        let mut asked = Request::builder().method(method).uri("/config");
        for (name, value) in headers {
            asked = asked.header(*name, *value);
        }
        refusal(&asked.body(()).unwrap().into_parts().0, local, "box.example").is_some()
    }

    #[test]
    fn programs_may_and_pages_may_not() {
        let here = ("host", "127.0.0.1:8001");
        assert!(!refused(true, "POST", &[here]));
        assert!(!refused(true, "POST", &[]));
        for origin in ["http://evil.test", "null", "http://127.0.0.1:8002", "http://127.0.0.1:8001.evil.test", "x"] {
            assert!(refused(true, "POST", &[here, ("origin", origin)]), "{origin}");
            assert!(!refused(true, "GET", &[here, ("origin", origin)]), "{origin}");
        }
        assert!(!refused(true, "PUT", &[here, ("origin", "http://127.0.0.1:8001")]));
        assert!(refused(true, "POST", &[here, ("sec-fetch-site", "cross-site")]));
        assert!(!refused(true, "POST", &[here, ("sec-fetch-site", "same-origin")]));
    }

    #[test]
    fn names_that_anybody_may_own_are_not_trusted() {
        let own =
            ["localhost:8001", "LOCALHOST", "[::1]:8001", "10.0.0.1", "kong:8001", "a.localhost", "Box.example:1"];
        for host in own {
            assert!(!refused(true, "POST", &[("host", host)]), "{host}");
            assert!(!refused(false, "POST", &[("host", host), ("origin", &format!("https://{host}"))]), "{host}");
        }
        for host in ["evil.test:8001", "localhost.evil.test", "127.0.0.1.evil.test", "kong.svc.cluster.local", "é.test"]
        {
            assert!(refused(true, "POST", &[("host", host)]), "{host}");
            assert!(refused(false, "POST", &[("host", host), ("origin", &format!("http://{host}"))]), "{host}");
        }
        // No browser's, and no loopback that a name may lead to.
        assert!(!refused(false, "POST", &[("host", "kong.svc.cluster.local")]));
    }
}
