//! What to do about a route's `expression` where routes have none: a help for people who write one.

use crate::entity::Compat;

/// As Supabase's compose file has it.
const SETTING: &str = "set `KONG_ROUTER_FLAVOR` to `expressions` in the environment";

/// The comparisons of a path that `paths` can have, and how they are written.
const COMPARISONS: [(&str, bool); 2] = [("==", true), ("^=", false)];

/// How to have expressions, and what to write in place of one that only compares the path.
pub(super) fn help(expression: &str, compat: Compat) -> String {
    match path(expression, compat) {
        Some(path) => format!("{SETTING}, or write `paths: ['{path}']` in its place"),
        None => format!("{SETTING}, or say it by `paths`, `hosts`, `methods`, `headers` or `snis`"),
    }
}

fn path(expression: &str, compat: Compat) -> Option<String> {
    let rest = expression.trim().strip_prefix("http.path")?.trim_start();
    let (rest, whole) =
        COMPARISONS.iter().find_map(|(operator, whole)| Some((rest.strip_prefix(operator)?.trim_start(), *whole)))?;
    let path = rest.strip_prefix('"')?.strip_suffix('"')?;
    let usable = path.starts_with('/') && !path.contains(['"', '\\', '\'']);
    let mark = if whole && compat == Compat::Kong3 { "~" } else { "" };
    usable.then(|| if whole { format!("{mark}{}$", escaped(path)) } else { path.to_owned() })
}

/// A path that means itself in a regular expression.
fn escaped(path: &str) -> String {
    path.chars().flat_map(|c| ".+*?()[]{}^$|".contains(c).then_some('\\').into_iter().chain([c])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_compares_the_path_is_a_path() {
        let two = |text| path(text, Compat::Kong2);
        assert_eq!(two("http.path == \"/rest/v1/\"").as_deref(), Some("/rest/v1/$"));
        assert_eq!(path("http.path==\"/a.b\"", Compat::Kong3).as_deref(), Some("~/a\\.b$"));
        assert_eq!(two("http.path ^= \"/v1\"").as_deref(), Some("/v1"));
    }

    #[test]
    fn what_does_more_is_none() {
        for text in [
            "",
            "http.path",
            "http.path == \"/a\" && http.method == \"GET\"",
            "http.host == \"a\"",
            "http.path ~ \"/a\"",
        ] {
            assert_eq!(path(text, Compat::Kong2), None, "{text}");
        }
    }
}
