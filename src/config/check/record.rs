//! A mapping with known keys: unknown ones, missing ones, and the rules about several at once.

use super::words::{self, Said};
use super::{Checker, Fields, fill};
use crate::config::nearest::nearest;
use crate::config::report::{Diagnostic, KongError, Span, Step};
use crate::config::schema::{EntityCheck, Field, Kind, Record, Since};
use crate::config::tree::{NodeId, Pair, Raw, Tree};
use crate::config::value::{Checked, Value};

/// What of a record the reader must know besides its table.
#[derive(Clone, Copy)]
pub(crate) struct Around<'a> {
    /// Keys that are read elsewhere, such as nested entities.
    pub elsewhere: &'a [&'static str],
    /// Whether references may be absent, because a parent stands for one.
    pub nested: bool,
    /// Fields of the `config` below it, where people forget to indent them.
    pub config: &'a [&'static str],
    /// Who has a field of this name, to say where one belongs.
    pub whose: fn(&str) -> Option<String>,
}

/// Fields of a record that are all told when one is unknown.
const MANY: usize = 16;

impl Around<'_> {
    /// A record that stands for itself.
    pub(crate) const NOTHING: Around<'static> = Around { elsewhere: &[], nested: false, config: &[], whose: |_| None };
}

impl<'a> Checker<'a> {
    /// Reads a record. `None` if it is none.
    pub(crate) fn record(&mut self, id: NodeId, record: &'static Record, around: Around<'_>) -> Option<Fields> {
        let (raw, span) = self.raw(id);
        match raw {
            Raw::Map(_) => {}
            Raw::List(items) if items.is_empty() => {} // an empty table to Lua
            _ => {
                self.mistyped(Kind::Record(record), raw, span, "expected a record");
                return None;
            }
        }
        let tree: &'a Tree = self.tree;
        let mut fields = Fields { checked: Checked { value: Value::Null, span }, bad: Vec::new() };
        let mut pairs = Vec::with_capacity(record.fields.len());
        for pair in tree.pairs(id) {
            match record.fields(self.compat).find(|field| field.name == &*pair.key) {
                Some(field) => {
                    self.note_extension(pair, field);
                    pairs.push((field.name.into(), self.field(pair, field, around, &mut fields)));
                }
                None if around.elsewhere.contains(&&*pair.key) => {}
                None => self.unknown(pair, record, around),
            }
        }
        self.absent(record, span, around, &mut pairs, &mut fields);
        fields.checked.value = Value::Map(pairs);
        self.several(record, &fields);
        Some(fields)
    }

    /// A record that is not written at all.
    pub(crate) fn absent_record(&mut self, record: &'static Record, place: Span) -> Fields {
        let mut fields = Fields { checked: Checked { value: Value::Null, span: place }, bad: Vec::new() };
        let mut pairs = Vec::with_capacity(record.fields.len());
        self.absent(record, place, Around::NOTHING, &mut pairs, &mut fields);
        fields.checked.value = Value::Map(pairs);
        self.several(record, &fields);
        fields
    }

    fn field(&mut self, pair: &Pair, field: &'static Field, around: Around<'_>, fields: &mut Fields) -> Checked {
        let optional = around.nested && matches!(field.kind, Kind::Foreign(_));
        let read = self.at(Step::Key(field.name.into()), |this| this.value(pair.value, field, optional));
        read.unwrap_or_else(|| {
            fields.bad.push(field.name);
            self.as_written(pair.value)
        })
    }

    fn note_extension(&mut self, pair: &Pair, field: &Field) {
        if field.extension {
            let whose = self.described();
            let message = format!("`{}` of {whose} is a field of this gateway, not of Kong", field.name);
            self.report.extension(pair.key_span, message);
        }
    }

    fn absent(
        &mut self,
        record: &'static Record,
        span: Span,
        around: Around<'_>,
        pairs: &mut Vec<(Box<str>, Checked)>,
        fields: &mut Fields,
    ) {
        for field in record.fields(self.compat) {
            if pairs.iter().any(|(name, _)| &**name == field.name) {
                continue;
            }
            let optional = around.nested && matches!(field.kind, Kind::Foreign(_));
            let default = fill::default(field, self.compat, span);
            if field.required && !optional && default.is_null() {
                fields.bad.push(field.name);
                self.at(Step::Key(field.name.into()), |this| this.missing(span, field.name));
            } else {
                pairs.push((field.name.into(), default));
            }
        }
    }

