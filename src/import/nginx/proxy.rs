//! `proxy_pass` and the timeouts round it: which service, and what its path does to the request's.

use super::super::document::Target;
use super::host;
use super::notes::Notes;
use super::server::Pattern;
use super::tree::{Directive, Scope};
use crate::settings::units;
use std::collections::BTreeMap;

/// Milliseconds that both nginx and the gateway wait when nothing is said.
const TIMEOUT: u64 = 60_000;
/// The longest that a service may wait.
const LONGEST: u64 = 2_147_483_646;

/// A location's way to its upstream.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Pass {
    /// The service.
    pub(super) target: Target,
    /// Whether the location's path goes.
    pub(super) strip_path: bool,
    /// Whether what is left is joined to the service's path as it is.
    pub(super) plain_join: bool,
    /// What nginx sends as Host unless told otherwise, where the gateway would send another.
    pub(super) host: Option<String>,
}

/// The parts of a `proxy_pass`.
struct Url<'a> {
    scheme: &'a str,
    host: &'a str,
    port: Option<u16>,
    uri: Option<&'a str>,
}

/// Reads a `proxy_pass`. `upstreams` says of each whether it can be used.
///
/// # Errors
/// Why it can't be carried over.
pub(super) fn pass(
    directive: &Directive,
    scope: &Scope<'_>,
    pattern: &Pattern,
    upstreams: &BTreeMap<String, bool>,
    notes: &mut Notes,
) -> Result<Pass, String> {
    let url = url(directive.arg(0).unwrap_or_default())?;
    let named = match upstreams.get(url.host) {
        Some(false) => return Err("its upstream was not carried over".to_owned()),
        found => found.is_some(),
    };
    let mut pass = Pass { host: named.then(|| url.host.to_owned()), ..Pass::default() };
    pass.target = Target { scheme: url.scheme.to_owned(), host: url.host.to_owned(), ..Target::default() };
    let own = if url.scheme == "https" { 443 } else { 80 };
    pass.target.port = url.port.filter(|port| *port != own && !named);
    join(&mut pass, url.uri, pattern, directive, notes)?;
    patience(&mut pass.target, scope, named, notes);
    Ok(pass)
}

fn url(text: &str) -> Result<Url<'_>, String> {
    if text.contains('$') {
        return Err("the gateway's services have fixed addresses, and this one holds a variable".to_owned());
    }
    let lower = |scheme: &str| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    let (scheme, rest) = match text {
        _ if lower("http://") => ("http", &text[7..]),
        _ if lower("https://") => ("https", &text[8..]),
        _ => return Err("this is no http:// or https:// address".to_owned()),
    };
    if rest.starts_with("unix:") {
        return Err("the gateway does not speak to Unix sockets".to_owned());
    }
    let (authority, uri) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let uri = Some(uri).filter(|uri| !uri.is_empty());
    let (host, port) = host::split(authority).ok_or_else(|| format!("`{authority}` has no port that is a number"))?;
    if !host::is_upstream_host(host) {
        return Err(format!("`{host}` is no host"));
    }
    Ok(Url { scheme, host, port, uri })
}

/// nginx puts the URI in place of what the location matched, and joins nothing else to it. Without a URI it passes the
/// path as it came.
fn join(
    pass: &mut Pass,
    uri: Option<&str>,
    pattern: &Pattern,
    directive: &Directive,
    notes: &mut Notes,
) -> Result<(), String> {
    let Some(uri) = uri else { return Ok(()) };
    let good = |b: u8| b.is_ascii_alphanumeric() || b"-._~/!$&'()*+,;=:@".contains(&b);
    if !uri.bytes().all(good) || uri.contains("//") {
        return Err("a service's path holds no query, no escapes and no `//`".to_owned());
    }
    let (path, prefix) = match pattern {
        Pattern::Prefix { path, .. } => (path, true),
        Pattern::Exact(path) => (path, false),
        Pattern::Regex { .. } => return Err("nginx refuses a URI here, too".to_owned()),
    };
    if path == uri {
        return Ok(());
    }
    pass.strip_path = true;
    pass.target.path = uri.to_owned();
    let both_end_so = path.ends_with('/') && uri.ends_with('/');
    pass.plain_join = !(both_end_so || uri == "/");
    if prefix && !path.ends_with('/') && uri.ends_with('/') {
        let reason =
            format!("`{path}/x` is asked for as `{uri}x`; nginx, joining the two as they are, asks for `{uri}/x`");
        notes.differs(directive, &reason);
    }
    Ok(())
}

fn patience(target: &mut Target, scope: &Scope<'_>, several: bool, notes: &mut Notes) {
    target.connect_timeout = milliseconds("proxy_connect_timeout", scope, notes);
    target.write_timeout = milliseconds("proxy_send_timeout", scope, notes);
    target.read_timeout = milliseconds("proxy_read_timeout", scope, notes);
    target.retries = retries(scope, several, notes);
    target.tls_verify = target.scheme == "https" && scope.text("proxy_ssl_verify") == Some("on");
    if let Some(directive) = scope.last("proxy_ssl_trusted_certificate").filter(|_| target.tls_verify) {
        let reason = "the upstream's certificate is checked against the system's authorities; for others set \
                      lua_ssl_trusted_certificate";
        notes.differs(directive, reason);
    }
}

/// A timeout, where it is not the default of both.
fn milliseconds(name: &str, scope: &Scope<'_>, notes: &mut Notes) -> Option<u64> {
    let directive = scope.last(name)?;
    let text: Vec<&str> = directive.texts().collect();
    let time = units::time(&text.join(" ")).and_then(|time| u64::try_from(time.as_millis()).ok());
    match time {
        Some(time @ 1..=LONGEST) => Some(time).filter(|time| *time != TIMEOUT),
        _ => {
            notes.lost(directive, "this is no time that a service can wait");
            None
        }
    }
}

/// nginx asks each server of an upstream at most once, and so a single address never again.
fn retries(scope: &Scope<'_>, several: bool, notes: &mut Notes) -> Option<u64> {
    if let Some(directive) = scope.last("proxy_next_upstream") {
        if directive.says(&["off"]) {
            return Some(0);
        }
        let known = |text: &str| matches!(text, "error" | "timeout");
        if !directive.texts().all(known) {
            notes.differs(directive, "the gateway tries again where no connection came about or none was kept, only");
        }
    }
    let tries = scope.text("proxy_next_upstream_tries").and_then(|tries| tries.parse().ok());
    match tries {
        _ if !several => Some(0),
        Some(tries @ 1_u64..) => Some(tries - 1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn addresses() {
        let parts = |text| url(text).map(|url| (url.scheme, url.host, url.port, url.uri)).ok();
        assert_eq!(parts("http://api:8181/"), Some(("http", "api", Some(8181), Some("/"))));
        assert_eq!(parts("HTTPS://a.b"), Some(("https", "a.b", None, None)));
        assert_eq!(parts("http://[::1]:80/x"), Some(("http", "[::1]", Some(80), Some("/x"))));
        assert_eq!(parts("http://[::1]"), Some(("http", "[::1]", None, None)));
        for bad in
            ["", "http://", "http://$x", "unix:/x", "http://unix:/x:", "http://a:b", "http://a b", "é://", "http://[x]"]
        {
            assert_eq!(parts(bad), None, "{bad}");
        }
    }
}
