//! The ids of entities that write none: UUIDs made of names, the same in every gateway that reads the file
//! (`kong/declarative.md` §5).

use super::document::Draft;
use super::report::Step;
use super::value::Value;
use crate::entity::Compat;
use sha1::{Digest, Sha1};
use uuid::{Builder, Uuid};

const BASE: Uuid = uuid::uuid!("fd02801f-0957-4a15-a55a-c8d9606f30b5");

/// The id of an entity; `parent` is the id of the one it is written in, if that has one by its name.
///
/// The flag says whether the id is lasting: written or made of names. Kong takes a random one for the others, new at
/// every load; here it is made of the place in the document, so that all workers agree, and looks like a random one.
pub(super) fn id(draft: &Draft, parent: Option<(Uuid, bool)>, compat: Compat) -> (Uuid, bool) {
    if let Some(written) = draft.fields.str("id").and_then(|id| id.parse().ok()) {
        return (written, true);
    }
    let parent = parent.filter(|(_, lasting)| *lasting).map(|(id, _)| id);
    match name(draft, parent, compat) {
        Some(name) => (version_5(draft.kind.namespace(compat), &name), true),
        None => (from_place(&draft.path), false),
    }
}

/// What the names of a kind of entity are in: a version 5 UUID itself.
pub(super) fn namespace(kind: &str) -> Uuid {
    version_5(BASE, kind)
}

/// As RFC 9562 §5.5 says; the crate `sha1` does it with the processor's own instructions, which that of `uuid` does not.
fn version_5(namespace: Uuid, name: &str) -> Uuid {
    let digest: [u8; 20] = Sha1::new().chain_update(namespace).chain_update(name).finalize().into();
    Builder::from_sha1_bytes(first_half(digest)).into_uuid()
}

fn first_half(digest: [u8; 20]) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    bytes
}

fn from_place(path: &[Step]) -> Uuid {
    let mut hash = Sha1::new();
    for step in path {
        match step {
            Step::Key(key) => hash.update(key.as_bytes()),
            Step::Entry(n) => hash.update(n.to_be_bytes()),
        }
        hash.update([0]);
    }
    Builder::from_random_bytes(first_half(hash.finalize().into())).into_uuid()
}

fn name(draft: &Draft, parent: Option<Uuid>, compat: Compat) -> Option<String> {
    let kind = draft.kind;
    let key = kind.key.and_then(|key| draft.fields.str(key));
    let cached = || (!kind.cache_key.is_empty()).then(|| cache_key(draft, parent, compat)).flatten();
    match compat {
        Compat::Kong3 if !kind.cache_key.is_empty() => cached(),
        _ => key.map(|key| own_key(draft, key, parent)).unwrap_or_else(cached),
    }
}

/// The key, with its parent's id if it is unique only there.
fn own_key(draft: &Draft, key: &str, parent: Option<Uuid>) -> Option<String> {
    if draft.kind.unique {
        return Some(key.to_owned());
    }
    let written = || draft.kind.foreigns().find_map(|(field, _)| draft.fields.str(field)).map(str::to_owned);
    let parent = parent.map(|id| id.to_string()).or_else(written)?;
    Some(format!("{key}:{parent}"))
}

/// Kind and fields, joined by colons. A reference counts as it is written; a parent by its id; an explicit null is
/// passed over, as Kong does.
fn cache_key(draft: &Draft, parent: Option<Uuid>, compat: Compat) -> Option<String> {
    let mut name = draft.kind.name.to_owned();
    if compat == Compat::Kong3 {
        name += ":*";
    }
    for field in draft.kind.cache_key {
        let is_parent = draft.parent.is_some_and(|(_, stands_for)| stands_for == *field);
        match written(draft, field) {
            Some(Value::Str(text)) => name.extend([":", text]),
            Some(_) => {}
            None if is_parent => name.extend([":", parent?.hyphenated().encode_lower(&mut Uuid::encode_buffer())]),
            None if draft.kind.name == "plugins" => name.push(':'),
            None => return None,
        }
    }
    Some(name)
}

/// A field that stands in the document, null or not: what was filled in has the place of the whole record.
fn written<'a>(draft: &'a Draft, field: &str) -> Option<&'a Value> {
    let Value::Map(pairs) = &draft.fields.value else { return None };
    let found = pairs.iter().find(|(name, _)| &**name == field).map(|(_, value)| value)?;
    (found.value != Value::Null || found.span != draft.fields.span).then_some(&found.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_give_kongs_ids() {
        for (kind, name, id) in [
            ("services", "my-service", "0855b320-0dd2-547d-891d-601e9b38647f"),
            ("routes", "my-route", "481a9539-f49c-51b6-b2e2-fe99ee68866c"),
            ("consumers", "my-user", "4b1b701d-de2b-5588-9aa2-3b97061d9f52"),
            ("keyauth_credentials", "my-key", "487ab43c-b2c9-51ec-8da5-367586ea2b61"),
            (
                "plugins",
                "plugins:file-log::0855b320-0dd2-547d-891d-601e9b38647f:",
                "661199ff-aa1c-5498-982c-d57a4bd6e48b",
            ),
            (
                "plugins",
                "plugins:key-auth::0855b320-0dd2-547d-891d-601e9b38647f:",
                "0611a5a9-de73-5a2d-a4e6-6a38ad4c3cb2",
            ),
            ("acls", "acls:zz:g", "2c674d30-aa1f-518e-a8c4-bc393d19fe18"),
        ] {
            assert_eq!(version_5(namespace(kind), name).to_string(), id, "{name}");
        }
    }

    #[test]
    fn a_place_gives_what_looks_random() {
        let id = from_place(&[Step::Key("services".into()), Step::Entry(0)]);
        assert_eq!(id.get_version_num(), 4);
        assert_ne!(id, from_place(&[Step::Key("services".into()), Step::Entry(1)]));
    }
}
