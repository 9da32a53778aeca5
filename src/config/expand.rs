//! Variables in a text: `${NAME}`, `${NAME:-default}`, `$NAME` where it is set, `{vault://env/NAME}`, and
//! `{vault://file/PATH}` for the content of a file. A variable that is not set may be in the file that `NAME_FILE` names.
//!
//! Works on one scalar after parsing, so a value can never become structure. Kong knows only the vault form
//! (`kong/declarative.md` §10); the others are what people run `envsubst` for. What stands inside `$(...)` is a template
//! of a plugin and stays as it is.

use crate::world::{World, reason};
use std::path::{Path, PathBuf};

/// A text with its values put in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Expanded {
    /// The text.
    pub text: String,
    /// The file that it is the content of.
    pub file: Option<PathBuf>,
}

/// Why a text cannot be expanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// This variable is needed and not set.
    Unset(String),
    /// A vault other than `env` and `file`.
    Vault(String),
    /// Both this variable and the one that names a file for it are set.
    Twice(String),
    /// This file cannot be read, and why.
    File(PathBuf, String),
    /// The variable is set, but is no JSON object with this key.
    NoKey(String, String),
}

/// Defaults within defaults: `${A:-${B:-c}}`.
const MAX_NESTING: usize = 8;

/// The text with values put in; `None` when there is nothing to put in.
///
/// # Errors
/// The first thing that cannot be put in.
pub(super) fn expand(text: &str, world: World<'_>) -> Result<Option<Expanded>, Problem> {
    if let Some(path) = file_of(text) {
        return content(path, world).map(|text| Some(Expanded { text, file: Some(path.to_owned()) }));
    }
    if let Some(reference) = text.strip_prefix("{vault://").and_then(|rest| rest.strip_suffix('}')) {
        return vault(reference, world).map(|text| Some(Expanded { text, file: None }));
    }
    if !text.contains('$') {
        return Ok(None);
    }
    let expanded = variables(text, world, 0)?;
    Ok((expanded != text).then_some(Expanded { text: expanded, file: None }))
}

/// The path in `{vault://file/PATH}`; it is absolute.
fn file_of(text: &str) -> Option<&Path> {
    let path = text.strip_prefix("{vault://file")?.strip_suffix('}')?;
    path.starts_with('/').then_some(Path::new(path))
}

/// What a file holds, without the line end that editors put behind a secret.
fn content(path: &Path, world: World<'_>) -> Result<String, Problem> {
    let fail = |reason: String| Problem::File(path.to_owned(), reason);
    let bytes = (world.file)(path).map_err(|error| fail(reason(&error)))?;
    let mut text = String::from_utf8(bytes).map_err(|_| fail("it is not UTF-8".to_owned()))?;
    let end = text.strip_suffix('\n').map(|rest| rest.strip_suffix('\r').unwrap_or(rest).len());
    text.truncate(end.unwrap_or(text.len()));
    Ok(text)
}

/// What a document would get for `${NAME}`; `None` where that is nothing, or cannot be had.
pub(super) fn known(name: &str, world: World<'_>) -> Option<String> {
    variable(name, world).ok().flatten()
}

/// A variable's value, or what the file holds that `NAME_FILE` names, as images have it for secrets.
fn variable(name: &str, world: World<'_>) -> Result<Option<String>, Problem> {
    match ((world.env)(name), (world.env)(&format!("{name}_FILE"))) {
        (Some(_), Some(_)) => Err(Problem::Twice(name.to_owned())),
        (None, Some(path)) => content(Path::new(&path), world).map(Some),
        (value, None) => Ok(value),
    }
}

fn variables(text: &str, world: World<'_>, level: usize) -> Result<String, Problem> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let used = match after.as_bytes().first() {
            Some(b'{') => braced(after, world, level, &mut out)?,
            Some(b'(') => template(after, &mut out),
            _ => bare(after, world, &mut out)?,
        };
        rest = &after[used..];
    }
    out.push_str(rest);
    Ok(out)
}

