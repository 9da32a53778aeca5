//! Tests of texts, each with Kong's words for what is wrong (`kong/declarative.md` §4; `kong/tools/utils.lua`,
//! `kong/db/schema/typedefs.lua`).

use crate::config::hosts::is_hostname;
pub(crate) use crate::config::hosts::{HostKind, HostPort, host_pattern, host_port};
use crate::config::schema::header_name;
use crate::pcre;
use crate::route::normalize::normalize_route_path;

/// Kong's words, if a text is no good.
pub(crate) type Verdict = Result<(), String>;

/// A host without port.
pub(super) fn host(text: &str) -> Verdict {
    match host_port(text) {
        Ok(HostPort { port: None, .. }) => Ok(()),
        Ok(_) => Err("must not have a port".to_owned()),
        Err(error) if error == "invalid port number" => Err("must not have a port".to_owned()),
        Err(_) => Err(format!("invalid value: {text}")),
    }
}

/// A host with or without port.
pub(super) fn host_with_port(text: &str) -> Verdict {
    host_port(text).map(|_| ())
}

/// A TLS server name.
pub(super) fn sni(text: &str) -> Verdict {
    match host_port(text) {
        Ok(HostPort { kind: HostKind::V4 | HostKind::V6, .. }) => Err("must not be an IP".to_owned()),
        Ok(HostPort { port: None, .. }) => Ok(()),
        Ok(_) => Err("must not have a port".to_owned()),
        Err(error) if error == "invalid port number" => Err("must not have a port".to_owned()),
        // A dot at the end is fine in a server name.
        Err(_) if text.strip_suffix('.').is_some_and(is_hostname) => Ok(()),
        Err(_) => Err(format!("invalid value: {text}")),
    }
}

/// A TLS server name whose first or last character may be a `*`.
pub(super) fn sni_pattern(text: &str) -> Verdict {
    match text.bytes().filter(|b| *b == b'*').count() {
        0 => return sni(text),
        1 => {}
        _ => return Err("only one wildcard must be specified".to_owned()),
    }
    if !text.starts_with('*') && !text.ends_with('*') {
        return Err("wildcard must be leftmost or rightmost character".to_owned());
    }
    if text == "*" { Ok(()) } else { sni(&text.replace('*', "abc")).map_err(|error| error.replace("abc", "*")) }
}

/// The name of an entity: letters, digits, `.`, `-`, `_`, `~`, and anything beyond ASCII.
pub(super) fn name(text: &str) -> Verdict {
    let good = |c: char| !c.is_ascii() || c.is_ascii_alphanumeric() || ".-_~".contains(c);
    if text.chars().all(good) {
        return Ok(());
    }
    Err(format!("invalid value '{text}': the only accepted ascii characters are alphanumerics or ., -, _, and ~"))
}

/// A tag.
pub(super) fn tag(text: &str) -> Verdict {
    tag_of(text, |c| c.is_ascii_graphic())
}

/// A tag of Kong 3.
pub(super) fn tag_with_blanks(text: &str) -> Verdict {
    tag_of(text, |c| c.is_ascii_graphic() || c == ' ')
}

fn tag_of(text: &str, ascii: fn(char) -> bool) -> Verdict {
    if text.chars().all(|c| !c.is_ascii() || (ascii(c) && c != ',' && c != '/')) {
        return Ok(());
    }
    Err(format!("invalid tag '{text}': expected printable ascii (except `,` and `/`) or valid utf-8 sequences"))
}

/// A method in upper case.
pub(super) fn method(text: &str) -> Verdict {
    if text.bytes().all(|b| b.is_ascii_uppercase()) { Ok(()) } else { Err(format!("invalid value: {text}")) }
}

/// The name of a header that a route asks for.
pub(super) fn route_header(text: &str) -> Verdict {
    if text.eq_ignore_ascii_case("host") {
        return Err("cannot contain 'host' header, which must be specified in the 'hosts' attribute".to_owned());
    }
    header_name(text)
}

