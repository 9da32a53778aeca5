//! Values that a field cannot have: a row for each of Kong's sentences.

use super::{Said, quote, said, shown};
use crate::config::nearest::nearest;

/// A value and what Kong says of it.
#[derive(Clone, Copy)]
struct Case<'a> {
    /// The field's own name, or the list's that it is in.
    field: &'a str,
    /// The value, as text.
    written: &'a str,
    /// What may be left out in its place.
    spare: Spare,
    /// Kong's words behind those that the table knows.
    rest: &'a str,
}

/// What may be left out where a value cannot be this one.
#[derive(Clone, Copy, Debug)]
pub(in crate::config::check) enum Spare {
    /// The field must be there.
    Nothing,
    Field,
    /// The entry of the list that it is.
    Entry,
}

type Words = fn(&Case<'_>) -> Said;

/// How Kong's words begin, and ours.
const TABLE: &[(&str, Words)] = &[
    ("expected one of: ", one_of),
    ("value should be between ", between),
    ("expected a valid UUID", uuid),
    ("length must be at least 1", empty),
    ("should start with: /", no_slash),
    ("must not have empty segments", two_slashes),
    ("must not have a port", port),
    ("must not be an IP", |_| said("must be a name, not an address")),
    ("invalid wildcard: ", wildcard),
    ("invalid hostname: ", host),
    ("invalid ipv4 address: ", |case| said(format!("is `{}`, which is no IPv4 address", quote(case.written)))),
    ("invalid ipv6 address: ", |case| said(format!("is `{}`, which is no IPv6 address", quote(case.written)))),
    ("invalid regex: ", regex),
    ("invalid path: ", path),
    ("invalid url-encoded value: ", percent),
    ("non-normalized path, consider use '", normal),
    ("missing host in url", |_| said("must be a whole URL").help("write `https://HOST/PATH`")),
    ("not a valid filename", |_| said("must not hold `*`, `&`, `%`, `\\` or a backtick")),
    ("invalid port number", |_| said("has a port above 65535")),
    ("Invalid name ('", upstream_name),
    ("Invalid target ('", |case| host(case).help("write `target: HOST:PORT`")),
    ("wildcard must be leftmost or rightmost", wildcard),
    ("only one wildcard must be", wildcard),
    ("cannot contain 'host' header", |_| said("must not name `host`").help("write `hosts:` for it")),
    ("bad header name '", header_name),
    ("bad cookie name '", |case| said(format!("is `{}`, which is no name of a cookie", quote(case.written)))),
    ("invalid certificate: ", certificate),
    ("invalid key: ", private_key),
    ("invalid value '", name),
    ("invalid tag '", tag),
    ("invalid value: ", value),
    ("not a valid regex: ", pattern),
    ("unknown type: ", protocol),
    ("these sets are mutually exclusive: ", families),
];

/// What to say of a value that Kong refuses with these words.
pub(in crate::config::check) fn invalid(kong: &str, field: &str, written: &str, spare: Spare) -> Said {
    let known = TABLE.iter().find_map(|(start, words)| Some((kong.strip_prefix(start)?, words)));
    match known {
        Some((rest, words)) => words(&Case { field, written, spare, rest }),
        None if kong.ends_with(" is not a valid regex") => pattern(&Case { field, written, spare, rest: kong }),
        None => said(of_its_own(kong)),
    }
}

/// Words that the table does not know go on after the field's name, or stand for themselves.
fn of_its_own(words: &str) -> String {
    match ["must ", "cannot ", "may "].iter().any(|verb| words.starts_with(verb)) {
        true => words.to_owned(),
        false => format!(": {words}"),
    }
}

/// What WebSocket goes over.
const CARRIERS: [(&str, &str); 2] = [("ws", "http"), ("wss", "https")];

fn one_of(case: &Case<'_>) -> Said {
    let names: Vec<&str> = case.rest.split(", ").collect();
    let words = said(format!("cannot be `{}`", quote(case.written)));
    if let ("protocol", Some((_, carrier))) = (case.field, CARRIERS.iter().find(|(name, _)| *name == case.written)) {
        return words.help(format!("WebSocket goes over {carrier}: write `{carrier}`"));
    }
    let words = words.help(match names.as_slice() {
        [one] => format!("the only value is `{one}`"),
        _ => format!("it is one of {}", case.rest),
    });
    // A number, or a word of two letters, is near to everything.
    let word = case.written.len() > 2 && !case.written.starts_with(|c: char| c.is_ascii_digit());
    match nearest(case.written, names).filter(|_| word) {
        Some(near) => words.label(format!("did you mean `{near}`?")),
        None => words,
    }
}

fn between(case: &Case<'_>) -> Said {
    said(format!("must be between {}, not {}", case.rest, case.written))
}

fn uuid(case: &Case<'_>) -> Said {
    let words = said(format!("must be a UUID, not `{}`", quote(case.written)));
    if case.field == "id" { words.help("leave `id` out, and the gateway makes one, always the same") } else { words }
}

fn empty(case: &Case<'_>) -> Said {
    let words = said("must not be empty");
    match (case.field, case.spare) {
        ("", _) => words,
        (field, Spare::Nothing) => words.help(format!("give `{field}` a value")),
        (field, Spare::Field) => words.help(format!("leave `{field}` out, or give it a value")),
        (_, Spare::Entry) => words.help("remove the entry, or give it a value"),
    }
}

fn no_slash(case: &Case<'_>) -> Said {
    let two = case.rest.contains("regex path");
    let words = said(if two { "must begin with `/`, or with `~/` for an expression" } else { "must begin with `/`" });
    match case.written {
        text if text.starts_with('~') && !two => {
            let words = words.label("`~` marks an expression in `_format_version: \"3.0\"` only");
            words.help(format!("write `{}`", quote(text.trim_start_matches('~'))))
        }
        text if text.contains("://") => words.label("only the path, without scheme and host"),
        text if text.starts_with("^/") && !two => {
            words.label("a path is looked for at the beginning anyway").help(format!("write `{}`", quote(&text[1..])))
        }
        text => words.help(format!("write `/{}`", quote(text))),
    }
}

fn two_slashes(case: &Case<'_>) -> Said {
    let mut better = case.written.to_owned();
    while better.contains("//") {
        better = better.replace("//", "/");
    }
    said("must not have `//` in it").help(format!("write `{}`", quote(&better)))
}

fn port(case: &Case<'_>) -> Said {
    let words = said("must not have a port");
    match case.written.rsplit_once(':') {
        Some((host, port)) if case.field == "host" => words.help(format!("write `host: {host}` and `port: {port}`")),
        Some((host, _)) => words.help(format!("write `{host}`")),
        None => words,
    }
}

fn wildcard(case: &Case<'_>) -> Said {
    let words = said("may have one `*`, as its first or last label");
    words.help(match case.field {
        "hosts" => "write `*.example.org` or `example.*`; a route without `hosts` takes every host",
        _ => "write `*.example.org` or `example.*`",
    })
}

/// A host that is none.
fn host(case: &Case<'_>) -> Said {
    let (text, what) = (case.written, format!("is `{}`, which is no host", quote(case.written)));
    match text {
        _ if is_placeholder(text) => said(what).label("this looks like a placeholder that nobody filled in"),
        _ if text.contains("://") && case.field == "host" => {
            said(what).label("this is a URL").help(format!("write `url: {text}` in place of `host`, or only the name"))
        }
        _ if text.contains("://") => said(what).label("this is a URL").help(format!("write `{}`", quote(in_url(text)))),
        _ if text.contains('/') => said(what).label("a path does not belong here"),
        _ if text.contains(',') => said(what).label("each host is an entry of its own"),
        _ if !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || c == '.') => {
            said(format!("is `{text}`, which is no address")).help("an IPv4 address has four numbers from 0 to 255")
        }
        _ if text.contains(char::is_whitespace) => said(what).label("there is a blank in it"),
        _ => said(what).help("letters, digits, `-`, `_` and `.` make a host"),
    }
}

