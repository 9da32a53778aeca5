//! How a function of the API is called and how it answers.

use crate::lua::current::Current;
use mlua::{IntoLua, Lua, LuaString, MultiValue, Value};
use std::cell::Cell;
use std::time::Instant;

/// Where the request is while Lua runs for it.
#[derive(Default)]
pub(in crate::lua) struct Slot {
    current: Cell<Option<Box<Current>>>,
    ended: Cell<bool>,
}

/// The arguments of a call.
#[derive(Debug)]
pub(super) struct Args(MultiValue);

/// Why a function gives no values.
#[derive(Debug)]
pub(super) enum Stop {
    /// It raises this error, at the place where it was called.
    Raise(String),
    /// It has ended the phase: [`Current::ending`] says how.
    End,
}

/// What a function answers.
pub(super) type Answer = Result<MultiValue, Stop>;

/// No values.
pub(super) fn none() -> Answer {
    Ok(MultiValue::new())
}

/// One value.
pub(super) fn one(lua: &Lua, value: impl IntoLua) -> Answer {
    Ok(MultiValue::from_iter([value.into_lua(lua)?]))
}

/// Several values.
pub(super) fn many(values: impl IntoIterator<Item = Value>) -> Answer {
    Ok(values.into_iter().collect())
}

/// `nil` and a message: how Lua says that something did not work out.
pub(super) fn failed(lua: &Lua, message: impl AsRef<str>) -> Answer {
    many([Value::Nil, message.as_ref().into_lua(lua)?])
}

/// Raises an error at the place of the call.
pub(super) fn raise<T>(message: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Raise(message.into()))
}

/// Ends the phase.
pub(super) fn end(cx: &mut Current, how: crate::lua::current::Ending) -> Answer {
    cx.ending = Some(how);
    Err(Stop::End)
}

/// An answer as the prelude's `settle` takes it.
pub(super) fn answered(lua: &Lua, answer: Answer) -> MultiValue {
    match answer {
        Ok(mut values) => {
            values.push_front(Value::Boolean(true));
            values
        }
        Err(Stop::Raise(message)) => {
            let text = lua.create_string(message).map_or(Value::Nil, Value::String);
            MultiValue::from_iter([Value::Boolean(false), text])
        }
        Err(Stop::End) => MultiValue::from_iter([Value::Nil]),
    }
}

// === impl Slot ===

impl Slot {
    /// Puts a request in.
    pub(in crate::lua) fn enter(&self, current: Current) {
        self.ended.set(false);
        self.current.set(Some(Box::new(current)));
    }

    /// Takes it out. It is always there but after a panic.
    pub(in crate::lua) fn leave(&self, now: Instant) -> Current {
        self.current.take().map_or_else(|| Current::lost(now), |current| *current)
    }

    /// Forgets the last call's end, for a call without a request.
    pub(in crate::lua) fn clear(&self) {
        self.ended.set(false);
    }

    /// Whether the phase was ended.
    pub(in crate::lua) fn has_ended(&self) -> bool {
        self.ended.get()
    }

    /// Works on the request. While a function of the API does, there is none for another.
    pub(super) fn with(&self, work: impl FnOnce(&mut Current) -> Answer) -> Answer {
        let Some(mut current) = self.current.take() else { return raise("no request is being processed here") };
        let answer = work(&mut current);
        self.current.set(Some(current));
        self.ended.set(self.ended.get() || matches!(answer, Err(Stop::End)));
        answer
    }
}

// === impl Stop ===

impl From<mlua::Error> for Stop {
    fn from(error: mlua::Error) -> Self {
        Self::Raise(crate::lua::vm::message(&error))
    }
}

// === impl Args ===

impl Args {
    pub(super) fn new(values: MultiValue) -> Self {
        Self(values)
    }

    /// The argument at a position, from 0; nil where there is none.
    pub(super) fn get(&self, at: usize) -> &Value {
        self.0.get(at).unwrap_or(&Value::Nil)
    }

    /// The arguments in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Value> {
        self.0.iter()
    }

    /// A text; anything else is refused with these words.
    pub(super) fn text(&self, at: usize, otherwise: &str) -> Result<&LuaString, Stop> {
        match self.get(at) {
            Value::String(text) => Ok(text),
            _ => raise(otherwise),
        }
    }

    /// A whole number; anything else is refused with these words.
    pub(super) fn int(&self, at: usize, otherwise: &str) -> Result<i64, Stop> {
        match super::value::int(self.get(at)) {
            Some(number) => Ok(number),
            None => raise(otherwise),
        }
    }
}
