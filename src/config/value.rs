//! A value that passed its schema: types right, defaults filled in, places kept.

use super::report::{Key, Span};
use std::borrow::Cow;

/// A checked value and where it was written. A default has the span of the record that lacks it.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The value.
    pub value: Value,
    /// Its place.
    pub span: Span,
}

/// What a checked value can be.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Absent without default, or an explicit null.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a fraction.
    Num(f64),
    /// Text. A default's stands in our tables.
    Str(Cow<'static, str>),
    /// A list or set.
    List(Box<[Checked]>),
    /// A map or record, in the order of the document; those of a record's missing fields that have a default are filled
    /// in behind.
    Map(Box<[(Key, Checked)]>),
}

impl PartialEq for Checked {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

// === impl Checked ===

impl Checked {
    /// The value of a key; `None` when it is absent or null, or this is no map.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        let Value::Map(pairs) = &self.value else { return None };
        let found = pairs.iter().find(|(k, _)| k == key).map(|(_, v)| v)?;
        (!found.is_null()).then_some(found)
    }

    /// Whether it is null.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.value == Value::Null
    }

    /// The text itself, if it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The number itself, if it is one.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn as_num(&self) -> Option<f64> {
        match self.value {
            Value::Int(n) => Some(n as f64),
            Value::Num(n) => Some(n),
            _ => None,
        }
    }

    /// The whole number itself, if it is one.
    #[must_use]
    pub fn as_int(&self) -> Option<i64> {
        match self.value {
            Value::Int(n) => Some(n),
            _ => None,
        }
    }

    /// The text of a field.
    #[must_use]
    pub fn str(&self, key: &str) -> Option<&str> {
        self.get(key)?.as_str()
    }

    /// The whole number of a field.
    #[must_use]
    pub fn int(&self, key: &str) -> Option<i64> {
        self.get(key)?.as_int()
    }

    /// The truth of a field; `false` when it is absent.
    #[must_use]
    pub fn bool(&self, key: &str) -> bool {
        matches!(self.get(key), Some(Self { value: Value::Bool(true), .. }))
    }

    /// The elements of a list field; empty when it is absent.
    #[must_use]
    pub fn list(&self, key: &str) -> &[Self] {
        match self.get(key).map(|v| &v.value) {
            Some(Value::List(items)) => items,
            _ => &[],
        }
    }

    /// The elements, if it is a list.
    #[must_use]
    pub fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// The texts of a list field.
    pub fn strs<'a>(&'a self, key: &str) -> impl Iterator<Item = &'a str> {
        self.list(key).iter().filter_map(Self::as_str)
    }

    /// The pairs of a map field; empty when it is absent.
    #[must_use]
    pub fn pairs(&self, key: &str) -> &[(Key, Self)] {
        match self.get(key).map(|v| &v.value) {
            Some(Value::Map(pairs)) => pairs,
            _ => &[],
        }
    }
}
