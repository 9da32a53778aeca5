//! Clients that must show a certificate: whether a request may use the connection it came over, and what the upstream is
//! told of the certificate. Pure.
//!
//! A connection is let in by the name in its TLS handshake, a request names its host itself. A host that wants
//! certificates therefore takes requests only from connections that were let in by its own rule (RFC 9110 §15.5.20).

use super::client::Connection;
use super::request::without_port;
use crate::settings::Settings;
use crate::snapshot::{ClientAuth, Snapshot};
use crate::sni::Names;
use http::{HeaderMap, HeaderName, header};
use std::sync::Arc;

const CLIENT_CERT: HeaderName = HeaderName::from_static("client-cert");
const CLIENT_CERT_CHAIN: HeaderName = HeaderName::from_static("client-cert-chain");

/// Whether a request's host wants another handshake than its connection had.
#[must_use]
pub(super) fn is_misdirected(names: &Names<Arc<ClientAuth>>, headers: &HeaderMap, connection: &Connection) -> bool {
    if names.is_empty() {
        return false;
    }
    let host = headers.get(header::HOST).and_then(|host| std::str::from_utf8(without_port(host.as_bytes())).ok());
    let wanted = host.and_then(|host| names.find(host));
    let had = connection.tls.as_ref().and_then(|tls| tls.auth.as_ref());
    wanted.is_some_and(|wanted| had != Some(wanted))
}

/// Whether anybody is asked for a certificate, so that upstreams may believe `Client-Cert`.
#[must_use]
pub(super) fn are_asked(settings: &Settings, snapshot: &Snapshot) -> bool {
    !snapshot.certificates.clients.is_empty() || settings.proxy_listen.iter().any(|listen| listen.client_ca.is_some())
}

/// Tells the upstream of the client's certificate. What a client says itself goes (RFC 9440 §4).
pub(super) fn introduce(headers: &mut HeaderMap, connection: &Connection) {
    headers.remove(CLIENT_CERT_CHAIN);
    match connection.tls.as_ref().and_then(|tls| tls.client_cert.clone()) {
        Some(value) => drop(headers.insert(CLIENT_CERT, value)),
        None => drop(headers.remove(CLIENT_CERT)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::client::Tls;
    use http::HeaderValue;

    fn auth(required: bool) -> Arc<ClientAuth> {
        Arc::new(ClientAuth { authorities: vec![vec![1]], required })
    }

    fn connection(tls: Option<Tls>) -> Connection {
        let address = ([127, 0, 0, 1], 1).into();
        Connection::new(address, address, tls, &Settings::default())
    }

    fn to(host: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::HOST, HeaderValue::from_static(host))])
    }

    #[test]
    fn a_guarded_host_wants_a_connection_of_its_own() {
        let names: Names<_> = [("admin.test", auth(true)), ("*.other.test", auth(false))].into_iter().collect();
        let let_in = |auth| connection(Some(Tls { auth, ..Tls::default() }));
        let (open, admin, other) = (let_in(None), let_in(Some(auth(true))), let_in(Some(auth(false))));
        for (host, on, want) in [
            ("admin.test", &open, true),
            ("ADMIN.test.:443", &open, true),
            ("admin.test:443", &admin, false),
            ("admin.test", &other, true),
            ("a.other.test", &admin, true),
            ("a.other.test", &other, false),
            ("open.test", &open, false),
            ("open.test", &admin, false),
            ("admin.test", &connection(None), true),
        ] {
            assert_eq!(is_misdirected(&names, &to(host), on), want, "{host}");
        }
        assert!(!is_misdirected(&Names::default(), &to("admin.test"), &open));
    }

    #[test]
    fn only_what_was_shown_is_told() {
        let mut headers = to("a.test");
        headers.insert(CLIENT_CERT, HeaderValue::from_static(":bGllcw==:"));
        headers.insert(CLIENT_CERT_CHAIN, HeaderValue::from_static(":bGllcw==:"));
        introduce(&mut headers, &connection(Some(Tls::default())));
        assert_eq!(headers, to("a.test"));
        let client_cert = Some(HeaderValue::from_static(":AQ==:"));
        introduce(&mut headers, &connection(Some(Tls { client_cert, ..Tls::default() })));
        assert_eq!(headers.get(CLIENT_CERT), Some(&HeaderValue::from_static(":AQ==:")));
    }
}
