//! Values that somebody forgot to fill in.

use super::subject::Subject;
use super::token;
use super::{Rule, listeners, secrets};
use crate::config::report::{Report, Span};
use crate::config::value::{Checked, Value};
use regex::Regex;
use std::sync::LazyLock;

pub(super) static RULE: Rule = Rule {
    code: "placeholder",
    summary: "a value looks like one that was to be replaced",
    explain: "Templates and examples come with values such as `<SERVICE_KEY>`, `your-secret`, `changeme` or `$NAME`, and \
        this one is still there. As a key or password it lets in everybody who knows the template; as a host it leads \
        nowhere.\n\n`$NAME` and `{{ NAME }}` are left over where a variable is not set or nobody filled in the template. \
        `${NAME}` is put in by the gateway itself, which then refuses the file as long as the variable is not \
        set.\n\nWrite the real value, or `${NAME}` for a variable that holds it.",
    bad: r"consumers:
  - username: bob
    keyauth_credentials: [{key: your-api-key}]",
    good: r#"consumers:
  - username: bob
    keyauth_credentials: [{key: "${BOBS_KEY}"}]"#,
    run,
};

pub(super) static DEMO: Rule = Rule {
    code: "demo-key",
    summary: "a key comes from Supabase's public examples",
    explain: "Supabase's examples come with keys that everybody can look up, signed with a secret that everybody knows \
        (`iss` is `supabase-demo`). With the key of `service_role`, whoever reaches the gateway has the whole \
        database.\n\nMake a `JWT_SECRET` and keys of your own before other machines can reach the gateway. This is told \
        only when a listener is not on a loopback address.",
    bad: r#"_gateway:
  proxy_listen: 0.0.0.0:8000
  trusted_ips: [10.0.0.0/8]
services:
  - name: rest
    url: http://rest:3000
    routes: [{name: rest, paths: [/rest]}]
    plugins:
      - name: request-transformer
        config:
          remove: {headers: [Authorization]}
          add: {headers: ["apikey: ${DEMO_KEY}"]}   # from the documentation"#,
    good: r#"_gateway:
  proxy_listen: 0.0.0.0:8000
  trusted_ips: [10.0.0.0/8]
services:
  - name: rest
    url: http://rest:3000
    routes: [{name: rest, paths: [/rest]}]
    plugins:
      - name: request-transformer
        config:
          remove: {headers: [Authorization]}
          add: {headers: ["apikey: ${ANON_KEY}"]}"#,
    run: demo,
};

/// An expression, and texts in lower case one of which is in whatever it fits. Most files have none of them, and then the
/// expression is not made: that takes longer than reading such a file, and 300 KB that stay resident.
struct Pattern {
    hints: &'static [&'static str],
    regex: LazyLock<Option<Regex>>,
}

/// What is left of a template, whatever the value is for.
static MARKS: Pattern = Pattern {
    hints: &["{{", "<", "__"],
    regex: LazyLock::new(|| {
        Regex::new(
            r"(?x)
            \{\{[^{}]*\}\}                             # {{ .Values.key }}
            | ^(?:(?:Bearer|Basic)\s+)?<[A-Za-z][A-Za-z0-9\ _.-]{2,}>$
            | ^(?:(?:Bearer|Basic)\s+)?__[A-Z][A-Z0-9_]+__$",
        )
        .ok()
    }),
};

/// What is a placeholder where a secret is to be.
static SECRETS: Pattern = Pattern {
    hints: &[
        "change",
        "replace",
        "your",
        "here",
        "example",
        "xxx",
        "***",
        "...",
        "…",
        "todo",
        "to-do",
        "tbd",
        "fixme",
        "fix-me",
        "placeholder",
        "redacted",
        "dummy",
    ],
    regex: LazyLock::new(|| {
        Regex::new(
            r"(?xi)^(?:(?:Bearer|Basic)\s+)?(?:
            change[-_\ ]?(?:me|this|it)(?:[-_\ !].*)?
            | .*[-_]change[-_]?(?:me|this)
            | replace[-_\ ]?(?:me|this|with)(?:[-_\ ].*)?
            | your[-_][a-z0-9]+(?:[-_].*)?
            | (?:(?:enter|insert|paste|put|the|your)[-_\ ])*(?:[a-z]+[-_\ ]){0,2}(?:key|password|secret|token)[-_\ ](?:goes[-_\ ])?here
            | (?:enter|insert|paste|put)[-_]your[-_].*
            | your\ (?:[a-z]+\ ){0,2}(?:key|password|secret|token)
            | example[-_\ ]?(?:api[-_\ ]?)?(?:key|token|secret|password)?
            | (?:api[-_\ ]?)?(?:key|token|secret|password)[-_\ ]example
            | x{3,} | \*{3,} | \.{3,} | …
            | to-?do | tbd | fix-?me | placeholder | redacted | dummy
            )$",
        )
        .ok()
    }),
};

