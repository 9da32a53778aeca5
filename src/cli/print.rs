//! Output that does not panic when its reader goes away (`gateway check … | head`).

use std::io::{self, IsTerminal, Write};

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

/// Whether a stream takes colours: a terminal does, unless `NO_COLOR` is set (no-color.org).
pub(super) fn colors(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// How wide a terminal on standard output is; 80 where there is none.
pub(super) fn width() -> usize {
    terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0).max(40))
}

/// What the operating system says about an error, without its number, as Kong prints it.
pub(super) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}
