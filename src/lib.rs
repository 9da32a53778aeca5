//! A native API gateway. `docs/architecture.md` is the map.

pub mod body;
pub mod config;
pub mod entity;
pub mod plugin;
pub mod reply;
pub mod route;
pub mod settings;
pub mod snapshot;
