//! The entities of a configuration as documents, for the Admin API: made when a configuration is compiled, and only where
//! somebody may ask.

use serde_json::Value;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use uuid::Uuid;

/// One entity.
pub struct Item {
    /// Its id.
    pub id: Uuid,
    /// What else it is found by: a name that is no secret.
    pub name: Option<Arc<str>>,
    /// All of its fields, secrets masked.
    pub masked: Value,
    /// The same with secrets; only where a setting asks for them.
    pub real: Option<Value>,
}

/// All entities.
#[derive(Default)]
pub struct Listing {
    /// By the key of their list in a Kong file, in the order of the document.
    pub kinds: HashMap<&'static str, Vec<Item>>,
    /// Tells one document from another: the MD5 of its text, as in Kong.
    pub hash: [u8; 16],
}

// === impl Listing ===

impl Listing {
    /// Those of a kind.
    #[must_use]
    pub fn all(&self, kind: &str) -> &[Item] {
        self.kinds.get(kind).map_or(&[], Vec::as_slice)
    }

    /// Its hash in hexadecimal digits; zeros if there is no entity, as in Kong.
    #[must_use]
    pub fn hash(&self) -> String {
        let hash = if self.kinds.values().all(Vec::is_empty) { [0; 16] } else { self.hash };
        hash.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The one of this id or name.
    #[must_use]
    pub fn find(&self, kind: &str, text: &str) -> Option<&Item> {
        let id = Uuid::try_parse(text).ok();
        self.all(kind).iter().find(|item| Some(item.id) == id || item.name.as_deref() == Some(text))
    }
}

impl fmt::Debug for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.kinds.iter().map(|(kind, items)| (kind, items.len()))).finish()
    }
}

// === impl Item ===

impl Item {
    /// The document, with secrets if they are wanted and kept.
    #[must_use]
    pub fn document(&self, secrets: bool) -> &Value {
        self.real.as_ref().filter(|_| secrets).unwrap_or(&self.masked)
    }

    /// Whether a reference of it leads to an entity.
    #[must_use]
    pub fn refers(&self, field: &str, to: Uuid) -> bool {
        self.link(field) == Some(to)
    }

    /// Where a reference leads.
    #[must_use]
    pub fn link(&self, field: &str) -> Option<Uuid> {
        Uuid::try_parse(self.masked.get(field)?.get("id")?.as_str()?).ok()
    }

    /// Its tags.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        self.masked.get("tags").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    }
}
