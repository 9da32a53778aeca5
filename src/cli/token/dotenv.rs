//! One value of a `.env` file, as Docker Compose reads it: `NAME=VALUE` lines, `export` before them, quotes, comments.

/// The value of a name; the last line that has it counts.
pub(super) fn value(text: &str, name: &str) -> Option<String> {
    text.trim_start_matches('\u{feff}').lines().rev().find_map(|line| {
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line);
        let (key, value) = line.split_once('=')?;
        (key.trim() == name).then(|| unquoted(value.trim()))
    })
}

/// What stands between quotes, with the escapes of double ones; else everything before a comment.
fn unquoted(value: &str) -> String {
    if let Some(rest) = value.strip_prefix('\'') {
        return rest.split('\'').next().unwrap_or_default().to_owned();
    }
    match value.strip_prefix('"') {
        Some(rest) => in_double_quotes(rest),
        None => value.split(" #").next().unwrap_or_default().trim_end().to_owned(),
    }
}

fn in_double_quotes(text: &str) -> String {
    let mut value = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => break,
            '\\' => value.extend(letters.next().map(|escaped| match escaped {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                other => other,
            })),
            other => value.push(other),
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_of_many() {
        let text = "# JWT_SECRET=no\nA=1\nexport B = two words # and a comment\nC='it''s # no comment'\r\nD=\"a\\\"b\\n\" # x\nA=2\nE=a#b";
        let found = ["A", "B", "C", "D", "E", "F", "JWT_SECRET"].map(|name| value(text, name));
        let want = [Some("2"), Some("two words"), Some("it"), Some("a\"b\n"), Some("a#b"), None, None];
        assert_eq!(found, want.map(|text| text.map(str::to_owned)));
        assert_eq!(value("X=\"never ends\\", "X").as_deref(), Some("never ends"));
        assert_eq!(value("\u{feff}X=", "X").as_deref(), Some(""));
    }
}
