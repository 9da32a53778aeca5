//! Templates: text with Lua expressions in `$(…)` (`kong/templates-and-functions.md` §1).
//!
//! What is simple and usual is read once and evaluated natively, exactly as Lua does it; all other Lua goes to the VM.

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
use crate::entity::Compat;
use crate::lua::chunk::Syntax;
use crate::lua::template::{self, Part};
use crate::plugin::Build;
use crate::settings::{LuaMode, UntrustedLua};
use expr::Expr;
use std::sync::Arc;

/// A text that depends on the request.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Template {
    /// Evaluated here.
    Native(Native),
    /// Rendered by the VM; whether it may look at headers.
    Lua(Arc<template::Template>, bool),
    /// It cannot be rendered: the file was loaded nevertheless, as Kong does.
    Unusable(Unusable),
}

/// A template that needs no VM.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Native(Box<[Piece]>);

/// Why a template cannot be rendered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unusable {
    /// It is no Lua.
    Wrong,
    /// `untrusted_lua` is `off`.
    Off,
}

/// Text, or an expression.
#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Text(Box<str>),
    Expr(Expr),
}

/// A template's words that are not evaluated natively.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unknown(pub(super) String);

/// Reads the text of an item. `None` when it is constant.
pub(super) fn read(item: &Checked, text: &str, cx: &mut Build<'_>) -> Option<Template> {
    let rules = cx.shared.get_or_insert_default::<Arc<UntrustedLua>>().clone();
    let native = match Template::parse(text) {
        Ok(None) => return None,
        found => found.ok().flatten(),
    };
    if cx.compat == Compat::Kong3 && rules.mode == LuaMode::Off {
        let message = "untrusted_lua is off, so every request that needs this template is answered with 500";
        cx.report.push(Diagnostic::warning("unusable-template", item.span, message));
        return Some(Template::Unusable(Unusable::Off));
    }
    native.or_else(|| match template::Template::new(parts(text), cx.compat, rules) {
        Ok(template) => Some(Template::Lua(Arc::new(template), text.contains("headers"))),
        Err(wrong) => {
            warn(item, text, &wrong, cx);
            Some(Template::Unusable(Unusable::Wrong))
        }
    })
}

/// The text is the end of the item.
fn warn(item: &Checked, text: &str, wrong: &Syntax, cx: &mut Build<'_>) {
    let message = format!("this template is no Lua ({}): a request that needs it is answered with 500", wrong.message);
    let found = Diagnostic::warning("unusable-template", item.span, message);
    let whole = item.as_str().unwrap_or(text);
    let before = whole.len().saturating_sub(text.len());
    cx.report.push(found.inside(whole, wrong.at.start + before..wrong.at.end + before));
}

/// Whether Kong would load a value of body or query, which it compiles to see.
pub(super) fn check(text: &str) -> Result<(), Syntax> {
    let lines = text.starts_with('#') || text.contains("\n#");
    if !lines && Template::parse(text).is_ok() {
        return Ok(());
    }
    template::check(text, parts)
}

// === impl Template ===

impl Template {
    /// Reads a text for native evaluation. `None` when it is constant.
    ///
    /// # Errors
    /// What it holds that only the VM can evaluate.
    pub(super) fn parse(text: &str) -> Result<Option<Self>, Unknown> {
        let piece = |part| match part {
            Part::Text(text) => Ok(Piece::Text(text.into())),
            Part::Code(inside) => parse::expression(inside).map(Piece::Expr),
        };
        let pieces: Box<[Piece]> = parts(text).map(piece).collect::<Result<_, _>>()?;
        Ok(pieces.iter().any(|piece| matches!(piece, Piece::Expr(_))).then_some(Self::Native(Native(pieces))))
    }

    /// The text for a request.
    pub(super) fn render(&self, env: &Env<'_>) -> Result<Vec<u8>, Crash> {
        let pieces = match self {
            Self::Native(Native(pieces)) => pieces,
            Self::Lua(template, _) => return template.render(env).map_err(|fault| crash(&fault.to_string())),
            Self::Unusable(why) => return Err(crash(why.words())),
        };
        let mut out = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Text(text) => out.extend_from_slice(text.as_bytes()),
                Piece::Expr(expr) => expr.eval(env)?.render(&mut out),
            }
        }
        Ok(out)
    }

    /// Whether it may look at headers.
    pub(super) fn reads_headers(&self) -> bool {
        match self {
            Self::Native(Native(pieces)) => {
                pieces.iter().any(|piece| matches!(piece, Piece::Expr(expr) if expr.reads_headers()))
            }
            Self::Lua(_, reads) => *reads,
            Self::Unusable(_) => false,
        }
    }
}

// === impl Unusable ===

impl Unusable {
    fn words(self) -> &'static str {
        match self {
            Self::Wrong => "the template is no Lua",
            Self::Off => {
                "loading of untrusted Lua code disabled because 'untrusted_lua' config option is set to 'off'"
            }
        }
    }
}

fn crash(words: &str) -> Crash {
    tracing::error!("[kong] [request-transformer] {words}");
    Crash
}

/// The parts of a text, none of them empty text.
fn parts(text: &str) -> impl Iterator<Item = Part<'_>> + Clone {
    let mut rest = text;
    let found = std::iter::from_fn(move || match next_expression(rest) {
        Some((before, inside, after)) => {
            rest = after;
            Some([Part::Text(before), Part::Code(inside)])
        }
        None => Some([Part::Text(std::mem::take(&mut rest)), Part::Text("")]).filter(|parts| parts[0] != Part::Text("")),
    });
    found.flatten().filter(|part| *part != Part::Text(""))
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
