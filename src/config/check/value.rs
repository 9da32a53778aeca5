//! One value by its field: type first, then rules. `None` means reported.

use super::record::Around;
use super::{Checker, fill, rules};
use crate::config::report::{Diagnostic, Key, Span, Step};
use crate::config::schema::{Field, Kind, Wrong};
use crate::config::tree::{NodeId, Pair, Raw, Tree};
use crate::config::value::{Checked, Value};

impl<'a> Checker<'a> {
    /// Reads a value. `optional` overrules the field's being required.
    pub(super) fn value(&mut self, id: NodeId, field: &'static Field, optional: bool) -> Option<Checked> {
        let (raw, span) = self.raw(id);
        if matches!(raw, Raw::Null) {
            return self.null(span, field, optional);
        }
        let checked = match field.kind {
            Kind::String => self.string(raw, span, field)?,
            Kind::Integer | Kind::Number => self.number(raw, span, field)?,
            Kind::Boolean => self.boolean(raw, span, field)?,
            Kind::Array(of) => self.list(raw, span, field, of, "expected an array")?,
            Kind::Set(of) => without_repeats(self.list(raw, span, field, of, "expected a set")?),
            Kind::Map(key, value) => self.map(id, field, key, value)?,
            Kind::Record(record) => {
                let fields = self.record(id, record, Around::NOTHING)?;
                fields.bad.is_empty().then_some(fields.checked)?
            }
            Kind::Foreign(_) => self.reference(id, field)?,
            Kind::Any => Checked { value: Value::Null, span },
        };
        match rules::value_error(&checked, field.rules) {
            Some(message) => {
                // Kong blames the list; its words end with the entry.
                let blamed =
                    checked.items().iter().find(|item| item.as_str().is_some_and(|text| message.ends_with(text)));
                self.refuse(field, blamed.map_or(span, |item| item.span), &written(raw), &message)
            }
            None => Some(checked),
        }
    }

    fn refuse(&mut self, field: &Field, span: Span, written: &str, message: &str) -> Option<Checked> {
        self.invalid(field, span, written, message);
        None
    }

    fn no_such_kind(&mut self, raw: &Raw, span: Span, field: &Field, message: &str) -> Option<Checked> {
        self.mistyped(field.kind, raw, span, message);
        None
    }

    /// A null is as good as nothing where nothing is needed; a record's fields have their defaults all the same.
    fn null(&mut self, span: Span, field: &'static Field, optional: bool) -> Option<Checked> {
        if field.required && !optional {
            self.nothing(span);
            return None;
        }
        match field.kind {
            Kind::Record(record) => Some(fill::defaults(record, self.compat, span)),
            _ => Some(Checked { value: Value::Null, span }),
        }
    }

    fn string(&mut self, raw: &'a Raw, span: Span, field: &Field) -> Option<Checked> {
        let Raw::Text(text) = raw else { return self.no_such_kind(raw, span, field, "expected a string") };
        let written = text;
        let (text, from_variable) = self.expanded(text, span);
        match rules::text_error(&text, field.rules) {
            // What a variable holds may be a secret.
            Some(message) if from_variable && !text.is_empty() => {
                self.refuse(field, span, written, &message.replace(&*text, written))
            }
            Some(message) => self.refuse(field, span, &text, &message),
            None => match rules::code_error(&text, field.rules) {
                Some(wrong) => self.no_program(&text, wrong, span, from_variable),
                None => Some(Checked { value: Value::Str(text.into_owned().into()), span }),
            },
        }
    }

    /// What a variable holds has no place in the document, and is not quoted: it may be a secret.
    fn no_program(&mut self, text: &str, wrong: Wrong, span: Span, from_variable: bool) -> Option<Checked> {
        let Wrong { at, code, message, label, help, kong } = wrong;
        let shown = |message: &str| if from_variable { unquoted(message) } else { message.to_owned() };
        let found = Diagnostic::error(code, span, format!("{} {}", self.entry_described(), shown(&message)));
        let found = Diagnostic { label: label.map(String::from), help: help.map(String::from), ..found };
        let found = if from_variable { Diagnostic { label: None, ..found } } else { found.inside(text, at) };
        // What a shell or a template engine would have replaced.
        let unfilled = code == "bad-lua" && !from_variable && (text.contains("${") || text.contains("{{"));
        let found = if unfilled { found.help("nothing is put into Lua here: fill the file in first") } else { found };
        self.push(found, shown(&kong));
        None
    }

    /// A number that a variable brings is text, and taken for what it says.
    fn number(&mut self, raw: &'a Raw, span: Span, field: &Field) -> Option<Checked> {
        let value = match raw {
            Raw::Int(n) => Some(Value::Int(*n)),
            Raw::Num(n) => Some(Value::Num(*n)),
            Raw::Text(text) => {
                let (text, from_variable) = self.expanded(text, span);
                from_variable.then(|| parsed(&text)).flatten()
            }
            _ => None,
        };
        let whole_wanted = matches!(field.kind, Kind::Integer);
        let expected = if whole_wanted { "expected an integer" } else { "expected a number" };
        let value = value.filter(|value| !whole_wanted || matches!(value, Value::Int(_)));
        let Some(value) = value else { return self.no_such_kind(raw, span, field, expected) };
        let checked = Checked { value, span };
        match rules::number_error(checked.as_num().unwrap_or(f64::NAN), field.rules) {
            Some(message) => self.refuse(field, span, &written(raw), &message),
            None => Some(checked),
        }
    }

