//! A model's entities as Kong's Admin API shows them: defaults filled in, references as ids, secrets masked.

use super::entities::{self, EntityType};
use super::mask::Masks;
use super::model::{Entity, Model};
use super::schema::{Field, Kind, Record};
use super::value::{Checked, Value};
use crate::consumers::passwords::stored;
use crate::entity::Compat;
use crate::listing::{Item, Listing};
use md5::{Digest as _, Md5};
use serde_json::{Map, Value as Json, json};
use std::time::SystemTime;

/// What is shown in place of a secret.
const HIDDEN: &str = "******";

/// Fields that are a secret whatever stands in them.
const SECRETS: &[(&str, &[&str])] = &[
    ("keyauth_credentials", &["key"]),
    ("basicauth_credentials", &["password"]),
    ("hmacauth_credentials", &["secret"]),
    ("jwt_secrets", &["secret"]),
    ("oauth2_credentials", &["client_secret"]),
    ("certificates", &["key", "key_alt"]),
];

/// Every entity. What has no time of its own was made now.
pub(super) fn list(model: &Model, text: &str, secrets: bool, now: SystemTime) -> Listing {
    let now = now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let known = entities::ALL.iter().filter(|kind| kind.since.knows(model.compat));
    let masks = Masks::default();
    let items = |kind: &'static EntityType| {
        model.all(kind.name).iter().map(|entity| item(model, kind, entity, secrets, now, &masks)).collect()
    };
    Listing { kinds: known.map(|kind| (kind.name, items(kind))).collect(), hash: digest(text) }
}

/// What [`Listing::hash`] is of a document.
#[must_use]
pub fn digest(text: &str) -> [u8; 16] {
    Md5::digest(text).into()
}

fn item(model: &Model, kind: &'static EntityType, entity: &Entity, secrets: bool, now: u64, masks: &Masks) -> Item {
    let mut real = document(model, kind, entity, now);
    if let Some(Json::String(password)) = real.get_mut("password").filter(|_| secrets && !model.read.hashed) {
        *password = stored(password, entity.link("consumer"));
    }
    let mut masked = real.clone();
    for (field, value) in &mut masked {
        hide(kind.name, field, value, masks);
    }
    Item {
        id: entity.id,
        name: kind.label().and(entity.key.clone()),
        masked: Json::Object(masked),
        real: secrets.then_some(Json::Object(real)),
    }
}

fn hide(kind: &str, field: &str, value: &mut Json, masks: &Masks) {
    let secret = SECRETS.iter().any(|(of, fields)| *of == kind && fields.contains(&field));
    match value {
        Json::Null => {}
        value if secret => *value = HIDDEN.into(),
        value if field == "config" => hide_within("", value, masks),
        _ => {}
    }
}

/// In a plugin's `config` whatever looks like a secret is one.
fn hide_within(name: &str, value: &mut Json, masks: &Masks) {
    match value {
        Json::Object(fields) => fields.iter_mut().for_each(|(name, value)| hide_within(name, value, masks)),
        Json::Array(items) => items.iter_mut().for_each(|item| hide_within(name, item, masks)),
        Json::String(text) => {
            let line = format!("{name}: {text}");
            if masks.mask(&line) != line || masks.mask(text) != *text {
                HIDDEN.clone_into(text);
            }
        }
        _ => {}
    }
}

fn document(model: &Model, kind: &'static EntityType, entity: &Entity, now: u64) -> Map<String, Json> {
    let mut fields = Map::new();
    let known = |field: &&Field| model.read.expressions || !field.flavored;
    for field in kind.record.fields(model.compat).filter(known) {
        let value = entity.fields.get(field.name).map_or(Json::Null, |value| json(value, field.kind, model.compat));
        if !(value.is_null() && (field.extension || field.alias.is_some() || field.name == "ttl")) {
            fields.insert(field.name.to_owned(), value);
        }
    }
    fields.insert("id".to_owned(), entity.id.to_string().into());
    for (field, _) in kind.foreigns() {
        fields.insert(field.to_owned(), entity.link(field).map_or(Json::Null, |id| json!({ "id": id.to_string() })));
    }
    for time in ["created_at", "updated_at"] {
        if let Some(value @ Json::Null) = fields.get_mut(time) {
            *value = now.into();
        }
    }
    if let Some(built) = &entity.plugin {
        let kind = Kind::Record((built.entry.schema)());
        fields.insert("config".to_owned(), json(&built.config, kind, model.compat));
    }
    fields
}

fn json(checked: &Checked, kind: Kind, compat: Compat) -> Json {
    match (&checked.value, kind) {
        (Value::Null, _) => Json::Null,
        (Value::Bool(truth), _) => (*truth).into(),
        (Value::Int(number), _) => (*number).into(),
        (Value::Num(number), _) => (*number).into(),
        (Value::Str(text), _) => (&**text).into(),
        (Value::List(items), Kind::Array(of) | Kind::Set(of)) => {
            items.iter().map(|item| json(item, of.kind, compat)).collect()
        }
        (Value::Map(_), Kind::Record(of)) => record(checked, of, compat),
        (Value::Map(pairs), Kind::Map(_, of)) => {
            Json::Object(pairs.iter().map(|(key, value)| (key.to_string(), json(value, of.kind, compat))).collect())
        }
        // No field of another kind holds several values.
        (Value::List(_) | Value::Map(_), _) => Json::Null,
    }
}

/// All fields that there are: an absent one is null.
fn record(checked: &Checked, of: &'static Record, compat: Compat) -> Json {
    let own = of.fields(compat).filter(|field| field.alias.is_none());
    let value = |field: &Field| checked.get(field.name).map_or(Json::Null, |value| json(value, field.kind, compat));
    Json::Object(own.map(|field| (field.name.to_owned(), value(field))).collect())
}
