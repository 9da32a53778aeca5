//! Redirects: what `return` and the idioms round it send clients to, and which of them mean "the same, over TLS".

use super::host;
use super::server::{Pattern, Server};
use super::tree::Directive;

/// The statuses that a route can send clients to TLS with.
const TO_HTTPS: &[u16] = &[301, 302, 307, 308];

/// Where a redirect goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Redirect {
    /// The status.
    pub(super) status: u16,
    /// `http` or `https`; none is that of the request.
    pub(super) scheme: Option<&'static str>,
    /// The host, maybe with a port; none is that of the request.
    pub(super) host: Option<String>,
    /// The path; none is path and query of the request.
    pub(super) path: Option<String>,
}

/// Clients without TLS are sent to the same with it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Upgrade<'a> {
    /// What says so.
    pub(super) directive: &'a Directive,
    /// With which status.
    pub(super) status: u16,
}

/// What a `return` redirects to, if it does, in a server with this first name.
pub(super) fn read(directive: &Directive, server_name: &str) -> Option<Redirect> {
    let texts: Vec<&str> = directive.texts().collect();
    let (status, url) = match texts.as_slice() {
        [url] if url.contains("://") => (302, *url),
        [status, url] => (status.parse().ok().filter(|status| is_redirect(*status))?, *url),
        _ => return None,
    };
    target(status, url, server_name)
}

/// Whether nginx takes the text of a `return` with this status for a URL.
pub(super) fn is_redirect(status: u16) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308)
}

fn target(status: u16, url: &str, server_name: &str) -> Option<Redirect> {
    if !url.bytes().all(|b| b.is_ascii_graphic()) {
        return None;
    }
    let schemes = [("https://", Some("https")), ("http://", Some("http")), ("$scheme://", None)];
    let Some((scheme, rest)) = schemes.iter().find_map(|(start, scheme)| Some((*scheme, url.strip_prefix(start)?)))
    else {
        let fixed = url.starts_with('/') && !url.contains('$');
        return fixed.then(|| Redirect { status, scheme: None, host: None, path: Some(url.to_owned()) });
    };
    let own = ["$host", "$http_host"].into_iter().find_map(|name| rest.strip_prefix(name));
    let own = own.filter(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'));
    let named = || rest.strip_prefix("$server_name").map(|rest| (Some(server_name.to_owned()), rest));
    let literal = || {
        let (host, rest) = rest.split_at(rest.find(['/', '$']).unwrap_or(rest.len()));
        let good = host::split(host).is_some_and(|(host, _)| host::is_upstream_host(host));
        good.then(|| (Some(host.to_ascii_lowercase()), rest))
    };
    let (host, rest) = own.map(|rest| (None, rest)).or_else(named).or_else(literal)?;
    let path = match rest {
        "$request_uri" | "$uri" | "$uri$is_args$args" | "$document_uri" => None,
        _ if rest.contains('$') || !(rest.is_empty() || rest.starts_with('/')) => return None,
        _ => Some(rest.to_owned()),
    };
    Some(Redirect { status, scheme, host, path })
}

/// Whether a server sends requests without TLS for a name (`None`: for names that no server has) to the same with it.
pub(super) fn upgrade<'a>(server: &Server<'a>, name: Option<&str>) -> Option<Upgrade<'a>> {
    let label = server.names.first().map_or("", String::as_str);
    for directive in server.scope.own() {
        match directive.name.as_str() {
            "if" => {
                let fits = condition(directive).is_some_and(|wanted| wanted.is_none() || wanted.as_deref() == name);
                if let Some(found) = inner(directive).and_then(|inner| of_return(inner, label, name)).filter(|_| fits) {
                    return Some(found);
                }
            }
            "return" => return of_return(directive, label, name),
            "rewrite" => {
                if let Some(status) = rewrite(directive) {
                    return Some(Upgrade { directive, status });
                }
            }
            _ => {}
        }
    }
    of_root(server, label, name).filter(|_| !server.serves(true))
}

fn of_root<'a>(server: &Server<'a>, label: &str, name: Option<&str>) -> Option<Upgrade<'a>> {
    let whole = |pattern: &Pattern| matches!(pattern, Pattern::Prefix { path, .. } if path == "/");
    let location = server.locations.iter().find(|location| whole(&location.pattern))?;
    of_return(location.scope.own_named("return")?, label, name)
}

fn of_return<'a>(directive: &'a Directive, label: &str, name: Option<&str>) -> Option<Upgrade<'a>> {
    let found = read(directive, label)?;
    let own = found.host.is_none() || found.host.as_deref() == name;
    let same = found.scheme == Some("https") && own && found.path.is_none() && TO_HTTPS.contains(&found.status);
    same.then_some(Upgrade { directive, status: found.status })
}

/// Whether an `if` is one of the idioms that are understood.
pub(super) fn is_idiom(directive: &Directive) -> bool {
    let back = |inner: &Directive| read(inner, "").is_some_and(|found| found.scheme == Some("https"));
    condition(directive).is_some() && inner(directive).is_some_and(back)
}

/// Whether a `rewrite` is the old idiom for a redirect to TLS, and its status.
pub(super) fn rewrite(directive: &Directive) -> Option<u16> {
    let texts: Vec<&str> = directive.texts().collect();
    let [pattern, target, flag] = texts.as_slice() else { return None };
    let whole = match *pattern {
        "^" => *target == "https://$host$request_uri?",
        "^(.*)" | "^(.*)$" | "^(.*)$ " => *target == "https://$host$1",
        "^/(.*)" | "^/(.*)$" => *target == "https://$host/$1",
        _ => false,
    };
    match *flag {
        "permanent" if whole => Some(301),
        "redirect" if whole => Some(302),
        _ => None,
    }
}

fn inner(directive: &Directive) -> Option<&Directive> {
    match directive.children() {
        [only] if only.name == "return" => Some(only),
        _ => None,
    }
}

/// `Some(Some(name))`: the request is for this name. `Some(None)`: it came without TLS. `None`: anything else.
fn condition(directive: &Directive) -> Option<Option<String>> {
    let text = directive.texts().collect::<Vec<_>>().join(" ");
    let text = text.strip_prefix('(')?.strip_suffix(')')?.trim();
    let plain = ["$scheme = http", "$scheme != https", "$https =", "$https != on", "$ssl_protocol ="];
    if plain.contains(&text) {
        return Some(None);
    }
    let name = text.strip_prefix("$host = ").or_else(|| text.strip_prefix("$http_host = "))?;
    (!name.contains(['$', ' '])).then(|| Some(name.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn at(url: &str) -> Option<Redirect> {
        target(301, url, "a.test")
    }

    #[test]
    fn targets() {
        let all = |scheme, host: Option<&str>, path: Option<&str>| {
            Some(Redirect { status: 301, scheme, host: host.map(str::to_owned), path: path.map(str::to_owned) })
        };
        assert_eq!(at("https://$host$request_uri"), all(Some("https"), None, None));
        assert_eq!(at("$scheme://B.test$request_uri"), all(None, Some("b.test"), None));
        assert_eq!(at("https://$server_name/x?y=1"), all(Some("https"), Some("a.test"), Some("/x?y=1")));
        assert_eq!(at("https://b.test:8443"), all(Some("https"), Some("b.test:8443"), Some("")));
        assert_eq!(at("/new/"), all(None, None, Some("/new/")));
        for unknown in ["https://$hostname/x", "https://b.test/$arg_x", "x", "/a$request_uri", "https://"] {
            assert_eq!(at(unknown), None, "{unknown}");
        }
    }
}