    /// Reports a field that must be there. An underlined record would be long: its name or its first line does.
    fn missing(&mut self, span: Span, name: &str) {
        let above = &self.path[..self.path.len().saturating_sub(1)];
        if self.meant(above, &[name]) {
            let (path, message) = (self.path.clone(), "required field missing".to_owned());
            return self.report.asides.push(KongError { path, message });
        }
        let message = format!("{} is missing", self.described());
        let found =
            Diagnostic::error("missing-field", self.owner_place(span), message).label(format!("has no `{name}`"));
        let help = words::remedy(self.owner.noun, name);
        self.push(Diagnostic { help: help.map(str::to_owned), ..found }, "required field missing");
    }

    /// Reports a field that must be there, is there, and has no value.
    pub(super) fn nothing(&mut self, span: Span) {
        let help = words::remedy(self.owner.noun, self.field_name()).map(str::to_owned);
        let message = format!("{} has no value", self.entry_described());
        let found = Diagnostic::error("missing-field", span, message).label("nothing is written here");
        self.push(Diagnostic { help, ..found }, "required field missing");
    }

    /// A service's `url` is taken apart before its fields are read; what is left of it here is no URL.
    fn no_url(&mut self, pair: &Pair) {
        let (raw, span) = self.raw(pair.value);
        let found = match raw {
            Raw::Null | Raw::Text(_) => {
                Diagnostic::error("missing-field", pair.key_span, format!("`url` of {} has no value", self.described()))
            }
            _ => Diagnostic::error(
                "wrong-type",
                span,
                format!("`url` of {} must be text, not {}", self.described(), raw.kind()),
            ),
        };
        self.at(Step::Key(pair.key.clone()), |this| {
            this.push(found.help("write `url: http://HOST:PORT`"), "unknown field")
        });
    }

    fn unknown(&mut self, pair: &Pair, record: &'static Record, around: Around<'_>) {
        if self.owner.noun == "service" && &*pair.key == "url" {
            return self.no_url(pair);
        }
        let known = record.fields(self.compat).map(|field| field.name);
        let near = nearest(&pair.key, known.chain(around.elsewhere.iter().copied()));
        let whose = self.described();
        let message = match &*pair.key {
            "" => format!("{whose} has a key without a name"),
            key => format!("{whose} has no field `{key}`"),
        };
        let found = Diagnostic::error("unknown-field", pair.key_span, message);
        let top = self.path.len() == self.owner.depth;
        let alias = words::alias(self.owner.noun, &pair.key).filter(|_| top);
        let found = match alias.or(near) {
            Some(near) => {
                let help = self.as_list(pair, near, record);
                Diagnostic { help, ..found.label(format!("did you mean `{near}`?")) }
            }
            None => self.where_else(found, &pair.key, record, around),
        };
        self.at(Step::Key(pair.key.clone()), |this| this.push(found, "unknown field"));
    }

    /// What to write where a list is wanted by another name than the text has: `path: /users`.
    fn as_list(&self, pair: &Pair, near: &str, record: &'static Record) -> Option<String> {
        let field = record.fields(self.compat).find(|field| field.name == near)?;
        match (field.kind, self.raw(pair.value).0) {
            (Kind::Array(_) | Kind::Set(_), Raw::Text(text)) => Some(words::write_list(near, text)),
            _ => None,
        }
    }

    /// A field that is no misspelt one may be in the wrong place.
    fn where_else(&self, found: Diagnostic, key: &str, record: &'static Record, around: Around<'_>) -> Diagnostic {
        if key.contains('\u{a0}') {
            return found.label("the blanks here are no-break spaces").help("replace them by plain spaces");
        }
        if around.config.contains(&key) {
            return found.label("this belongs below `config`").help("indent it below `config:`");
        }
        if let Some(field) = record.fields.iter().find(|field| field.name == key) {
            let three = matches!(field.since, Since::Kong3);
            return found.label(if three {
                "only `_format_version: \"3.0\"` has it"
            } else {
                "`_format_version: \"3.0\"` has it no more"
            });
        }
        match (around.whose)(key) {
            Some(whose) if key == "config" => return found.label(whose).help("a plugin goes below `plugins:`"),
            Some(whose) => return found.label(whose),
            None => {}
        }
        let known: Vec<_> = record.fields(self.compat).map(|field| format!("`{}`", field.name)).collect();
        let few = (1..=MANY).contains(&known.len()) && self.path.len() > self.owner.depth;
        if few { found.help(format!("its fields are {}", known.join(", "))) } else { found }
    }