/// Hosts of templates.
static HOSTS: Pattern = Pattern {
    hints: &["your"],
    regex: LazyLock::new(|| {
        Regex::new(r"(?i)^(?:.*[-.])?your[-_]?(?:own[-_]?)?(?:domain|host|hostname|server|project|project[-_]ref|app|company|site|ip|url)(?:[-.].*)?$").ok()
    }),
};

/// Other places of the same value that are shown.
const MOST: usize = 3;

/// What a value is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Secret,
    Host,
}

fn run(subject: &Subject<'_>, report: &mut Report) {
    let mut found: Vec<(&str, Vec<Span>)> = Vec::new();
    for (text, span, _) in values(subject).into_iter().filter(|(text, _, purpose)| is_placeholder(text, *purpose)) {
        match found.iter_mut().find(|(known, _)| *known == text) {
            Some((_, places)) if places.contains(&span) => {}
            Some((_, places)) => places.push(span),
            None => found.push((text, vec![span])),
        }
    }
    for (text, mut places) in found {
        places.sort_unstable();
        let warning = warning(subject, text, places[0]);
        let others = places.iter().skip(1).take(MOST);
        report.push(others.fold(warning, |warning, place| warning.also(*place, "the same")));
    }
}

/// Whether a secret is none yet.
pub(super) fn is_unset(secret: &str) -> bool {
    is_placeholder(secret, Use::Secret)
}

fn warning(subject: &Subject<'_>, text: &str, span: Span) -> crate::config::report::Diagnostic {
    let text = text
        .split_once(' ')
        .filter(|(scheme, _)| *scheme == "Bearer" || *scheme == "Basic")
        .map_or(text, |(_, rest)| rest);
    let short: String = text.chars().filter(|c| !c.is_control()).take(60).collect();
    let bare = short.strip_prefix('$').filter(|name| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'));
    if let Some(name) = bare {
        let warning = RULE.warn(span, format!("`${name}` is taken as it is: no variable of this name is set"));
        return warning.help(format!("set the variable, and write `${{{name}}}`: then a missing one is an error"));
    }
    let warning = RULE.warn(span, format!("`{short}` looks like a value that was to be replaced"));
    match subject.variable(span) {
        Some(name) => warning.help(format!("set the variable `{name}` to the real value")),
        None => warning.help("write the real value, or `${NAME}` for a variable that holds it"),
    }
}

fn is_placeholder(text: &str, purpose: Use) -> bool {
    let by_purpose = if purpose == Use::Secret { &SECRETS } else { &HOSTS };
    text.len() < 200 && (is_variable(text) || MARKS.fits(text) || by_purpose.fits(text))
}

/// `$NAME`, not set: alone, or as the last word, where it must look like one of several parts: `Bearer $SERVICE_KEY`.
fn is_variable(text: &str) -> bool {
    let Some((before, name)) = text.rsplit_once('$') else { return false };
    let is_name = name.starts_with(|first: char| first.is_ascii_uppercase() || first == '_')
        && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
    let has_parts = name.split_once('_').is_some_and(|(first, others)| !first.is_empty() && !others.is_empty());
    let is_last_word = before.chars().next_back().is_none_or(char::is_whitespace);
    is_name && (before.is_empty() && name.len() > 2 || is_last_word && has_parts)
}

/// All values that may not be placeholders.
fn values<'a>(subject: &Subject<'a>) -> Vec<(&'a str, Span, Use)> {
    let mut all: Vec<_> = secrets::credentials(subject).map(|found| (found.text, found.span, Use::Secret)).collect();
    for (kind, field) in [
        ("services", "host"),
        ("targets", "target"),
        ("routes", "hosts"),
        ("routes", "snis"),
        ("snis", "name"),
        ("basicauth_credentials", "username"),
    ] {
        let fields = subject.model.all(kind).iter().filter_map(|entity| entity.fields.get(field));
        let texts =
            fields.flat_map(|field| if field.items().is_empty() { std::slice::from_ref(field) } else { field.items() });
        all.extend(texts.filter_map(|item| Some((item.as_str()?, item.span, Use::Host))));
    }
    for plugin in subject.model.all("plugins") {
        if let Some(config) = super::subject::config(plugin) {
            in_config(config, None, &mut all);
        }
    }
    all
}

