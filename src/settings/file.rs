//! The syntax of `kong.conf`: one `key = value` per line. Reads text, not files.

/// A line that is neither empty, a comment nor `key = value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// Counted from 1.
    pub number: usize,
    /// The line itself.
    pub text: String,
}

/// Keys and values in the order of the file. `#` starts a comment, `\#` is a `#` (`kong/operations.md` §1).
///
/// # Errors
/// The first line that has no `=`.
pub fn parse(text: &str) -> Result<Vec<(String, String)>, BadLine> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut pairs = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = without_comment(line);
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        let (key, value) = line.split_once('=').ok_or_else(|| BadLine { number: index + 1, text: line.to_owned() })?;
        pairs.push((key.trim().to_owned(), value.trim().to_owned()));
    }
    Ok(pairs)
}

fn without_comment(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' if chars.peek() == Some(&'#') => out.extend(chars.next()),
            '#' => break,
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn pair(key: &str, value: &str) -> (String, String) {
        (key.to_owned(), value.to_owned())
    }

    #[test]
    fn keys_values_and_comments() {
        let text =
            "\u{feff}# a comment\r\n\n database = off  # no database\r\nprefix=/a b\nplugins = \\#x, y\nempty =\n";
        let want = [pair("database", "off"), pair("prefix", "/a b"), pair("plugins", "#x, y"), pair("empty", "")];
        assert_eq!(parse(text).unwrap(), want);
    }

    #[test]
    fn a_value_may_hold_an_equals_sign() {
        assert_eq!(parse("a = b=c").unwrap(), [pair("a", "b=c")]);
    }

    #[test]
    fn a_line_without_equals_sign_is_named() {
        assert_eq!(parse("a = b\nnonsense"), Err(BadLine { number: 2, text: "nonsense".to_owned() }));
    }
}