/// The host in a URL.
fn in_url(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

fn is_placeholder(text: &str) -> bool {
    text.contains("{%") || text.contains("}}") || (text.contains('<') && text.contains('>')) || text.contains("%(")
}

fn regex(case: &Case<'_>) -> Said {
    let reason = case.rest.split_once("PCRE returned: ").map_or(case.rest, |(_, reason)| reason);
    let reason = reason.strip_suffix(')').unwrap_or(reason);
    let reason = reason.strip_prefix("pcre_compile() failed: ").unwrap_or(reason);
    let short = reason.split(" in \"").next().unwrap_or(reason);
    let at = reason.rsplit_once(" at \"").map(|(_, rest)| format!("before `{}", rest.trim_end_matches('"')));
    let words = said(format!("is no regular expression: {short}"));
    match at {
        Some(at) => words.label(format!("{at}`")),
        None => words,
    }
}

fn path(case: &Case<'_>) -> Said {
    let good = |c: char| c.is_ascii_alphanumeric() || ".-_~/%".contains(c);
    match case.written.chars().find(|c| !good(*c)) {
        Some('?') => said("must not have a query: `?` cannot be in a path"),
        Some('#') => said("must not have a fragment: `#` cannot be in a path"),
        Some(c) => {
            let escaped: String = c.to_string().bytes().map(|byte| format!("%{byte:02X}")).collect();
            said(format!("must not have {} in it", shown(c))).help(format!("write `{escaped}` for it"))
        }
        None => said(format!("is `{}`, which is no path", quote(case.written))),
    }
}

fn percent(case: &Case<'_>) -> Said {
    let words =
        said(format!("has {} in it, and `%` needs two hexadecimal digits behind it", case.rest.replace('\'', "`")));
    words.help("write `%25` for the sign itself")
}

fn normal(case: &Case<'_>) -> Said {
    let better = case.rest.strip_suffix("' instead").unwrap_or(case.rest);
    said("would never match, since paths of requests are brought into a normal form first")
        .help(format!("write `{better}`"))
}

fn name(case: &Case<'_>) -> Said {
    let good = |c: char| !c.is_ascii() || c.is_ascii_alphanumeric() || ".-_~".contains(c);
    let better: String = case.written.chars().map(|c| if good(c) { c } else { '-' }).collect();
    let found = case.written.chars().find(|c| !good(*c)).map(shown).unwrap_or_default();
    let words = said(format!("has {found} in it; letters, digits and `. - _ ~` are allowed"));
    words.help(format!("write `{}`", quote(better.trim_matches('-'))))
}

fn tag(case: &Case<'_>) -> Said {
    let bad = |c: &char| matches!(c, ',' | '/' | ' ') || c.is_ascii_control();
    let found = case.written.chars().find(bad).map(shown).unwrap_or_default();
    let words = said(format!("has {found} in it, which a tag cannot have"));
    match case.written.contains(' ') {
        true => words.help(format!("write `{}`; the format 3.0 allows blanks", quote(&case.written.replace(' ', "-")))),
        false if case.written.contains(',') => words.help("each tag is an entry of its own: `tags: [a, b]`"),
        false => words.help(format!("write `{}`", quote(&case.written.replace('/', "-")))),
    }
}

fn certificate(case: &Case<'_>) -> Said {
    let words = said(format!("is no certificate in PEM form{}", reason(case.rest)));
    match pem_advice(case) {
        Some(help) => words.help(help),
        None => words.help("the lines of the PEM file go below `cert: |`"),
    }
}

fn private_key(case: &Case<'_>) -> Said {
    let words = said(format!("is no private key in PEM form{}", reason(case.rest)));
    match pem_advice(case) {
        Some(help) => words.help(help),
        None => words.help("the lines of the PEM file go below `key: |`"),
    }
}

/// Why, where that says more than that there is none.
fn reason(kong: &str) -> String {
    if kong == "there is none in the text" { String::new() } else { format!(" ({kong})") }
}

/// People write where the file is; Kong wants what is in it, whole.
fn pem_advice(case: &Case<'_>) -> Option<String> {
    if case.written.contains("-----BEGIN") {
        return Some("copy the file whole, with its BEGIN and END lines".to_owned());
    }
    let (field, text) = (case.field, case.written);
    let path = text.starts_with('/') && !text.contains(char::is_whitespace);
    path.then(|| {
        format!("the PEM text goes here, not its path; this gateway also takes `{field}: \"{{vault://file{text}}}\"`")
    })
}

fn value(case: &Case<'_>) -> Said {
    let capital = case.written.to_ascii_uppercase();
    match case.field {
        "methods" | "http_method" if capital.bytes().all(|byte| byte.is_ascii_uppercase()) => {
            let words = said(format!("must be in capital letters, not `{}`", quote(case.written)));
            words.help(format!("write `{}`", quote(&capital)))
        }
        "methods" if case.written == "*" => said("cannot be `*`").help("a route without `methods` takes every method"),
        "methods" => said(format!("is `{}`, which is no method", quote(case.written)))
            .help("each method is an entry of its own: `[GET, POST]`"),
        "headers" | "querystring" | "body" | "json" => {
            let words = said(format!("must be of the form `name:value`, not `{}`", quote(case.written)));
            words.label("there is no `:` in it")
        }
        "host" | "hosts" | "snis" | "name" | "https_sni" | "host_header" => host(case),
        _ => said(format!(": invalid value: {}", quote(case.rest))),
    }
}

/// A pattern of a plugin. People write `*TEXT*` for "has TEXT in it", which every expression means without stars.
fn pattern(case: &Case<'_>) -> Said {
    let written = case.written;
    let words = said(format!("is `{}`, which is no regular expression", quote(written)));
    match written.starts_with('*') {
        true => words.help(format!("write `{}`: it is looked for anywhere", quote(written.trim_matches('*')))),
        false => words,
    }
}

fn upstream_name(case: &Case<'_>) -> Said {
    match case.rest.rsplit_once("; ").map_or("", |(_, reason)| reason) {
        "no ip addresses allowed" => said("must be a name, not an address").help("the address belongs into `targets:`"),
        "no port allowed" => said("must not have a port").help("the port belongs into `targets:`, behind each host"),
        _ => host(case),
    }
}

fn header_name(case: &Case<'_>) -> Said {
    said(format!("has `{}`, which is no name of a header", quote(case.written)))
        .help("letters, digits, `-` and `_` make one")
}

/// `('http', 'https'), ('tcp', 'tls', 'udp')`.
fn families(case: &Case<'_>) -> Said {
    let ticked = case.rest.replace('\'', "`").replace("), (", " with ");
    said(format!("cannot mix {}", ticked.trim_matches(['(', ')']))).help("make a route for each kind")
}

fn protocol(case: &Case<'_>) -> Said {
    let names = ["http", "https", "grpc", "grpcs", "tcp", "tls", "udp", "tls_passthrough"];
    match case.rest {
        "ws" | "wss" => {
            said(format!("cannot be `{}`", case.rest)).help("WebSocket goes over http and https: `[http, https]`")
        }
        "nil" => said("must not be empty").help("leave `protocols` out to take http and https"),
        other => one_of(&Case { written: other, rest: &names.join(", "), ..*case }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_told_with_its_remedy() {
        let near = invalid("expected one of: http, https", "protocol", "htpp", Spare::Field);
        assert_eq!(near.predicate, "cannot be `htpp`");
        assert_eq!(near.label.as_deref(), Some("did you mean `http`?"));
        assert_eq!(invalid("something else", "x", "y", Spare::Field).predicate, ": something else");
        assert_eq!(invalid("should start with: /", "paths", "api", Spare::Entry).help.as_deref(), Some("write `/api`"));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(n in 0..TABLE.len(), rest in "\\PC{0,20}", written in "\\PC{0,90}") {
            let _ = invalid(&format!("{}{rest}", TABLE[n].0), "host", &written, Spare::Field);
        }
    }
}
