//! Several fields at once, fields that are missing, and fields by other names.

use super::{Said, said};

/// What Kong says of several fields at once, what we say, and what helps. The predicate begins with what parts it from the name.
const TOGETHER: &[(&str, &str, &str)] = &[
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
    (
        "message cannot be used with content_type or body",
        " has `message` beside `content_type` or `body`",
        "`message` makes a body of its own, in JSON: remove it, or the other two",
    ),
    (
        "Router Expression failed validation: cannot set ",
        " cannot have ",
        "an `expression` is all that a route asks for",
    ),
    ("content_type requires a body", " needs `body` where it has `content_type`", ""),
    ("echo cannot be used with content_type and body", " can have `echo` or `body`, not both", ""),
    ("expected one of: ", " must be one of ", ""),
    (
        "value must be true",
        " must be `true` with this `api_uri`",
        "read Let's Encrypt's terms at https://letsencrypt.org/repository/, and write `tos_accepted: true`",
    ),
    (
        "\"kong\" storage can't be used with dbless mode",
        " has a `storage` that needs a database",
        "remove `storage`: the gateway has a folder of its own (setting `acme_storage`)",
    ),
    ("length must be 0", " can only be set when `protocols` has `https`, `grpcs`, `tls` or `tls_passthrough`", ""),
    (
        "certificate does not match key",
        ": the certificate does not match the key",
        "`key` must be the one that the first certificate in `cert` was issued for",
    ),
    (
        "certificate expired, \"Not After\" time is in the past",
        " has expired",
        "ask its authority for the one that took its place",
    ),
];

/// What helps where a field is missing.
const REMEDIES: &[(&str, &str, &str)] = &[
    ("service", "host", "write `url: http://HOST:PORT`, or `host: HOST`"),
    ("file", "_format_version", "write `_format_version: \"2.1\"` at the top; the format 3.0 is `\"3.0\"`"),
    ("plugin", "name", "write `name:` and one of the plugins' names"),
    ("plugin", "redis_host", "`policy: redis` needs it; `policy: local` counts in the gateway, and needs nothing"),
    ("certificate", "key", "write `key: \"{vault://file/PATH/privkey.pem}\"`, or the PEM text below `key: |`"),
    ("certificate", "cert", "write `cert: \"{vault://file/PATH/fullchain.pem}\"`, or the PEM text below `cert: |`"),
    (
        "jwt secret",
        "rsa_public_key",
        "all algorithms but HS256, HS384 and HS512 need it; its PEM text goes below `rsa_public_key: |`",
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
pub(in crate::config::check) fn alias(noun: &str, field: &str) -> Option<&'static str> {
    ALIASES.iter().find(|(of, name, _)| *of == noun && *name == field).map(|(.., better)| *better)
}

/// What to say of fields that do not go together, in the words that Kong has for it.
pub(in crate::config::check) fn together(kong: &str) -> Said {
    if let Some(found) = by_protocols(kong) {
        return found;
    }
    let known = TOGETHER.iter().find_map(|(start, ours, help)| Some((kong.strip_prefix(start)?, ours, help)));
    match known {
        Some((rest, ours, help)) => {
            Said { help: (!help.is_empty()).then(|| (*help).to_owned()), ..said(format!("{ours}{}", ticked(rest))) }
        }
        None => said(format!(": {kong}")),
    }
}

/// What the `protocols` of a route demand. Few people write them: `http` and `https` are the default.
fn by_protocols(kong: &str) -> Option<Said> {
    let (rule, protocols) = kong.split_once(" when 'protocols' is ")?;
    let default = matches!(protocols, "'http'" | "'https'");
    let when = if default { String::new() } else { format!(" when `protocols` is {}", ticked(protocols)) };
    if let Some(names) = rule.strip_prefix("must set one of ") {
        let needed = said(format!(" needs at least one of {}{when}", ticked(names)));
        return Some(if default { needed.help("`paths: [/]` takes every request") } else { needed });
    }
    let name = rule.strip_prefix("must set ");
    let needed = name.map(|name| said(format!(" needs `{}`{when}", name.trim_matches('\''))));
    needed.or_else(|| {
        rule.starts_with("cannot set ")
            .then(|| said(format!(" cannot be set when `protocols` is {}", ticked(protocols))))
    })
}

fn ticked(text: &str) -> String {
    text.replace('\'', "`")
}

/// What to write where a field is missing; credentials and groups belong to a consumer.
pub(in crate::config::check) fn remedy(noun: &str, field: &str) -> Option<&'static str> {
    if field == "consumer" {
        return Some("put it into its consumer, or write `consumer: USERNAME`");
    }
    REMEDIES.iter().find(|(of, name, _)| *of == noun && *name == field).map(|(_, _, help)| *help)
}
