//! Lua values, and what Lua does with them.

use super::super::Crash;
use crate::number;
use std::borrow::Cow;

/// A value. Text is bytes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value<'a> {
    Nil,
    Bool(bool),
    Number(f64),
    Text(Cow<'a, [u8]>),
    /// The values of what was sent more than once: equal to nothing but itself.
    List(Of, &'a [u8]),
}

/// What a list is of. With its name that is its identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    Headers,
    Query,
}

/// A method of texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    /// From and to, counted from 1, or from the end when negative.
    Sub(i64, i64),
    Lower,
    Upper,
}

/// Kong writes an address in memory, which nobody can rely on and everybody could learn from.
const LIST: &[u8] = b"table: 0x00000000";

// === impl Value ===

impl<'a> Value<'a> {
    /// Whether it counts as true: all does but nil and false.
    pub(super) fn is_true(&self) -> bool {
        !matches!(self, Self::Nil | Self::Bool(false))
    }

    /// Writes it as a template does.
    pub(super) fn render(&self, out: &mut Vec<u8>) {
        match self {
            Self::Nil | Self::Bool(false) => {}
            Self::Bool(true) => out.extend_from_slice(b"true"),
            Self::Number(number) => out.extend_from_slice(number::lua(*number).as_bytes()),
            Self::Text(text) => out.extend_from_slice(text),
            Self::List(..) => out.extend_from_slice(LIST),
        }
    }

    /// `..`, which only texts and numbers have.
    pub(super) fn concat(self, other: Self) -> Result<Self, Crash> {
        let mut text = self.into_text()?.into_owned();
        text.extend_from_slice(&other.into_text()?);
        Ok(Self::Text(text.into()))
    }

    /// Calls a method, which only texts have.
    pub(super) fn call(self, method: Method) -> Result<Self, Crash> {
        let Self::Text(text) = self else { return Err(Crash) };
        Ok(Self::Text(match method {
            Method::Sub(from, to) => sub(text, from, to),
            Method::Lower => text.to_ascii_lowercase().into(),
            Method::Upper => text.to_ascii_uppercase().into(),
        }))
    }

    fn into_text(self) -> Result<Cow<'a, [u8]>, Crash> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Number(number) => Ok(number::lua(number).into_bytes().into()),
            Self::Nil | Self::Bool(_) | Self::List(..) => Err(Crash),
        }
    }
}

fn sub(text: Cow<'_, [u8]>, from: i64, to: i64) -> Cow<'_, [u8]> {
    let start = place(from, text.len()).saturating_sub(1);
    let end = place(to, text.len()).min(text.len());
    match text {
        _ if start >= end => Cow::Borrowed(&[]),
        Cow::Borrowed(text) => Cow::Borrowed(&text[start..end]),
        Cow::Owned(text) => Cow::Owned(text[start..end].to_vec()),
    }
}

/// A place counted from 1; 0 for what lies before.
fn place(at: i64, length: usize) -> usize {
    let way = usize::try_from(at.unsigned_abs()).unwrap_or(usize::MAX);
    if at < 0 { (length + 1).saturating_sub(way) } else { way }
}
