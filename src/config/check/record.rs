//! A mapping with known keys: unknown ones, missing ones, and the rules about several at once.

use super::words::{self, Said};
use super::{Checker, Fields, fill};
use crate::config::expression;
use crate::config::nearest::nearest;
use crate::config::report::{Diagnostic, Key, KongError, Span, Step};
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
    /// The `config` below it, whose fields people forget to indent.
    pub config: Option<&'static Record>,
    /// Who has a field of this name, to say where one belongs.
    pub whose: fn(&str) -> Option<String>,
}

/// Fields of a record that are all told when one is unknown.
const MANY: usize = 16;

// === impl Around ===

impl Around<'_> {
    /// A record that stands for itself.
    pub(crate) const NOTHING: Around<'static> = Around { elsewhere: &[], nested: false, config: None, whose: |_| None };
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
        let mut pairs = Vec::with_capacity(tree.pairs(id).len() + record.defaults());
        // What the unknown fields were meant to be: errors about those may be but consequences.
        let mut meant = Vec::new();
        for pair in tree.pairs(id) {
            match self.known(record).find(|field| field.name == &*pair.key) {
                Some(field) => {
                    self.note_extension(pair, field);
                    let value = self.field(pair, field, around, &mut fields);
                    put(&mut pairs, field, value);
                }
                None if around.elsewhere.contains(&&*pair.key) => {}
                None => meant.extend(self.unknown(pair, record, around)),
            }
        }
        self.absent(record, span, around, &meant, &mut pairs, &mut fields);
        fields.checked.value = Value::Map(pairs.into());
        self.several(record, &fields, &meant);
        Some(fields)
    }

    /// A record that is not written at all.
    pub(crate) fn absent_record(&mut self, record: &'static Record, place: Span) -> Fields {
        let mut fields = Fields { checked: Checked { value: Value::Null, span: place }, bad: Vec::new() };
        let mut pairs = Vec::with_capacity(record.defaults());
        self.absent(record, place, Around::NOTHING, &[], &mut pairs, &mut fields);
        fields.checked.value = Value::Map(pairs.into());
        self.several(record, &fields, &[]);
        fields
    }

    fn field(&mut self, pair: &Pair, field: &'static Field, around: Around<'_>, fields: &mut Fields) -> Checked {
        let optional = around.nested && matches!(field.kind, Kind::Foreign(_));
        let read = self.at(Step::Key(field.target().into()), |this| this.value(pair.value, field, optional));
        read.unwrap_or_else(|| {
            fields.bad.push(field.target());
            self.as_written(pair.value)
        })
    }

    /// The fields that there are in this file, with these settings.
    fn known(&self, record: &'static Record) -> impl Iterator<Item = &'static Field> + use<> {
        let expressions = self.read.expressions;
        record.fields(self.compat).filter(move |field| expressions || !field.flavored)
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
        meant: &[&str],
        pairs: &mut Vec<(Key, Checked)>,
        fields: &mut Fields,
    ) {
        let written = pairs.len();
        for field in record.fields(self.compat) {
            if field.alias.is_some() || pairs[..written].iter().any(|(name, _)| &**name == field.name) {
                continue;
            }
            let optional = !field.required || (around.nested && matches!(field.kind, Kind::Foreign(_)));
            if field.has_default() {
                pairs.push((field.name.into(), fill::default(field, self.compat, span)));
            } else if !optional {
                fields.bad.push(field.name);
                let meant = meant.contains(&field.name);
                self.at(Step::Key(field.name.into()), |this| this.missing(span, field.name, meant));
            }
        }
    }

    /// Reports a field that must be there, unless it is and is only misspelt. An underlined record would be long: its
    /// name or its first line does.
    fn missing(&mut self, span: Span, name: &str, meant: bool) {
        if meant {
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
        self.at(Step::Key(pair.key.to_string().into()), |this| {
            this.push(found.help("write `url: http://HOST:PORT`"), "unknown field")
        });
    }

    /// Reports a field that there is none of. Yields the one that was probably meant.
    fn unknown(&mut self, pair: &Pair, record: &'static Record, around: Around<'_>) -> Option<&'static str> {
        if self.owner.noun == "service" && &*pair.key == "url" {
            self.no_url(pair);
            return None;
        }
        let known = self.known(record).map(|field| field.name);
        let near = nearest(&pair.key, known.chain(around.elsewhere.iter().copied()));
        let whose = self.described();
        let message = match &*pair.key {
            "" => format!("{whose} has a key without a name"),
            key => format!("{whose} has no field `{key}`"),
        };
        let found = Diagnostic::error("unknown-field", pair.key_span, message);
        let top = self.path.len() == self.owner.depth;
        let alias = words::alias(self.owner.noun, &pair.key).filter(|_| top);
        let expression = self.owner.noun == "route" && &*pair.key == "expression";
        let found = match alias.or(near) {
            Some(near) => {
                let help = self.as_list(pair, near, record);
                Diagnostic { help, ..found.label(format!("did you mean `{near}`?")) }
            }
            None if expression => self.no_expression(found, pair),
            None => self.where_else(found, &pair.key, record, around),
        };
        self.at(Step::Key(pair.key.to_string().into()), |this| this.push(found, "unknown field"));
        let renamed = record.fields.iter().find(|field| field.name == &*pair.key).and_then(|field| field.alias);
        // What an expression asks for is mostly a path; see its help. And what has a `config` is no route.
        let plugin = self.owner.noun == "route" && &*pair.key == "config";
        alias.or(near).or(renamed).or((expression || plugin).then_some("paths"))
    }

    /// Kong refuses the field, too, unless it is started for it.
    fn no_expression(&self, found: Diagnostic, pair: &Pair) -> Diagnostic {
        let (raw, _) = self.raw(pair.value);
        let text = if let Raw::Text(text) = raw { text } else { "" };
        found.label("only with `router_flavor` set to `expressions`").help(expression::help(text, self.compat))
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
        if around.config.is_some_and(|config| config.fields(self.compat).any(|field| field.name == key)) {
            return found.label("this belongs below `config`").help("indent it below `config:`");
        }
        if let Some(field) = record.fields.iter().find(|field| field.name == key) {
            return match (field.since, field.alias) {
                _ if field.flavored => found.label("only with `router_flavor` set to `expressions`"),
                (Since::Kong3, _) => found.label("only `_format_version: \"3.0\"` has it"),
                (_, Some(name)) => found.label(format!("`_format_version: \"3.0\"` calls it `{name}`")),
                _ => found.label("`_format_version: \"3.0\"` has it no more"),
            };
        }
        match (around.whose)(key) {
            Some(whose) if key == "config" => return found.label(whose).help("a plugin goes below `plugins:`"),
            Some(whose) => return found.label(whose),
            None => {}
        }
        let known: Vec<_> = self.known(record).map(|field| format!("`{}`", field.name)).collect();
        let few = (1..=MANY).contains(&known.len()) && self.path.len() > self.owner.depth;
        if few { found.help(format!("its fields are {}", known.join(", "))) } else { found }
    }

    fn several(&mut self, record: &'static Record, fields: &Fields, meant: &[&str]) {
        for check in record.checks {
            if names(check).iter().any(|name| fields.bad.contains(&first_step(name))) {
                continue;
            }
            for (place, message) in super::rules::entity_errors(check, &fields.checked, self.world.now) {
                let told =
                    is_said(check, record.checks) || names_one(&message, meant) || names_one(&message, &fields.bad);
                if told || is_consequence(&message) {
                    self.also_kongs(place, message, names(check));
                } else {
                    self.several_failed(place, message, names(check), &fields.checked);
                }
            }
        }
    }

    /// Leaves something wrong to Kong's words alone, since what is reported says it better or is its cause.
    fn also_kongs(&mut self, place: &'static str, message: String, names: &[&str]) {
        let above = usize::from(is_of_plugin(names, &message));
        let own = self.path.iter().take(self.path.len().saturating_sub(above)).cloned();
        let path = own.chain(steps(place)).collect();
        self.report.asides.push(KongError { path, message });
    }

    fn several_failed(&mut self, place: &'static str, message: String, names: &[&str], checked: &Checked) {
        let above = is_of_plugin(names, &message).then(|| self.path.pop()).flatten();
        let span = match place {
            "@entity" if message.starts_with("certificate ") => checked.get("cert").map(|field| field.span),
            "@entity" if message.starts_with("Router Expression ") => named_in(&message, checked),
            "@entity" if message.ends_with(" storage can't be used with dbless mode") => named_in(&message, checked),
            "tos_accepted" => checked.get("api_uri").map(|field| field.span),
            "@entity" => None,
            "" => named_in(&message, checked),
            place => checked.get(place).map(|field| field.span),
        };
        let length = self.path.len();
        let whose = if place == "@entity" { self.described() } else { String::new() };
        self.path.extend(steps(place));
        let whose = if whose.is_empty() { self.described() } else { whose };
        let span = span.unwrap_or_else(|| self.owner_place(checked.span));
        let Said { predicate, label, help } = words::together(&message);
        let help = help.or_else(|| words::remedy(self.owner.noun, self.field_name()).map(str::to_owned));
        let found = Diagnostic::error("conflict", span, format!("{whose}{predicate}"));
        self.push(Diagnostic { label, help, ..found }, message);
        self.path.truncate(length);
        self.path.extend(above);
    }

    fn owner_place(&self, record: Span) -> Span {
        let name = self.owner.name.as_ref().map(|(_, place)| *place);
        name.filter(|place| record.start() <= place.start() && place.end() <= record.end()).unwrap_or(record)
    }
}