/// Secrets in a plugin's `config`: fields whose name says so, and the values of headers and the like.
fn in_config<'a>(value: &'a Checked, holds: Option<Holds>, all: &mut Vec<(&'a str, Span, Use)>) {
    match (&value.value, holds) {
        (Value::Str(text), Some(Holds::Secret)) => all.push((text, value.span, Use::Secret)),
        (Value::Str(text), Some(Holds::Pair)) => {
            let header = text.split_once(':').map(|(_, value)| value.trim());
            all.extend(header.map(|header| (header, value.span, Use::Secret)));
        }
        (Value::List(items), _) => items.iter().for_each(|item| in_config(item, holds, all)),
        (Value::Map(pairs), _) => {
            let may_hold = |value: &Checked| matches!(value.value, Value::Str(_) | Value::List(_) | Value::Map(_));
            let there = pairs.iter().filter(|(_, value)| may_hold(value));
            there.for_each(|(name, value)| in_config(value, Holds::of(name), all));
        }
        _ => {}
    }
}

/// What the texts of a field are, by its name.
#[derive(Clone, Copy)]
enum Holds {
    Secret,
    /// A name, a colon, and a value that may be a secret.
    Pair,
}

impl Holds {
    fn of(name: &str) -> Option<Self> {
        match name {
            "headers" | "querystring" => Some(Self::Pair),
            _ => is_secret(name).then_some(Self::Secret),
        }
    }
}

fn is_secret(name: &str) -> bool {
    let says =
        ["password", "secret", "token", "apikey", "api_key", "access_key"].iter().any(|word| name.contains(word));
    says && !name.ends_with("_name")
        && !name.ends_with("_names")
        && !name.ends_with("_in")
        && !name.starts_with("hide_")
}

fn demo(subject: &Subject<'_>, report: &mut Report) {
    if listeners::open(subject.settings).is_none() {
        return;
    }
    let mut seen = std::collections::HashSet::new();
    for bearer in super::injected::bearers(subject) {
        let Ok(token) = token::read(bearer.token) else { continue };
        if token.claim("iss") == Some("supabase-demo") && seen.insert(bearer.token) {
            let message = format!("{} is a demo key of Supabase's, which everybody can look up", bearer.what);
            let warning = DEMO.warn(bearer.span, message).label(token::described(&token, subject.world.now));
            report.push(warning.help("make a JWT_SECRET and keys of your own"));
        }
    }
}

// === impl Pattern ===

impl Pattern {
    fn fits(&self, text: &str) -> bool {
        let plain = text.to_ascii_lowercase();
        self.hints.iter().any(|hint| plain.contains(hint))
            && self.regex.as_ref().is_some_and(|regex| regex.is_match(text))
    }
}

#[cfg(test)]
mod tests {
    use super::{HOSTS, MARKS, SECRETS, Use, is_placeholder};

    #[test]
    fn every_pattern_compiles() {
        assert!([&HOSTS, &MARKS, &SECRETS].iter().all(|pattern| pattern.regex.is_some()));
    }

    #[test]
    fn what_was_to_be_replaced_is_seen() {
        for text in [
            "<SUPABASE_SERVICE_KEY>",
            "Bearer <your key>",
            "changeme",
            "CHANGE_ME",
            "your-anon-key",
            "your_api_key_here",
            "your-super-secret-jwt-token-with-at-least-32-characters-long",
            "$SUPABASE_ANON_KEY",
            "Bearer $SERVICE_KEY",
            "{{ .Values.key }}",
            "xxx",
            "XXXXXXXX",
            "example-key",
            "insert-key-here",
            "__API_KEY__",
            "replace-with-key",
            "api-key-goes-here",
            "TODO",
            "To-Do",
            "Bearer ...",
            "Bearer $A_B",
            "$__X",
            "***",
            "…",
            "tbd",
            "FIXME",
            "fix-me",
            "Placeholder",
            "redacted",
            "dummy",
            "key-example",
            "paste_your_key",
            "your secret key",
            "jwt-change-this",
        ] {
            assert!(is_placeholder(text, Use::Secret), "{text}");
        }
        for text in
            ["your-domain.com", "api.yourdomain.com", "<HOST>", "$DB_HOST", "your-project.supabase.co", "yourhost"]
        {
            assert!(is_placeholder(text, Use::Host), "{text}");
        }
    }

    #[test]
    fn what_is_a_value_is_none() {
        for text in [
            "s3cret",
            "your order is here",
            "pa$$WORD",
            "a$B",
            "a$B_C",
            "$_X",
            "$1_A",
            "Bearer $AB",
            "Bearer $_A_B",
            "$A_B$",
            "$(headers.authorization)",
            "exchange-key-7",
            "therefore",
            "yours truly",
            "xx",
            "Bearer abc",
            "graphql_public",
            "examples-of-9f2",
            "text/html",
            "sb_secret_a-b_c",
            "$2y$05$abc",
        ] {
            assert!(!is_placeholder(text, Use::Secret), "{text}");
        }
        for text in ["example.com", "studio", "yourself.org", "my-host", "flavour.domain.com", "your.name"] {
            assert!(!is_placeholder(text, Use::Host), "{text}");
        }
    }
}
