//! `url` of a service: one text for protocol, host, port and path, which it overwrites (`kong/declarative.md` §4).

use super::report::{Diagnostic, Report, Span};
use super::tree::{NodeId, Pair, Raw, Tree};

/// The parts of a URL, as Kong's `socket.url` takes them apart. Query, fragment and user are dropped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Url<'a> {
    scheme: Option<&'a str>,
    host: Option<&'a str>,
    port: Option<&'a str>,
    path: Option<&'a str>,
}

/// The same service with the parts of `url` in place of it.
pub(super) fn expand(tree: &mut Tree, service: NodeId, url: &str, span: Span) -> NodeId {
    let parts = split(url);
    let port = parts.port.and_then(|port| port.parse::<i64>().ok());
    let scheme = parts.scheme.unwrap_or(if port == Some(443) { "https" } else { "http" });
    let port = port.unwrap_or(if scheme == "https" { 443 } else { 80 });
    let text = |text: Option<&str>| text.map_or(Raw::Null, |text| Raw::Text(text.into()));
    let made = [
        ("protocol", Raw::Text(scheme.into())),
        ("host", text(parts.host)),
        ("port", Raw::Int(port)),
        ("path", text(parts.path)),
    ];
    let replaced = |key: &str| key == "url" || made.iter().any(|(name, _)| *name == key);
    let mut pairs: Vec<Pair> = tree.pairs(service).iter().filter(|pair| !replaced(&pair.key)).cloned().collect();
    for (name, raw) in made {
        // An absent host is a host that is missing; an absent path is none.
        if name != "host" || raw != Raw::Null {
            pairs.push(Pair { key: tree.key(name), key_span: span, value: tree.push(raw, span) });
        }
    }
    let whole = tree.node(service).span;
    tree.push(Raw::Map(pairs.into()), whole)
}

const PARTS: [&str; 4] = ["protocol", "host", "port", "path"];

/// Tells errors of the parts as errors of the `url` that they came from: those in a report from `first` on. Without a
/// host all else that is wrong with it is only the consequence.
pub(super) fn retell(report: &mut Report, first: usize, span: Span) {
    let told: Vec<_> = report.found.drain(first..).map(|found| (part(&found, span), found)).collect();
    let no_host = told.iter().any(|(part, found)| *part == Some("host") && found.code == MISSING);
    for (part, found) in told {
        match part {
            Some(part) if no_host && part != "host" => report.asides.extend(found.kong),
            Some(part) => report.push(of_url(found, part, span)),
            None => report.push(found),
        }
    }
}

/// Where `url` is no text, that it gives no host is only the consequence.
pub(super) fn without_url(report: &mut Report, first: usize) {
    let own = &report.found[first.min(report.found.len())..];
    if own.iter().any(|found| found.message.starts_with("`url` of")) {
        report.set_aside(first, |found| found.code == MISSING && found.message.starts_with("`host` of"));
    }
}

const MISSING: &str = "missing-field";

/// The part of the URL that an error is about.
fn part(found: &Diagnostic, span: Span) -> Option<&'static str> {
    let about = |text: &str| PARTS.into_iter().find(|part| text.starts_with(&format!("`{part}` of")));
    let part = about(&found.message).or_else(|| about(found.label.as_deref()?))?;
    (found.span == span || (part == "host" && found.code == MISSING)).then_some(part)
}

fn of_url(mut found: Diagnostic, part: &str, span: Span) -> Diagnostic {
    let noun = if part == "protocol" { "scheme" } else { part };
    let of_part = format!("`{part}` of");
    found.message = found.message.replacen(&of_part, &format!("the {noun} in `url` of"), 1);
    found.label = found.label.map(|label| label.replacen(&of_part, "`url` of", 1));
    if found.code == MISSING {
        (found.span, found.label) = (span, Some("there is no `http://` or `https://` in it".to_owned()));
        found.help = Some("write `url: http://HOST:PORT`".to_owned());
    }
    found
}

fn split(url: &str) -> Url<'_> {
    let mut rest = url.split('#').next().unwrap_or_default();
    let mut parts = Url::default();
    let scheme = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
    };
    if let Some((name, after)) = rest.split_once(':').filter(|(name, _)| scheme(name)) {
        (parts.scheme, rest) = (Some(name), after);
    }
    if let Some(after) = rest.strip_prefix("//") {
        let end = after.find('/').unwrap_or(after.len());
        (parts.host, parts.port) = authority(&after[..end]);
        rest = &after[end..];
    }
    rest = rest.split(['?', ';']).next().unwrap_or_default();
    parts.path = (!rest.is_empty()).then_some(rest);
    parts
}

fn authority(text: &str) -> (Option<&str>, Option<&str>) {
    let text = text.split_once('@').map_or(text, |(_, host)| host);
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (text, None),
    };
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    ((!host.is_empty()).then_some(host), port.filter(|port| !port.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(url: &str) -> [&str; 4] {
        let url = split(url);
        [url.scheme, url.host, url.port, url.path].map(|part| part.unwrap_or("-"))
    }

    #[test]
    fn a_url_has_four_parts() {
        assert_eq!(parts("http://h.test/x"), ["http", "h.test", "-", "/x"]);
        assert_eq!(parts("https://u:p@h.test:8443/a/b?c=d#e"), ["https", "h.test", "8443", "/a/b"]);
        assert_eq!(parts("http://[::1]:80"), ["http", "::1", "80", "-"]);
        assert_eq!(parts("http://h.test?x=/y"), ["http", "h.test?x=", "-", "/y"]);
        assert_eq!(parts("http://{{ host }}:80/"), ["http", "{{ host }}", "80", "/"]);
        assert_eq!(parts("${UPSTREAM}"), ["-", "-", "-", "${UPSTREAM}"]);
        assert_eq!(parts("h.test:80/x"), ["h.test", "-", "-", "80/x"]);
    }
}
