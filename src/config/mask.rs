//! Secrets in what is shown of a document: stars in their place, byte for byte, so that places stay right.
//!
//! Better a star too many: what hides a harmless value costs little, what shows a password costs much.

use regex::{Captures, Regex};
use std::cell::OnceCell;

/// How the name of a field or header that holds a secret ends.
const ENDS: [&str; 12] = [
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "key",
    "authorization",
    "credential",
    "cookie",
    "jwt",
    "dsn",
];

/// What comes before a secret and must stay, and the secret itself. `NAME` stands for such a name.
const SECRETS: &[&str] = &[
    // A private key, whole or cut off.
    r"(?s)(-----BEGIN [A-Z ]*PRIVATE KEY-----)(.*?(?:-----END|\z))",
    // The rest of the line: `password: a, b`. In a list, too: `- apikey:a,b`.
    r#"(?im)^([ \t]*(?:-[ \t]+)*(?:NAME|"NAME"|'NAME')[ \t]*:[ \t]*)([^\s"'|>&*!$\[{][^\n]*)"#,
    // A template that is the rest of the line: `- apikey:$((headers.x == 'a' and 'b') or nil)`.
    r"(?im)^([ \t]*(?:-[ \t]+)*NAME[ \t]*:[ \t]*)(\$\([^\n]*)",
    // The line below a block's `|`.
    r"(?im)^([ \t]*(?:-[ \t]+)*NAME[ \t]*:[ \t]*[|>][-+0-9]*[ \t]*\r?\n[ \t]*)(\S[^\n]*)",
    // In quotes: `password: "a"`, `"client_secret": "a"`, `- "apikey: a, b"`.
    r#"(?i)(NAME["']?\s*[:=]\s*")((?:[^"\\\n]|\\.)*)"#,
    r"(?i)(NAME['\x22]?\s*[:=]\s*')([^'\n]*(?:''[^'\n]*)*)",
    r#"(?i)("NAME\s*:\s*)([^"\n]*)"#,
    r"(?i)('NAME\s*:\s*)([^'\n]*)",
    // Between braces: `{username: u, password: p}`.
    r#"(?i)(NAME["']?\s*[:=]\s*)([^\s"',{}\[\]|>&*!$=][^"',}\]\n]*)"#,
    r"(?i)(\b(?:bearer|basic)\s+)([^\s$'\x22][^\s'\x22]*)",
    // A line of an htpasswd file.
    r"(\{(?:PLAIN|SHA|SSHA)\})([^\s\x22']+)",
    r"(:\$(?:2[aby]|apr1|[156])\$)([^\s\x22']+)",
    // A password in a URL.
    r"(://[^\s/@:]*:)([^\s/]+@)",
    // A JSON Web Token, and keys of Supabase and others, by their looks.
    r"()(\beyJ[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*){0,2})",
    r"(\b(?:sb_secret_|sb_publishable_|sk_live_|sk_test_|ghp_|xoxb-))([A-Za-z0-9_-]{6,})",
    // A line of base64, as in PEM.
    r"(?m)(^\s*)([A-Za-z0-9+/]{40,}={0,2})",
];

/// The expressions, made once a text needs them. They take 300 KB, so whoever has shown what there is to show lets go of
/// them: a gateway runs for months after it told of a warning.
#[derive(Default)]
pub(super) struct Masks(OnceCell<Vec<Regex>>);

// === impl Masks ===

impl Masks {
    /// The text with secrets starred, of the same length in bytes.
    #[must_use]
    pub(super) fn mask(&self, text: &str) -> String {
        self.0.get_or_init(expressions).iter().fold(text.to_owned(), |text, pattern| match pattern.is_match(&text) {
            true => pattern.replace_all(&text, star).into_owned(),
            false => text,
        })
    }
}

fn expressions() -> Vec<Regex> {
    let name = format!("[a-z0-9_-]*(?:{})", ENDS.join("|"));
    SECRETS.iter().filter_map(|pattern| Regex::new(&pattern.replace("NAME", &name)).ok()).collect()
}

