//! Output that does not panic when its reader goes away (`gateway check … | head`), and how it may look.

pub(super) use crate::world::reason;

use std::io::{self, IsTerminal, Write};

/// Columns where there is no terminal that has some.
const WIDTH: usize = 140;

/// How a text for people looks.
pub(super) struct Look {
    /// Whether somebody watches.
    pub(super) terminal: bool,
    /// Whether in colours.
    pub(super) color: bool,
    /// How many columns there are.
    pub(super) width: usize,
}

/// Writes to standard output. What a closed pipe does not take is lost, as nobody reads it.
pub(super) fn out(text: &str) {
    put(&mut io::stdout().lock(), text);
}

/// Writes to standard error.
pub(super) fn err(text: &str) {
    put(&mut io::stderr().lock(), text);
}

fn put(stream: &mut impl Write, text: &str) {
    let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
}

// === impl Look ===

impl Look {
    /// How excerpts on a stream are to look, by the terminal and the environment.
    pub(super) fn of(stream: &impl IsTerminal) -> Self {
        Self::within(stream, WIDTH)
    }

    /// The same with so many columns where there is no terminal that has some.
    pub(super) fn within(stream: &impl IsTerminal, columns: usize) -> Self {
        let env = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let terminal = stream.is_terminal();
        Self { terminal, color: colors(terminal, &env), width: width(terminal, columns, &env) }
    }
}

/// A terminal gets colours. `NO_COLOR` forbids them (no-color.org), `FORCE_COLOR` and `CLICOLOR_FORCE` force them
/// (force-color.org, bixense.com/clicolors).
fn colors(terminal: bool, env: &dyn Fn(&str) -> Option<String>) -> bool {
    let on = |name: &str| env(name).is_some_and(|value| value != "0");
    if env("NO_COLOR").is_some() {
        return false;
    }
    let plain = env("TERM").as_deref() == Some("dumb") || env("CLICOLOR").as_deref() == Some("0");
    on("FORCE_COLOR") || on("CLICOLOR_FORCE") || (terminal && !plain)
}

/// `COLUMNS`, else the terminal's, within reason.
fn width(terminal: bool, columns: usize, env: &dyn Fn(&str) -> Option<String>) -> usize {
    let told = env("COLUMNS").and_then(|columns| columns.parse().ok());
    let asked = || terminal.then(terminal_size::terminal_size).flatten().map(|(width, _)| usize::from(width.0));
    told.or_else(asked).unwrap_or(columns).clamp(40, 200)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &'static [(&str, &str)]) -> impl Fn(&str) -> Option<String> {
        |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    }

    #[test]
    fn colours_are_for_terminals_unless_the_environment_says_otherwise() {
        assert!(colors(true, &env(&[])));
        assert!(!colors(false, &env(&[])));
        assert!(!colors(true, &env(&[("NO_COLOR", "1"), ("FORCE_COLOR", "1")])));
        assert!(!colors(true, &env(&[("TERM", "dumb")])));
        assert!(colors(false, &env(&[("CLICOLOR_FORCE", "1")])));
        assert!(!colors(false, &env(&[("FORCE_COLOR", "0")])));
    }

    #[test]
    fn the_width_is_neither_tiny_nor_huge() {
        assert_eq!(width(false, WIDTH, &env(&[])), WIDTH);
        assert_eq!(width(false, WIDTH, &env(&[("COLUMNS", "100")])), 100);
        assert_eq!(width(false, WIDTH, &env(&[("COLUMNS", "1")])), 40);
        assert_eq!(width(false, WIDTH, &env(&[("COLUMNS", "9999")])), 200);
        assert_eq!(width(false, WIDTH, &env(&[("COLUMNS", "wide")])), WIDTH);
    }
}
