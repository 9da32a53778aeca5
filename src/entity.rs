//! The nouns that every part shares: numbers for things that live in a [`Snapshot`](crate::snapshot::Snapshot),
//! and the ids that Kong gives to entities.
//!
//! Numbers instead of references: what outlives a request (the log phase, a streamed body) holds the snapshot and a
//! number, and so needs no lifetime.

use std::fmt;
use std::sync::Arc;
use uuid::Uuid;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub u32);

        impl $name {
            /// The position in the snapshot's table.
            #[must_use]
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }

        impl From<usize> for $name {
            /// Saturates: a table never holds four thousand million entries.
            fn from(index: usize) -> Self {
                Self(u32::try_from(index).unwrap_or(u32::MAX))
            }
        }
    };
}

number!(
    /// A route of the running snapshot.
    RouteId
);
number!(
    /// A service of the running snapshot.
    ServiceId
);
number!(
    /// An upstream (a named group of targets) of the running snapshot.
    UpstreamId
);
number!(
    /// A consumer of the running snapshot.
    ConsumerId
);

/// How an entity is known outside: Kong's UUID, and its name if it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Written in the file, derived from the name (version 5), or random (version 4) for what has no name.
    pub id: Uuid,
    /// The entity's name, username or key, as far as it has one.
    pub name: Option<Arc<str>>,
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => f.write_str(name),
            None => self.id.fmt(f),
        }
    }
}

/// Whose behaviour a configuration gets, where Kong's own releases differ. Decided once, when it is compiled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Compat {
    /// `_format_version` 1.1 and 2.1: Kong 2.8.
    #[default]
    Kong2,
    /// `_format_version` 3.0: Kong 3.9.
    Kong3,
}