/// Whether a field, header or variable of this name holds a secret.
#[must_use]
pub(super) fn names_secret(name: &str) -> bool {
    let is_word = |word: &str| word.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let ends = |word: String| ENDS.iter().any(|end| word.ends_with(end));
    name.split(['_', '-']).any(|word| is_word(word) && ends(word.to_ascii_lowercase()))
}

fn star(found: &Captures<'_>) -> String {
    let secret = &found[2];
    // `${NAME_OF_A_KEY:-default}`
    let default = found[1].ends_with(':') && secret.starts_with('-');
    let code = found[1].trim_end().ends_with('=');
    match call(secret).filter(|_| code) {
        _ if default || is_open(secret) => found[0].to_owned(),
        Some(call) => format!("{}{call}", &found[1]),
        None => format!("{}{}", &found[1], stars(secret)),
    }
}

/// The name of a variable is none of its value, and a truth is no secret.
fn is_open(value: &str) -> bool {
    let word = value.split(['#', '\r']).next().unwrap_or_default().trim_end();
    let capital = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let variable = word.strip_prefix('$').is_some_and(|name| !name.is_empty() && name.chars().all(capital));
    variable
        || value.contains("${")
        || value.contains("{vault://")
        || matches!(word, "true" | "false" | "null" | "~" | "…")
}

/// A function's name stays, where one is called in Lua: `key = kong.request.get_header(`.
fn call(secret: &str) -> Option<String> {
    let path = |c: char| c.is_ascii_lowercase() || matches!(c, '_' | '.');
    let (name, rest) = secret.split_once('(').filter(|(name, _)| name.contains('.') && name.chars().all(path))?;
    Some(format!("{name}({}", starred(rest)))
}

/// Line ends and what closes a URL's or a key's secret stay. So does the code of a template, without the texts in it.
fn stars(secret: &str) -> String {
    // With a quote too many nobody knows what is text and what is code; and a password may have `$(` in it.
    let paired = |quote| secret.matches(quote).count() % 2 == 0;
    let asks = ["headers", "query_params", "uri_captures"].iter().any(|source| secret.contains(source));
    match secret.split_once("$(").filter(|_| asks && paired('\'') && paired('"')) {
        Some((before, code)) => format!("{}$({}", starred(before), starred_texts(code)),
        None => starred(secret),
    }
}

/// Lua with stars for what stands between quotes, and for all that comes behind the template.
fn starred_texts(code: &str) -> String {
    let (mut out, mut open, mut level) = (String::with_capacity(code.len()), None, 1_u32);
    for c in code.chars() {
        let shown = level > 0 && open.is_none_or(|quote| quote == c);
        match (c, open) {
            ('"' | '\'', None) => open = Some(c),
            (c, Some(quote)) if c == quote => open = None,
            ('(', None) if level > 0 => level += 1,
            (')', None) => level = level.saturating_sub(1),
            _ => {}
        }
        if shown { out.push(c) } else { out.push_str(&starred(c.encode_utf8(&mut [0; 4]))) }
    }
    out
}