/// The name of a cookie (RFC 6265: a token).
pub(super) fn cookie_name(text: &str) -> Verdict {
    let good = |b: u8| b.is_ascii_alphanumeric() || b"`!#$%&'*+-.^_|~".contains(&b);
    if text.bytes().all(good) {
        return Ok(());
    }
    Err(format!("bad cookie name '{text}', allowed characters are A-Z, a-z, 0-9, '_', and '-'"))
}

/// No `//`.
pub(super) fn no_empty_segments(text: &str) -> Verdict {
    if text.contains("//") { Err("must not have empty segments".to_owned()) } else { Ok(()) }
}

/// A path of unreserved characters.
pub(super) fn path(text: &str) -> Verdict {
    path_of(text, is_plain)
}

/// A path of the characters that RFC 3986 allows in one.
pub(super) fn path_3(text: &str) -> Verdict {
    path_of(text, |b| is_plain(b) || b"!$&'()*+,;=:@".contains(&b))
}

fn path_of(text: &str, good: fn(u8) -> bool) -> Verdict {
    if !text.bytes().all(good) {
        return Err(format!("invalid path: '{text}' (characters outside of the reserved list of RFC 3986 found)"));
    }
    percent_encoded(text)
}

/// What Kong 2 takes for a plain path.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b".-_~/%".contains(&byte)
}

fn percent_encoded(text: &str) -> Verdict {
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        let triplet = rest.get(at..at + 3).filter(|t| t.bytes().skip(1).all(|b| b.is_ascii_hexdigit()));
        if triplet.is_none() {
            let end = rest[at..].char_indices().nth(3).map_or(rest.len(), |(n, _)| at + n);
            return Err(format!("invalid url-encoded value: '{}'", &rest[at..end]));
        }
        rest = &rest[at + 3..];
    }
    Ok(())
}

/// A route's path in Kong 2: what is not plain is a regular expression.
pub(super) fn path_or_regex(text: &str) -> Verdict {
    if text.bytes().all(is_plain) { percent_encoded(text) } else { regex(text, text) }
}

/// How a route's path begins in Kong 3.
pub(super) fn path_or_regex_start_3(text: &str) -> Verdict {
    if text.starts_with('/') || text.starts_with("~/") {
        return Ok(());
    }
    Err("should start with: / (fixed path) or ~/ (regex path)".to_owned())
}

/// A route's path in Kong 3: an expression after `~`, else a path that is normalised already.
pub(super) fn path_or_regex_3(text: &str) -> Verdict {
    if let Some(pattern) = text.strip_prefix('~') {
        return regex(pattern, text);
    }
    percent_encoded(text)?;
    let normal = String::from_utf8_lossy(&normalize_route_path(text.as_bytes())).into_owned();
    if normal == text { Ok(()) } else { Err(format!("non-normalized path, consider use '{normal}' instead")) }
}

fn regex(pattern: &str, written: &str) -> Verdict {
    pcre::check(pattern).map_err(|error| format!("invalid regex: '{written}' (PCRE returned: {error})"))
}

/// An address or a range of them.
pub(super) fn ip_or_cidr(text: &str) -> Verdict {
    let good = text.parse::<ipnet::IpNet>().is_ok() || text.parse::<std::net::IpAddr>().is_ok();
    if good { Ok(()) } else { Err(format!("invalid ip or cidr range: '{text}'")) }
}

/// The name of an upstream.
pub(super) fn upstream_name(text: &str) -> Verdict {
    match host_port(text) {
        Err(_) => Err(format!("Invalid name ('{text}'); must be a valid hostname")),
        Ok(HostPort { kind: HostKind::V4 | HostKind::V6, .. }) => {
            Err(format!("Invalid name ('{text}'); no ip addresses allowed"))
        }
        Ok(HostPort { port: Some(_), .. }) => Err(format!("Invalid name ('{text}'); no port allowed")),
        Ok(_) => Ok(()),
    }
}

/// A target: host or address, with or without port.
pub(super) fn target(text: &str) -> Verdict {
    let bad = |_| format!("Invalid target ('{text}'); not a valid hostname or ip address");
    host_port(text).map(|_| ()).map_err(bad)
}

#[cfg(test)]
#[path = "text_tests.rs"]
mod tests;