    fn boolean(&mut self, raw: &'a Raw, span: Span, field: &Field) -> Option<Checked> {
        let value = match raw {
            Raw::Bool(b) => Some(*b),
            Raw::Text(text) => {
                let (text, from_variable) = self.expanded(text, span);
                from_variable.then(|| text.parse().ok()).flatten()
            }
            _ => None,
        };
        match value {
            Some(b) => Some(Checked { value: Value::Bool(b), span }),
            None => self.no_such_kind(raw, span, field, "expected a boolean"),
        }
    }

    fn list(
        &mut self,
        raw: &'a Raw,
        span: Span,
        field: &'static Field,
        of: &'static Field,
        expected: &str,
    ) -> Option<Checked> {
        let items: &[NodeId] = match raw {
            Raw::List(items) => items,
            Raw::Map(pairs) if pairs.is_empty() => &[], // an empty table to Lua
            _ => return self.no_such_kind(raw, span, field, expected),
        };
        let read: Vec<_> = items
            .iter()
            .enumerate()
            .map(|(n, item)| self.at(Step::Entry(n), |this| this.value(*item, of, false)))
            .collect();
        let all: Vec<Checked> = read.into_iter().collect::<Option<_>>()?;
        match rules::length_error(all.len(), field.rules) {
            Some(message) => self.refuse(field, span, "", &message),
            None => Some(Checked { value: Value::List(all.into()), span }),
        }
    }

    fn map(&mut self, id: NodeId, field: &Field, key: &'static Field, value: &'static Field) -> Option<Checked> {
        let (raw, span) = self.raw(id);
        let pairs: &[Pair] = match raw {
            Raw::Map(pairs) => pairs,
            Raw::List(items) if items.is_empty() => &[],
            _ => return self.no_such_kind(raw, span, field, "expected a map"),
        };
        if let Some((pair, message)) = pairs.iter().find_map(|p| Some((p, rules::text_error(&p.key, key.rules)?))) {
            return self.refuse(key, pair.key_span, &pair.key, &message);
        }
        let read: Vec<_> = pairs.iter().map(|pair| self.pair(pair, value)).collect();
        let all = read.into_iter().collect::<Option<Vec<_>>>()?;
        Some(Checked { value: Value::Map(all.into()), span })
    }

    fn pair(&mut self, pair: &Pair, field: &'static Field) -> Option<(Key, Checked)> {
        let checked = self.at(Step::Key(pair.key.to_string().into()), |this| this.value(pair.value, field, false))?;
        Some((pair.key.to_string().into(), checked))
    }

    /// The name or id of an entity; who it is is found out later. Kong lets a mapping pass here, in vain.
    fn reference(&mut self, id: NodeId, field: &Field) -> Option<Checked> {
        let (raw, span) = self.raw(id);
        match raw {
            Raw::Text(text) => {
                let (text, _) = self.expanded(text, span);
                Some(Checked { value: Value::Str(text.into_owned().into()), span })
            }
            Raw::Map(_) => Some(self.as_written(id)),
            _ => self.no_such_kind(raw, span, field, "expected a string"),
        }
    }

    /// A value without any check, for those who look at it in spite of an error.
    pub(super) fn as_written(&self, id: NodeId) -> Checked {
        let tree: &Tree = self.tree;
        let node = tree.node(id);
        let value = match &node.raw {
            Raw::Null => Value::Null,
            Raw::Bool(b) => Value::Bool(*b),
            Raw::Int(n) => Value::Int(*n),
            Raw::Num(n) => Value::Num(*n),
            Raw::Text(text) => Value::Str(text.to_string().into()),
            Raw::List(items) => Value::List(items.iter().map(|item| self.as_written(*item)).collect()),
            Raw::Map(pairs) => {
                let pair = |p: &Pair| (p.key.to_string().into(), self.as_written(p.value));
                Value::Map(pairs.iter().map(pair).collect())
            }
        };
        Checked { value, span: node.span }
    }
}

/// A value as text, for messages.
fn written(raw: &Raw) -> String {
    match raw {
        Raw::Int(n) => n.to_string(),
        Raw::Num(n) => n.to_string(),
        Raw::Text(text) => text.to_string(),
        _ => String::new(),
    }
}

fn parsed(text: &str) -> Option<Value> {
    text.parse().map(Value::Int).ok().or_else(|| text.parse().map(Value::Num).ok())
}

/// Kong drops repeats in a set without a word. Sets are short where they are long enough to matter.
fn without_repeats(mut checked: Checked) -> Checked {
    if let Value::List(items) = &mut checked.value
        && items.len() > 1
    {
        let mut seen = std::collections::HashSet::new();
        let mut all = std::mem::take(items).into_vec();
        all.retain(|item| match item.as_str() {
            Some(text) => seen.insert(text.to_owned()),
            None => true,
        });
        *items = all.into();
    }
    checked
}

/// A message without what it quotes.
fn unquoted(message: &str) -> String {
    let parts = message.split('`').enumerate();
    parts.map(|(at, part)| if at % 2 == 0 { part } else { "`…`" }).collect()
}
