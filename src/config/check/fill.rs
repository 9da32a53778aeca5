//! Defaults: what stands in a field that nobody wrote.

use crate::config::report::Span;
use crate::config::schema::{Default, Field, Kind, Record};
use crate::config::value::{Checked, Value};
use crate::entity::Compat;

/// A record in which nothing was written. What has no default is left out: most of a record's fields.
#[must_use]
pub(super) fn defaults(record: &'static Record, compat: Compat, span: Span) -> Checked {
    let there = record.fields(compat).filter(|field| field.has_default());
    let pairs = there.map(|field| (field.name.into(), default(field, compat, span)));
    Checked { value: Value::Map(pairs.collect()), span }
}

/// What stands in a field that is absent.
pub(super) fn default(field: &'static Field, compat: Compat, span: Span) -> Checked {
    let list = |items: Vec<Value>| Value::List(items.into_iter().map(|value| Checked { value, span }).collect());
    let value = match (field.default, field.kind) {
        (Default::None, Kind::Record(record)) => return defaults(record, compat, span),
        (Default::None, _) => Value::Null,
        (Default::Str(text), _) => Value::Str(text.into()),
        (Default::Int(n), _) => Value::Int(n),
        (Default::Num(n), _) => Value::Num(n),
        (Default::Bool(b), _) => Value::Bool(b),
        (Default::Strs(texts), _) => list(texts.iter().map(|text| Value::Str((*text).into())).collect()),
        (Default::Ints(numbers), _) => list(numbers.iter().map(|n| Value::Int(*n)).collect()),
    };
    Checked { value, span }
}
