//! Templates: text with Lua expressions in `$(…)` (`kong/templates-and-functions.md` §1). What is understood here is
//! understood exactly as Lua does; all other Lua is refused when the file is loaded, by name.
//!
//! A template is read once and evaluated natively. There is no Lua here, and must be none.

mod env;
mod expr;
mod lex;
mod literal;
mod parse;
#[cfg(test)]
mod tests;
mod value;

pub(super) use env::{Env, Seen};

use super::Crash;
use crate::config::report::Diagnostic;
use crate::config::value::Checked;
use crate::plugin::Build;
use expr::Expr;

/// What is understood, for whoever wrote something else.
const KNOWN: &str = "templates may be made of headers.NAME, query_params.NAME, uri_captures.NAME, \
    uri_captures[NUMBER], 'text', numbers, true, false, nil, and, or, not, ==, ~=, .., parentheses, :sub(FROM, TO), \
    :lower() and :upper(); NAME can also be given as ['NAME']";

/// A text that depends on the request.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Template(Box<[Piece]>);

#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Text(Box<str>),
    Expr(Expr),
}

/// A template's words that are not understood, for a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unknown(pub(super) String);

/// Reports a template with something in it that is not understood.
pub(super) fn reject(at: &Checked, unknown: &str, cx: &mut Build<'_>) {
    let message = "this template holds Lua that is not supported yet";
    let found = Diagnostic::error("unsupported-template", at.span, message);
    cx.report.push(found.label(format!("{unknown} is not understood here")).help(KNOWN));
}

// === impl Template ===

impl Template {
    /// Reads a text. `None` when it is constant.
    ///
    /// # Errors
    /// What it holds besides [`KNOWN`].
    pub(super) fn parse(text: &str) -> Result<Option<Self>, Unknown> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, inside, after)) = next_expression(rest) {
            pieces.push(Piece::Text(before.into()));
            pieces.push(Piece::Expr(parse::expression(inside)?));
            rest = after;
        }
        if pieces.is_empty() {
            return Ok(None);
        }
        pieces.push(Piece::Text(rest.into()));
        pieces.retain(|piece| !matches!(piece, Piece::Text(text) if text.is_empty()));
        Ok(Some(Self(pieces.into())))
    }

    /// The text for a request.
    pub(super) fn render(&self, env: &Env<'_>) -> Result<Vec<u8>, Crash> {
        let mut out = Vec::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => out.extend_from_slice(text.as_bytes()),
                Piece::Expr(expr) => expr.eval(env)?.render(&mut out),
            }
        }
        Ok(out)
    }

    /// Whether it may look at headers.
    pub(super) fn reads_headers(&self) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Expr(expr) if expr.reads_headers()))
    }
}

/// Texts before, in and after the first `$(…)`. Parentheses are counted, even in literals: that is what Kong's engine
/// does, and what is never closed is plain text to it.
fn next_expression(text: &str) -> Option<(&str, &str, &str)> {
    text.match_indices("$(").find_map(|(at, _)| {
        let inside = &text[at + 2..];
        let end = closing(inside)?;
        Some((&text[..at], &inside[..end], &inside[end + 1..]))
    })
}

/// Where the parenthesis is closed that was opened just before.
fn closing(text: &str) -> Option<usize> {
    let mut open = 1_usize;
    text.bytes().position(|byte| {
        match byte {
            b'(' => open += 1,
            b')' => open -= 1,
            _ => {}
        }
        open == 0
    })
}