fn starred(secret: &str) -> String {
    let kept = ["-----END", "@"].into_iter().find(|end| secret.ends_with(end)).unwrap_or_default();
    let star = |c: char| if matches!(c, '\n' | '\r') { c.to_string() } else { "*".repeat(c.len_utf8()) };
    let body = secret.strip_suffix(kept).unwrap_or(secret);
    body.chars().map(star).collect::<String>() + kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        assert_eq!(expressions().len(), SECRETS.len());
    }

    #[test]
    fn secrets_become_stars_of_the_same_length() {
        let masks = Masks::default();
        for (text, masked) in [
            ("  key: abc", "  key: ***"),
            ("password: a, b: c", "password: *******"),
            ("{username: u, password: 'p w'}", "{username: u, password: '***'}"),
            ("{username: u, password: p, x: y}", "{username: u, password: *, x: y}"),
            ("password: \"a,b\\\"c\" # x", "password: \"******\" # x"),
            ("password: 'a''b, c'", "password: '*******'"),
            ("- \"apikey:abc\"", "- \"apikey:***\""),
            ("- 'X-Api-Key: a, b'", "- 'X-Api-Key: ****'"),
            ("- apikey:a,b", "- apikey:***"),
            ("Authorization: Bearer abc.def", "Authorization: **************"),
            ("- 'X-Auth:Bearer abc'", "- 'X-Auth:Bearer ***'"),
            ("[\"Cookie: s=1; t=2\", b]", "[\"Cookie: ********\", b]"),
            ("anon: eyJhbGciOi.eyJpc3Mi.sig", "anon: ***********************"),
            ("\"client_secret\": \"größe\"", "\"client_secret\": \"*******\""),
            ("url: postgres://u:p@ss@h/x", "url: postgres://u:****@h/x"),
            (
                "- \"Authorization: $((headers.apikey == 'sb_x' and 'Bearer ab') or nil)c\"",
                "- \"Authorization: $((headers.apikey == '****' and '*********') or nil)*\"",
            ),
            ("- \"apikey: $(headers == 'it's b')\"", "- \"apikey: **********************\""),
            ("password: pa$(ss word", "password: ***********"),
            ("- apikey:$((headers.a == 'a' and 'b c') or nil)", "- apikey:$((headers.a == '*' and '***') or nil)"),
            ("password: my.pass(word", "password: ************"),
            ("local key = kong.request.get_header(abc 'x')", "local key = kong.request.get_header(****'x')"),
            ("- 'apikey: ab$(headers.x)'", "- 'apikey: **$(headers.x)'"),
            ("url: http://u:geheim@h/x", "url: http://u:******@h/x"),
            ("jwt_secret: |\n  abc def\n  x", "jwt_secret: |\n  *******\n  x"),
            ("file: \"admin:{PLAIN}x\"", "file: \"admin:{PLAIN}*\""),
            ("bob:$2y$10$abc.def", "bob:$2y$**********"),
            ("x sb_secret_abcdefgh", "x sb_secret_********"),
            (
                "k: |\n -----BEGIN PRIVATE KEY-----\n MII\n x==\n -----END PRIVATE KEY-----",
                "k: |\n -----BEGIN PRIVATE KEY-----\n****\n****\n*-----END PRIVATE KEY-----",
            ),
            ("MIIBszCCAVmgAwIBAgIUE0+/abcdefghijklmnopqrstuv==", "************************************************"),
        ] {
            assert_eq!(masks.mask(text), masked);
            assert_eq!(masked.len(), text.len());
        }
    }

    #[test]
    fn what_is_no_secret_stays() {
        let masks = Masks::default();
        for text in [
            "'Authorization: Bearer ${KEY}'",
            "key_names: [apikey]",
            "key: ${KEY}",
            "  password: $PASSWORD",
            "password: '$DASHBOARD_PASSWORD'",
            "- \"Authorization: $LUA_AUTH_EXPR\"",
            "host: a.test",
            "key: |",
            "keys:",
            "url: http://a.test:8080/b@c",
            "hide_token: true",
            "key: \"{vault://env/key}\"",
            "key:",
            "write `${NO_KEY:-default}`",
        ] {
            assert_eq!(masks.mask(text), text);
        }
    }

    #[test]
    fn names_of_secrets_are_told_from_others() {
        for (name, secret) in
            [("ANON_KEY", true), ("API_KEY_DEV", true), ("JWT_SECRET", true), ("KEYCLOAK_HOST", false)]
        {
            assert_eq!(names_secret(name), secret, "{name}");
        }
    }

    thread_local!(static MASKS: Masks = Masks::default());

    proptest::proptest! {
        #[test]
        fn the_length_never_changes(text in "((key|password|url|x): ?['\"]?[a-zé@:/, {}\\[\\]]{0,12}['\"]?\n?){0,6}") {
            assert_eq!(MASKS.with(|masks| masks.mask(&text)).len(), text.len());
        }
    }
}
