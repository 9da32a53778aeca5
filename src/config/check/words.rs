//! Our words for what Kong says of a value: what is wrong with it, and what to write instead.
//!
//! Kong's own words stand beside them, for `config parse`. Where this table has nothing, they are shown as they are.

use crate::config::nearest::nearest;
use crate::config::scalar;
use crate::config::schema::Kind;
use crate::config::tree::Raw;

/// What to say of a value. The message is the field's name and `predicate`: "`port` of service `a` must be …".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    /// Goes on after the field's name.
    pub predicate: String,
    /// Stands under the value.
    pub label: Option<String>,
    /// What to do.
    pub help: Option<String>,
}

/// A value and what Kong says of it.
struct Case<'a> {
    /// The field's own name, or the list's that it is in.
    field: &'a str,
    /// The value, as text.
    written: &'a str,
    /// Kong's words behind those that the table knows.
    rest: &'a str,
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
    ("unknown type: ", protocol),
    ("these sets are mutually exclusive: ", |case| {
        said(format!("cannot be of several families at once: {}", case.rest))
    }),
];

/// The same for several fields at once. The predicate begins with what parts it from the name.
const TOGETHER: &[(&str, &str, &str)] = &[
    ("must set one of ", " needs at least one of ", "`paths: [/]` takes every request"),
    ("at least one of these fields must be non-empty: ", " needs at least one of ", ""),
    ("exactly one of these fields must be non-empty: ", " needs exactly one of ", ""),
    ("only one or none of these fields must be set: ", " can have only one of ", ""),
    ("all or none of these fields must be set: ", " needs all or none of ", ""),
    ("values of these fields must be distinct: ", " needs different values in ", ""),
    (
        "value must be null",
        " cannot be set with this `protocol`",
        "remove it, or change `protocol` (with `url`, its `https://`)",
    ),
    ("required field missing", " is missing", ""),
    ("expected one of: ", " must be one of ", ""),
    ("cannot set ", " does not go with these `protocols`: cannot set ", ""),
    ("length must be 0", " must be empty with these `protocols`", ""),
    (
        "certificate does not match key",
        ": the certificate does not match the key",
        "`key` must be the one that the first certificate in `cert` was issued for",
    ),
];

/// What helps where a field is missing.
const REMEDIES: &[(&str, &str, &str)] = &[
    ("service", "host", "write `url: http://HOST:PORT`, or `host: HOST`"),
    ("file", "_format_version", "write `_format_version: \"2.1\"` at the top; the format 3.0 is `\"3.0\"`"),
    ("plugin", "name", "write `name:` and one of the plugins' names"),
    ("certificate", "key", "write `key: \"{vault://file/PATH/privkey.pem}\"`, or the PEM text below `key: |`"),
    ("certificate", "cert", "write `cert: \"{vault://file/PATH/fullchain.pem}\"`, or the PEM text below `cert: |`"),
    (
        "jwt secret",
        "rsa_public_key",
        "signatures of this algorithm are checked by it; its PEM text goes below `rsa_public_key: |`",
    ),
    ("upstream", "hash_on_header", "name the header that requests are spread by"),
    ("upstream", "hash_on_cookie", "name the cookie that requests are spread by"),
    ("target", "upstream", "put it below `targets:` of its upstream, or write `upstream: NAME`"),
    ("sni", "certificate", "put it below `snis:` of its certificate, or write `certificate: ID`"),
];

/// Fields by the names that people give them: of what, theirs, Kong's.
const ALIASES: &[(&str, &str, &str)] = &[
    ("consumer", "name", "username"),
    ("acl", "name", "group"),
    ("target", "name", "target"),
    ("target", "host", "target"),
    ("target", "url", "target"),
    ("service", "timeout", "read_timeout"),
    ("service", "upstream", "host"),
    ("route", "uris", "paths"),
    ("route", "strip_uri", "strip_path"),
    ("route", "upstream_url", "service"),
    ("service", "upstream_url", "url"),
    ("key-auth credential", "apikey", "key"),
    ("sni", "host", "name"),
    ("certificate", "private_key", "key"),
    ("certificate", "certificate", "cert"),
    ("upstream", "servers", "targets"),
    ("file", "format_version", "_format_version"),
    ("file", "upstream", "upstreams"),
];

/// What a field is called that people call otherwise.
pub(super) fn alias(noun: &str, field: &str) -> Option<&'static str> {
    ALIASES.iter().find(|(of, name, _)| *of == noun && *name == field).map(|(.., better)| *better)
}

