//! Our words for what Kong says of a value: what is wrong with it, and what to write instead.
//!
//! Kong's own words stand beside them, for `config parse`. Where the tables have nothing, they are shown as they are.

mod fields;
mod kinds;
mod values;

pub(super) use fields::{alias, remedy, together};
pub(super) use kinds::{mistyped, write_list};
pub(super) use values::{Spare, invalid};

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

/// A character by its name, where it has no look.
fn shown(c: char) -> String {
    match c {
        ' ' => "a blank".to_owned(),
        '\t' => "a tab".to_owned(),
        '\n' => "a line end".to_owned(),
        '`' => "a backtick".to_owned(),
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
    fn what_was_to_be_filled_in_is_found() {
        assert_eq!((unset("http://$REST:3000"), unset("^a$"), unset("$1")), (Some("REST"), None, None));
        assert_eq!((template("http://{{ .Id }}:1"), template("{{")), (Some("{{ .Id }}"), None));
    }
}