/// What Kong says of a whole object besides what is said of the field.
fn is_consequence(kong: &str) -> bool {
    let of_a_field =
        ["failed conditional validation", "'snis' can only be set when", "terms of service must be accepted"];
    of_a_field.iter().any(|start| kong.starts_with(start))
}

/// Puts a value where it is looked for. An older name goes before the one that it stands for, unless it holds nothing.
fn put(pairs: &mut Vec<(Key, Checked)>, field: &Field, value: Checked) {
    let there = pairs.iter().position(|(name, _)| &**name == field.target());
    match (there, field.alias) {
        (_, Some(_)) if value.is_null() => {}
        (Some(at), Some(_)) => pairs[at].1 = value,
        (Some(_), None) => {}
        (None, _) => pairs.push((field.target().into(), value)),
    }
}

/// The place of the first field that Kong's words name, and that is written.
fn named_in(message: &str, checked: &Checked) -> Option<Span> {
    let words = message.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let written = |field: &&Checked| field.span != checked.span;
    words.filter_map(|word| checked.get(word)).find(written).map(|field| field.span)
}

/// Whether another check says it better: exactly one of some fields is at least one.
fn is_said(check: &EntityCheck, all: &[EntityCheck]) -> bool {
    let EntityCheck::AtLeastOneOf(names) = check else { return false };
    all.iter().any(|other| matches!(other, EntityCheck::ExactlyOneOf(others) if others == names))
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

/// Whether Kong's words name one of these fields: they quote all that a check is about.
fn names_one(kong: &str, fields: &[&str]) -> bool {
    kong.split('\'').any(|word| fields.contains(&first_step(word)))
}

/// Whether a check is of a plugin as a whole, though it is tried on its `config`.
fn is_of_plugin(names: &[&str], kong: &str) -> bool {
    let of_a_plugin = ["terms of service must be accepted", "\"kong\" storage can't be used"];
    names.iter().any(|name| name.starts_with("config."))
        || kong.contains("'config.")
        || of_a_plugin.iter().any(|start| kong.starts_with(start))
}

/// A place as the tables name it: `config.redis.host`.
fn steps(place: &str) -> impl Iterator<Item = Step> {
    place.split('.').filter(|key| !key.is_empty()).map(|key| Step::Key(key.to_owned().into()))
}

fn first_step(path: &str) -> &str {
    let below = path.strip_prefix("config.").unwrap_or(path);
    below.split('.').next().unwrap_or(below)
}
