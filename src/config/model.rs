//! A configuration as meant: flat tables, every reference an id that exists, every default filled in, places kept.

use super::document::Read;
use super::plugins::Built;
use super::report::{Span, Step};
use super::value::Checked;
use crate::courtesy::free;
use crate::entity::{Compat, Identity};
use foldhash::{HashMap, HashMapExt};
use std::fmt;
use std::sync::Arc;
use uuid::Uuid;

/// Every entity of a document.
#[derive(Debug)]
pub(super) struct Model {
    /// Whose behaviour.
    pub compat: Compat,
    /// What turned up beside them.
    pub read: Read,
    /// By the key of their list.
    pub tables: HashMap<&'static str, Table>,
}

/// The entities of one kind.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// In the order of the document.
    pub entities: Vec<Entity>,
    /// Position by id.
    pub by_id: HashMap<Uuid, usize>,
    keys: HashMap<Arc<str>, usize>,
}

/// One entity.
pub(super) struct Entity {
    /// Its id.
    pub id: Uuid,
    /// The field that others refer to it by.
    pub key: Option<Arc<str>>,
    /// Its fields.
    pub fields: Checked,
    /// What a plugin entity builds.
    pub plugin: Option<Built>,
    /// What its references mean: an entity that exists.
    pub links: Vec<(&'static str, Uuid)>,
    /// Kong's path to it.
    pub path: Vec<Step>,
    /// Where its key is written, or else all of it.
    pub place: Span,
}

// === impl Model ===

impl Model {
    /// The entities of a kind.
    pub(super) fn all(&self, kind: &str) -> &[Entity] {
        self.tables.get(kind).map_or(&[], |table| &table.entities)
    }

    /// Where the entity that a reference means stands in its table.
    pub(super) fn position(&self, kind: &str, entity: &Entity, field: &str) -> Option<usize> {
        self.tables.get(kind)?.by_id.get(&entity.link(field)?).copied()
    }
}

// === impl Entity ===

impl Entity {
    /// The id that a reference means.
    pub(super) fn link(&self, field: &str) -> Option<Uuid> {
        self.links.iter().find(|(name, _)| *name == field).map(|(_, id)| *id)
    }

    /// How it is known outside.
    pub(super) fn identity(&self) -> Identity {
        Identity { id: self.id, name: self.key.clone() }
    }
}

impl fmt::Debug for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entity").field("id", &self.id).field("key", &self.key).finish_non_exhaustive()
    }
}

// === impl Table ===

impl Drop for Table {
    fn drop(&mut self) {
        free(std::mem::take(&mut self.entities));
    }
}

impl Table {
    /// An empty one with room for so many entities.
    pub(super) fn with_capacity(entities: usize) -> Self {
        let (by_id, keys) = (HashMap::with_capacity(entities), HashMap::with_capacity(entities));
        Self { entities: Vec::with_capacity(entities), by_id, keys }
    }

    /// Position by key; the last one of that key counts.
    pub(super) fn by_key(&self, key: &str) -> Option<usize> {
        self.keys.get(key).copied()
    }

    /// The entity of an id.
    pub(super) fn by_id(&self, id: Uuid) -> Option<&Entity> {
        self.entities.get(*self.by_id.get(&id)?)
    }

    /// Adds an entity; one of the same id gives way.
    pub(super) fn put(&mut self, entity: Entity) {
        let at = self.by_id.get(&entity.id).copied();
        if let Some(key) = &entity.key {
            self.keys.insert(Arc::clone(key), at.unwrap_or(self.entities.len()));
        }
        match at {
            Some(at) => self.entities[at] = entity,
            None => {
                self.by_id.insert(entity.id, self.entities.len());
                self.entities.push(entity);
            }
        }
    }
}