/// What to say of fields that do not go together, in the words that Kong has for it.
pub(super) fn together(kong: &str) -> Said {
    let ticked = |text: &str| text.replace('\'', "`");
    let known = TOGETHER.iter().find_map(|(start, ours, help)| Some((kong.strip_prefix(start)?, ours, help)));
    match known {
        Some((rest, ours, help)) => {
            Said { help: (!help.is_empty()).then(|| (*help).to_owned()), ..said(format!("{ours}{}", ticked(rest))) }
        }
        None => said(format!(": {kong}")),
    }
}

/// What to write where a field is missing; credentials and groups belong to a consumer.
pub(super) fn remedy(noun: &str, field: &str) -> Option<&'static str> {
    if field == "consumer" {
        return Some("put it into its consumer, or write `consumer: USERNAME`");
    }
    REMEDIES.iter().find(|(of, name, _)| *of == noun && *name == field).map(|(_, _, help)| *help)
}

/// What to say of a value that Kong refuses with these words.
pub(super) fn invalid(kong: &str, field: &str, written: &str) -> Said {
    let known = TABLE.iter().find_map(|(start, words)| Some((kong.strip_prefix(start)?, words)));
    match known {
        Some((rest, words)) => words(&Case { field, written, rest }),
        None => Said { predicate: format!(": {kong}"), ..Said::default() },
    }
}

/// What to say of a value of the wrong kind.
pub(super) fn mistyped(kind: Kind, field: &str, raw: &Raw) -> Said {
    let words = said(format!("must be {}, not {}", wanted(kind), raw.kind()));
    match (kind, raw) {
        (Kind::Integer, Raw::Num(n)) => said(format!("must be a whole number, not {n}")),
        (Kind::String | Kind::Foreign(_), Raw::Bool(_) | Raw::Int(_) | Raw::Num(_)) => words.label("put it in quotes"),
        (Kind::String | Kind::Foreign(_), Raw::List(_)) => words.label("one value goes here, without a list"),
        (Kind::Integer | Kind::Number | Kind::Boolean, Raw::Text(text)) => number_or_truth(words, kind, text),
        (Kind::Boolean, _) => words.help("write `true` or `false`"),
        (Kind::Array(_) | Kind::Set(_), Raw::Text(text)) => words.help(format!("write `{field}: {}`", listed(text))),
        (Kind::Array(_) | Kind::Set(_), Raw::Int(n)) => words.help(format!("write `{field}: [{n}]`")),
        (Kind::Array(_) | Kind::Set(_), Raw::Map(_)) => words.label("a list has `- ` before each entry"),
        (Kind::Map(_, _), Raw::List(_)) => words.label("a mapping has `name: value`, without `- `"),
        (Kind::Record(_), Raw::List(_)) => words.label("a mapping has `name: value`, without `- `"),
        _ => words,
    }
}

fn wanted(kind: Kind) -> &'static str {
    match kind {
        Kind::String => "text",
        Kind::Integer => "a whole number",
        Kind::Number => "a number",
        Kind::Boolean => "true or false",
        Kind::Array(_) | Kind::Set(_) => "a list",
        Kind::Map(_, _) | Kind::Record(_) => "a mapping",
        Kind::Foreign(_) => "a name or id, as text",
        Kind::Any => "anything",
    }
}

/// Text where a number or a truth is wanted.
fn number_or_truth(words: Said, kind: Kind, text: &str) -> Said {
    let truth = matches!(text.to_ascii_lowercase().as_str(), "true" | "false" | "yes" | "no" | "on" | "off");
    let fits = if matches!(kind, Kind::Boolean) { truth } else { text.parse::<f64>().is_ok() };
    let unit = ["ms", "s", "m", "h"].iter().find_map(|unit| text.strip_suffix(unit)?.trim_end().parse::<u64>().ok());
    match kind {
        _ if fits => words.label("take the quotes away"),
        Kind::Boolean => words.help("write `true` or `false`"),
        _ if unit.is_some() => {
            words.label("a number alone, without a unit").help("Kong's timeouts are milliseconds: `60000` is a minute")
        }
        _ => words,
    }
}

/// A text as a list in one line. Commas part it, as people mean it.
fn listed(text: &str) -> String {
    let special = |part: &str| part.contains(|c: char| "*&!{}[]#:@`%".contains(c));
    let quoted = |part: &str| match special(part) || !matches!(scalar::plain(part), Raw::Text(_)) {
        true => format!("\"{part}\""),
        false => part.to_owned(),
    };
    let parts: Vec<_> = text.split(',').map(|part| quoted(part.trim())).collect();
    format!("[{}]", parts.join(", "))
}

/// The variable of a `$NAME` that nobody put in, which is what `envsubst` or a shell was to do.
pub(super) fn unset(written: &str) -> Option<&str> {
    let after = written.split_once('$')?.1;
    let name = &after[..after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len())];
    (!name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit())).then_some(name)
}

