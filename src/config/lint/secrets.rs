//! Secrets of consumers that are easily found out.

use super::subject::{Subject, named};
use super::{Rule, placeholder};
use crate::config::model::Entity;
use crate::config::report::{Report, Span};

pub(super) static SHORT: Rule = Rule {
    code: "weak-secret",
    summary: "a secret is shorter than is safe",
    explain: "HMAC wants a secret as long as its hash (RFC 7518 §3.2): 32 bytes for HS256, 48 for HS384, 64 for HS512. A \
        shorter one can be found from a single token, on the attacker's own machine; with it, tokens for everybody can be \
        made. Secrets of `hmac-auth` should have 16 bytes, keys of \
        `key-auth` 12, passwords of `basic-auth` 8.\n\n`openssl \
        rand -hex 32` prints a good one.",
    bad: r"consumers:
  - username: bob
    jwt_secrets: [{key: bob, secret: twenty-bytes-of-text}]",
    good: r#"consumers:
  - username: bob
    jwt_secrets: [{key: bob, secret: "${BOBS_SECRET}"}]   # 32 bytes or more"#,
    run: short,
};

pub(super) static GUESSED: Rule = Rule {
    code: "well-known-secret",
    summary: "a password or key is among those that are tried first",
    explain: "Passwords such as `admin`, `password` or the one of Supabase's examples are tried within minutes after an \
        address is reachable.\n\n`openssl rand -hex 16` prints a good one; write `${NAME}` for a variable that holds it.",
    bad: r"consumers:
  - username: bob
    basicauth_credentials: [{username: bob, password: letmein}]",
    good: r#"consumers:
  - username: bob
    basicauth_credentials: [{username: bob, password: "${BOBS_PASSWORD}"}]"#,
    run: guessed,
};

pub(super) static UNHASHED: Rule = Rule {
    code: "password-not-hashed",
    summary: "a password is written as it is, where its hash is expected",
    explain: "With `_transform: false` a file holds passwords of `basic-auth` as Kong stores them: the SHA-1 of the password \
        and the consumer's id, 40 digits in lower-case hexadecimal. Anything else fits no password, and the user cannot log \
        in.\n\nTake `_transform: false` out, or write what `printf %s PASSWORD CONSUMER_ID | sha1sum` prints.",
    bad: r"_transform: false
consumers:
  - username: bob
    id: 3b0c9ef0-5e5d-4c9a-9d5e-2f6a1c0b7d11
    basicauth_credentials: [{username: bob, password: correct-horse-battery}]",
    good: r"_transform: false
consumers:
  - username: bob
    id: 3b0c9ef0-5e5d-4c9a-9d5e-2f6a1c0b7d11
    basicauth_credentials: [{username: bob, password: daa30b14d6c9a2169bc20c55b5bb5ffdcb627169}]",
    run: unhashed,
};

/// A secret of a consumer.
pub(super) struct Credential<'a> {
    pub entity: &'a Entity,
    pub kind: &'static str,
    pub text: &'a str,
    pub span: Span,
}

/// Lists of credentials, and the fields that are secret.
const FIELDS: &[(&str, &str)] = &[
    ("keyauth_credentials", "key"),
    ("basicauth_credentials", "password"),
    ("hmacauth_credentials", "secret"),
    ("jwt_secrets", "secret"),
    ("oauth2_credentials", "client_secret"),
];

const KNOWN: &[&str] = &[
    "12345678",
    "123456789",
    "admin",
    "admin123",
    "administrator",
    "insecure_password",
    "kong",
    "letmein",
    "pass",
    "passw0rd",
    "password",
    "password1",
    "password123",
    "postgres",
    "qwerty",
    "root",
    "secret",
    "supabase",
    "test",
    "this_password_is_insecure_and_should_be_updated",
];

/// All secrets of consumers.
pub(super) fn credentials<'a>(subject: &Subject<'a>) -> impl Iterator<Item = Credential<'a>> + use<'a> {
    let model = subject.model;
    FIELDS.iter().flat_map(move |(kind, field)| {
        let read = move |entity: &'a Entity| {
            let value = entity.fields.get(field)?;
            Some(Credential { entity, kind, text: value.as_str()?, span: value.span })
        };
        model.all(kind).iter().filter_map(read)
    })
}

fn short(subject: &Subject<'_>, report: &mut Report) {
    for found in credentials(subject).filter(|found| !is_known(found.text) && !placeholder::is_unset(found.text)) {
        let length = found.text.len();
        let Some((wanted, what)) = wanted(&found).filter(|(wanted, _)| length < *wanted) else { continue };
        let bytes = if length == 1 { "byte" } else { "bytes" };
        let message = format!("{what} of {} has {length} {bytes}", whose(subject, found.entity));
        let warning = SHORT.warn(found.span, message).label(format!("{wanted} or more are safe"));
        report.push(warning.help(format!("`openssl rand -hex {}` prints a good one", wanted.max(16))));
    }
}

/// How many bytes it should have, and what to call it.
fn wanted(found: &Credential<'_>) -> Option<(usize, &'static str)> {
    let algorithm = found.entity.fields.str("algorithm");
    Some(match (found.kind, algorithm) {
        ("jwt_secrets", Some("HS256")) => (32, "the HS256 secret"),
        ("jwt_secrets", Some("HS384")) => (48, "the HS384 secret"),
        ("jwt_secrets", Some("HS512")) => (64, "the HS512 secret"),
        ("keyauth_credentials", _) => (12, "the key"),
        ("hmacauth_credentials", _) => (16, "the secret"),
        ("basicauth_credentials", _) => (8, "the password"),
        _ => return None,
    })
}

fn guessed(subject: &Subject<'_>, report: &mut Report) {
    for found in credentials(subject).filter(|found| is_known(found.text)) {
        let what = wanted(&found).map_or("the secret", |(_, what)| what);
        let message = format!("{what} of {} is among the first that anybody tries", whose(subject, found.entity));
        report.push(GUESSED.warn(found.span, message).help("`openssl rand -hex 16` prints a good one"));
    }
}

fn unhashed(subject: &Subject<'_>, report: &mut Report) {
    let is_hash = |text: &str| text.len() == 40 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let passwords = credentials(subject).filter(|found| found.kind == "basicauth_credentials");
    for found in passwords.filter(|found| subject.model.read.hashed && !is_hash(found.text)) {
        let user = found.entity.fields.str("username").unwrap_or_default();
        let message = format!("no password fits user `{user}` of {}", whose(subject, found.entity));
        let warning = UNHASHED.warn(found.span, message).label("with `_transform: false` this is to be a hash");
        report.push(
            warning
                .help("take `_transform: false` out, or write what `printf %s PASSWORD CONSUMER_ID | sha1sum` prints"),
        );
    }
}

fn is_known(text: &str) -> bool {
    KNOWN.iter().any(|known| known.eq_ignore_ascii_case(text))
}

fn whose(subject: &Subject<'_>, entity: &Entity) -> String {
    let consumer = subject.model.position("consumers", entity, "consumer");
    consumer.map_or_else(|| "a consumer".to_owned(), |at| named("consumer", &subject.model.all("consumers")[at]))
}