/// `{NAME}` or `{NAME:-default}` after a `$`. Yields how much of the text it took.
fn braced(text: &str, world: World<'_>, level: usize, out: &mut String) -> Result<usize, Problem> {
    let end = closing(text, b'{', b'}');
    let Some((name, default)) = end.and_then(|end| parts(&text[1..end - 1])) else {
        out.push('$');
        return Ok(0);
    };
    let value = variable(name, world)?;
    match (value.filter(|value| default.is_none() || !value.is_empty()), default) {
        (Some(value), _) => out.push_str(&value),
        (None, Some(default)) if level < MAX_NESTING => out.push_str(&variables(default, world, level + 1)?),
        (None, _) => return Err(Problem::Unset(name.to_owned())),
    }
    Ok(end.unwrap_or_default())
}

/// Name and default of what stands in the braces.
fn parts(inside: &str) -> Option<(&str, Option<&str>)> {
    let name = &inside[..name_length(inside)];
    match &inside[name.len()..] {
        _ if name.is_empty() => None,
        "" => Some((name, None)),
        rest => rest.strip_prefix(":-").map(|default| (name, Some(default))),
    }
}

/// `$(...)`: copied with everything in it.
fn template(text: &str, out: &mut String) -> usize {
    let end = closing(text, b'(', b')').unwrap_or(text.len());
    out.push('$');
    out.push_str(&text[..end]);
    end
}

/// `$NAME`: put in where it is set, a dollar sign elsewhere.
fn bare(text: &str, world: World<'_>, out: &mut String) -> Result<usize, Problem> {
    let name = &text[..name_length(text)];
    match if name.is_empty() { None } else { variable(name, world)? } {
        Some(value) => out.push_str(&value),
        None => {
            out.push('$');
            out.push_str(name);
        }
    }
    Ok(name.len())
}

/// The name in a text that is `$NAME` and nothing else.
pub(super) fn bare_name(text: &str) -> Option<&str> {
    text.strip_prefix('$').filter(|name| !name.is_empty() && name_length(name) == name.len())
}

fn name_length(text: &str) -> usize {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let length = text.find(|c| !word(c)).unwrap_or(text.len());
    if text.starts_with(|c: char| c.is_ascii_digit()) { 0 } else { length }
}

/// One past the bracket that closes the one the text begins with.
fn closing(text: &str, open: u8, close: u8) -> Option<usize> {
    let mut level = 0_usize;
    for (at, byte) in text.bytes().enumerate() {
        level += usize::from(byte == open);
        level -= usize::from(byte == close).min(level);
        if level == 0 {
            return Some(at + 1);
        }
    }
    None
}

/// `env/NAME`, `env/NAME/KEY`, with `?prefix=P`; NAME is put in upper case with `_` for `-`, as Kong does.
fn vault(reference: &str, world: World<'_>) -> Result<String, Problem> {
    let (path, options) = reference.split_once('?').unwrap_or((reference, ""));
    let mut parts = path.splitn(3, '/');
    let (name, resource, key) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default(), parts.next());
    if name != "env" || resource.is_empty() {
        return Err(Problem::Vault(name.to_owned()));
    }
    let prefix = options.split('&').find_map(|option| option.strip_prefix("prefix=")).unwrap_or_default();
    let name = format!("{prefix}{resource}").replace('-', "_").to_uppercase();
    let value = variable(&name, world)?.ok_or_else(|| Problem::Unset(name.clone()))?;
    match key {
        None => Ok(value),
        Some(key) => member(&value, key).ok_or_else(|| Problem::NoKey(name, key.to_owned())),
    }
}

