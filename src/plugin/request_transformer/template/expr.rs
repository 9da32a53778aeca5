//! Expressions, and their evaluation in Lua's order.

use super::super::Crash;
use super::env::{Env, Lookup};
use super::value::{Method, Value};
use std::borrow::Cow;

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expr {
    Constant(Value<'static>),
    Lookup(Lookup),
    Not(Box<Self>),
    Binary(Op, Box<(Self, Self)>),
    Call(Box<Self>, Method),
}

/// An operator between two expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    Or,
    And,
    Equal,
    Different,
    Concat,
}

// === impl Expr ===

impl Expr {
    /// Its value for a request.
    pub(super) fn eval<'a>(&'a self, env: &Env<'a>) -> Result<Value<'a>, Crash> {
        Ok(match self {
            Self::Constant(Value::Text(text)) => Value::Text(Cow::Borrowed(text)),
            Self::Constant(value) => value.clone(),
            Self::Lookup(lookup) => env.get(lookup),
            Self::Not(inner) => Value::Bool(!inner.eval(env)?.is_true()),
            Self::Binary(op, sides) => op.apply(sides.0.eval(env)?, &sides.1, env)?,
            Self::Call(inner, method) => inner.eval(env)?.call(*method)?,
        })
    }

    /// Whether it may look at headers.
    pub(super) fn reads_headers(&self) -> bool {
        match self {
            Self::Constant(_) => false,
            Self::Lookup(lookup) => matches!(lookup, Lookup::Header(_)),
            Self::Not(inner) | Self::Call(inner, _) => inner.reads_headers(),
            Self::Binary(_, sides) => sides.0.reads_headers() || sides.1.reads_headers(),
        }
    }
}

// === impl Op ===

impl Op {
    /// How strongly it binds to the left and to the right (Lua 5.1 manual §2.5.6): only `..` groups from the right.
    pub(super) fn strength(self) -> (u8, u8) {
        match self {
            Self::Or => (1, 1),
            Self::And => (2, 2),
            Self::Equal | Self::Different => (3, 3),
            Self::Concat => (5, 4),
        }
    }

    /// The right side of `and` and `or` is looked at only when it decides.
    fn apply<'a>(self, left: Value<'a>, right: &'a Expr, env: &Env<'a>) -> Result<Value<'a>, Crash> {
        match self {
            Self::Or if left.is_true() => Ok(left),
            Self::And if !left.is_true() => Ok(left),
            Self::Or | Self::And => right.eval(env),
            Self::Equal => Ok(Value::Bool(left == right.eval(env)?)),
            Self::Different => Ok(Value::Bool(left != right.eval(env)?)),
            Self::Concat => left.concat(right.eval(env)?),
        }
    }
}