/// The first `{{ NAME }}` in a text.
pub(super) fn template(written: &str) -> Option<&str> {
    let from = written.find("{{")?;
    let length = written[from..].find("}}")? + 2;
    Some(&written[from..from + length])
}

fn one_of(case: &Case<'_>) -> Said {
    let names: Vec<&str> = case.rest.split(", ").collect();
    let words = said(format!("cannot be `{}`", quote(case.written)));
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
    match case.field {
        "" => said("must not be empty"),
        field => said("must not be empty").help(format!("leave `{field}` out, or give it a value")),
    }
}

fn no_slash(case: &Case<'_>) -> Said {
    let two = case.rest.contains("regex path");
    let words = said(if two { "must begin with `/`, or with `~/` for an expression" } else { "must begin with `/`" });
    match case.written {
        text if text.starts_with('~') && !two => {
            words.label("`~` is of `_format_version: \"3.0\"`; before, an expression has no mark")
        }
        text if text.contains("://") => words.label("only the path, without scheme and host"),
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
        _ if text.contains("://") => said(what).label("without scheme and path"),
        _ if text.contains('/') => said(what).label("a path does not belong here"),
        _ if text.contains(',') => said(what).label("each host is an entry of its own"),
        _ if !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || c == '.') => {
            said(format!("is `{text}`, which is no address")).help("an IPv4 address has four numbers from 0 to 255")
        }
        _ if text.contains(char::is_whitespace) => said(what).label("there is a blank in it"),
        _ => said(what).help("letters, digits, `-`, `_` and `.` make a host"),
    }
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
        false => words.help("each tag is an entry of its own: `tags: [a, b]`"),
    }
}

fn certificate(case: &Case<'_>) -> Said {
    let words = said(format!("is no certificate in PEM form ({})", case.rest));
    match path_of_pem(case) {
        Some(help) => words.help(help),
        None => words.help("the lines of the PEM file go below `cert: |`"),
    }
}

fn private_key(case: &Case<'_>) -> Said {
    let words = said(format!("is no private key in PEM form ({})", case.rest));
    match path_of_pem(case) {
        Some(help) => words.help(help),
        None => words.help("the lines of the PEM file go below `key: |`"),
    }
}

/// People write where the file is; Kong wants what is in it.
fn path_of_pem(case: &Case<'_>) -> Option<String> {
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

fn protocol(case: &Case<'_>) -> Said {
    let names = ["http", "https", "grpc", "grpcs", "tcp", "tls", "udp", "tls_passthrough"];
    match case.rest {
        "ws" | "wss" => {
            said(format!("cannot be `{}`", case.rest)).help("WebSocket goes over http and https: `[http, https]`")
        }
        "nil" => said("must not be empty").help("leave `protocols` out to take http and https"),
        other => one_of(&Case { written: other, rest: &names.join(", "), field: case.field }),
    }
}

/// A character by its name, where it has no look.
fn shown(c: char) -> String {
    match c {
        ' ' => "a blank".to_owned(),
        '\t' => "a tab".to_owned(),
        '\n' => "a line end".to_owned(),
        c => format!("`{c}`"),
    }
}

/// A value within a sentence: not longer than it can be.
fn quote(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn said(predicate: impl Into<String>) -> Said {
    Said { predicate: predicate.into(), ..Said::default() }
}

// === impl Said ===

impl Said {
    fn label(mut self, text: impl Into<String>) -> Self {
        self.label = Some(text.into());
        self
    }

    fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_told_with_its_remedy() {
        let near = invalid("expected one of: http, https", "protocol", "htpp");
        assert_eq!(near.predicate, "cannot be `htpp`");
        assert_eq!(near.label.as_deref(), Some("did you mean `http`?"));
        assert_eq!((unset("http://$REST:3000"), unset("^a$"), unset("$1")), (Some("REST"), None, None));
        assert_eq!(invalid("something else", "x", "y").predicate, ": something else");
        assert_eq!(invalid("should start with: /", "paths", "api").help.as_deref(), Some("write `/api`"));
    }

    #[test]
    fn lists_of_one_line() {
        assert_eq!(listed("a"), "[a]");
        assert_eq!(listed("GET, POST"), "[GET, POST]");
        assert_eq!(listed("*"), "[\"*\"]");
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(n in 0..TABLE.len(), rest in "\\PC{0,20}", written in "\\PC{0,90}") {
            let _ = invalid(&format!("{}{rest}", TABLE[n].0), "host", &written);
            let _ = mistyped(Kind::Integer, "port", &Raw::Text(written.into()));
        }
    }
}
