//! A native API gateway. `docs/architecture.md` is the map.

pub mod args;
pub mod body;
pub mod buffer;
pub mod cli;
pub mod config;
pub mod crypto;
pub mod demo;
pub mod entity;
pub mod import;
pub mod keys;
pub mod live;
pub mod number;
pub mod observe;
pub mod offload;
pub mod pcre;
pub mod plugin;
pub mod proxy;
pub mod reply;
pub mod route;
pub mod server;
pub mod settings;
pub mod snapshot;
pub mod sni;
pub mod upstream;
pub mod world;