    fn several(&mut self, record: &'static Record, fields: &Fields) {
        for check in record.checks {
            if names(check).iter().any(|name| fields.bad.contains(&first_step(name))) {
                continue;
            }
            for (place, message) in super::rules::entity_errors(check, &fields.checked, self.world.now) {
                self.several_failed(place, message, names(check), &fields.checked);
            }
        }
    }

    fn several_failed(&mut self, place: &str, message: String, names: &[&str], checked: &Checked) {
        let whole_plugin = names.iter().any(|name| name.starts_with("config."));
        let above = whole_plugin.then(|| self.path.pop()).flatten();
        let steps: Vec<Step> =
            place.split('.').filter(|key| !key.is_empty()).map(|key| Step::Key(key.into())).collect();
        let span = match place {
            "@entity" => None,
            "" => named_in(&message, checked),
            place => checked.get(place).map(|field| field.span),
        };
        let length = self.path.len();
        if is_consequence(&message, checked) || self.meant(&self.path, &named(&message, names)) {
            let path = self.path.iter().cloned().chain(steps).collect();
            self.report.asides.push(KongError { path, message });
        } else {
            let whose = if place == "@entity" { self.described() } else { String::new() };
            self.path.extend(steps);
            let whose = if whose.is_empty() { self.described() } else { whose };
            let span = span.unwrap_or_else(|| self.owner_place(checked.span));
            let Said { predicate, label, help } = words::together(&message);
            let help = help.or_else(|| words::remedy(self.owner.noun, self.field_name()).map(str::to_owned));
            let found = Diagnostic::error("conflict", span, format!("{whose}{predicate}"));
            self.push(Diagnostic { label, help, ..found }, message);
        }
        self.path.truncate(length);
        self.path.extend(above);
    }

    /// Whether somebody wrote one of these fields by another name, which is told already.
    fn meant(&self, record: &[Step], names: &[&str]) -> bool {
        let here = |found: &Diagnostic| {
            found.kong.as_ref().is_some_and(|kong| kong.path.split_last().is_some_and(|(_, path)| path == record))
        };
        let is = |found: &Diagnostic, name: &str| found.label.as_deref() == Some(&format!("did you mean `{name}`?"));
        let unknown = self.report.found.iter().rev().take(MANY).filter(|found| found.code == "unknown-field");
        unknown.filter(|found| here(found)).any(|found| names.iter().any(|name| is(found, name)))
    }

    fn owner_place(&self, record: Span) -> Span {
        let name = self.owner.name.as_ref().map(|(_, place)| *place);
        name.filter(|place| record.start <= place.start && place.end <= record.end).unwrap_or(record)
    }
}

/// What Kong says of a whole object besides what is said of the field.
fn is_consequence(message: &str, checked: &Checked) -> bool {
    let of_a_field = ["failed conditional validation", "'snis' can only be set when"];
    let by_expression = checked.get("expression").is_some() && message.starts_with("must set one of ");
    by_expression || of_a_field.iter().any(|start| message.starts_with(start))
}

/// The place of the first field that Kong's words name, and that is written.
fn named_in(message: &str, checked: &Checked) -> Option<Span> {
    let words = message.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let written = |field: &&Checked| field.span != checked.span;
    words.filter_map(|word| checked.get(word)).find(written).map(|field| field.span)
}

/// The fields that a check is about, or else those that Kong's words list: `must set one of 'methods', 'hosts'`.
fn named<'m>(message: &'m str, names: &[&'m str]) -> Vec<&'m str> {
    match message.strip_prefix("must set one of ") {
        Some(list) => list.split('\'').skip(1).step_by(2).collect(),
        None => names.to_vec(),
    }
}

/// The fields that a check is about.
fn names(check: &EntityCheck) -> &'static [&'static str] {
    match check {
        EntityCheck::AtLeastOneOf(names)
        | EntityCheck::ExactlyOneOf(names)
        | EntityCheck::OnlyOneOf(names)
        | EntityCheck::AllOrNone(names)
        | EntityCheck::Distinct(names) => names,
        EntityCheck::Custom(_) | EntityCheck::Timed(_) => &[],
    }
}

fn first_step(path: &'static str) -> &'static str {
    let below = path.strip_prefix("config.").unwrap_or(path);
    below.split('.').next().unwrap_or(below)
}