/// A member of a JSON object, as text.
fn member(json: &str, key: &str) -> Option<String> {
    let object: serde_json::Value = serde_json::from_str(json).ok()?;
    match object.get(key)? {
        serde_json::Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn env(name: &str) -> Option<String> {
        let value = match name {
            "KEY" => "k",
            "EMPTY" => "",
            "TRICK" => "a: [${KEY}]",
            "MY_SECRET" | "P_MY_SECRET" => "{\"user\": \"u\", \"n\": 5}",
            _ => return None,
        };
        Some(value.to_owned())
    }

    fn file(path: &Path) -> std::io::Result<Vec<u8>> {
        match path.to_str() {
            Some("/run/secrets/key") => Ok(b"s3cret\n".to_vec()),
            Some("/bin") => Ok(vec![0xff]),
            _ => Err(std::io::ErrorKind::NotFound.into()),
        }
    }

    fn world() -> World<'static> {
        World { env: &env, file: &file, ..World::EMPTY }
    }

    fn changed(text: &str) -> String {
        expand(text, world()).ok().flatten().map(|expanded| expanded.text).unwrap_or_default()
    }

    #[test]
    fn variables_are_put_in() {
        assert_eq!(changed("Bearer ${KEY}!"), "Bearer k!");
        assert_eq!(changed("${KEY}${KEY:-x}"), "kk");
        assert_eq!(changed("${NONE:-x}"), "x");
        assert_eq!(changed("a${NONE:-}"), "a");
        assert_eq!(changed("${EMPTY:-x}"), "x");
        assert_eq!(changed("${NONE:-${ALSO_NONE:-y}}"), "y");
        assert_eq!(changed("${TRICK}"), "a: [${KEY}]");
        assert_eq!(changed("<$KEY>"), "<k>");
        assert_eq!(changed("${EMPTY}"), "");
    }

    #[test]
    fn what_is_no_variable_stays() {
        for text in
            ["plain", "$NONE", "/a$", "$1", "${1}", "${a b}", "${KEY", "$((headers.KEY) or '$KEY')", "$$", "{{ x }}"]
        {
            assert_eq!(expand(text, world()), Ok(None), "{text}");
        }
        assert_eq!(changed("$(a)$KEY"), "$(a)k");
    }

    #[test]
    fn a_bare_name_is_the_whole_text() {
        assert_eq!(bare_name("$A_KEY2"), Some("A_KEY2"));
        for text in ["$", "A", "$1", "$A ", "a$A", "${A}", "$$A", "$(A)"] {
            assert_eq!(bare_name(text), None, "{text}");
        }
    }

    #[test]
    fn an_unset_variable_is_named() {
        assert_eq!(expand("${NONE}", world()), Err(Problem::Unset("NONE".to_owned())));
        assert_eq!(expand("{vault://env/no-ne}", world()), Err(Problem::Unset("NO_NE".to_owned())));
    }

    #[test]
    fn vault_references_are_whole_texts() {
        assert_eq!(changed("{vault://env/key}"), "k");
        assert_eq!(changed("{vault://env/my-secret/user}"), "u");
        assert_eq!(changed("{vault://env/my-secret/n}"), "5");
        assert_eq!(changed("{vault://env/my-secret/user?prefix=p_}"), "u");
        assert_eq!(expand("{vault://aws/x}", world()), Err(Problem::Vault("aws".to_owned())));
        let no_key = Problem::NoKey("KEY".to_owned(), "a".to_owned());
        assert_eq!(expand("{vault://env/key/a}", world()), Err(no_key));
        assert_eq!(expand("x{vault://env/key}", world()), Ok(None));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[${}():a-zA-Z_é-]{0,40}") {
            let _ = expand(&text, world());
        }
    }

    #[test]
    fn a_variable_may_be_in_a_file() {
        let env = |name: &str| match name {
            "TOKEN_FILE" => Some("/run/secrets/key".to_owned()),
            "BOTH" | "BOTH_FILE" => Some("/x".to_owned()),
            _ => None,
        };
        let world = World { env: &env, ..world() };
        assert_eq!(expand("Bearer ${TOKEN}", world).unwrap().unwrap().text, "Bearer s3cret");
        assert_eq!(expand("$TOKEN!", world).unwrap().unwrap().text, "s3cret!");
        assert_eq!(["TOKEN", "BOTH", "NONE"].map(|name| known(name, world)), [Some("s3cret".to_owned()), None, None]);
        assert_eq!(expand("${BOTH}", world), Err(Problem::Twice("BOTH".to_owned())));
    }

    #[test]
    fn files_are_put_in_whole() {
        let secret = expand("{vault://file/run/secrets/key}", world()).unwrap().unwrap();
        assert_eq!((&*secret.text, secret.file), ("s3cret", Some("/run/secrets/key".into())));
        let none = Problem::File("/none".into(), "entity not found".to_owned());
        assert_eq!(expand("{vault://file/none}", world()), Err(none));
        assert!(matches!(expand("{vault://file/bin}", world()), Err(Problem::File(_, _))));
        assert_eq!(expand("{vault://files/x}", world()), Err(Problem::Vault("files".to_owned())));
    }
}
