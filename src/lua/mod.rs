//! Lua in a Kong file: chunks of `pre-function` and `post-function`, and templates (`kong/templates-and-functions.md`).
//!
//! One VM per worker thread ([`vm`]), made when the first chunk runs. A request, its context and its answer are moved into
//! a [`Current`] for the time of a call, where the functions of [`api`] find them; nothing of a request outlives it in the
//! VM. What a chunk may see is [`sandbox`]'s to say, how long it may take and how much it may use is [`limits`]'.

pub mod api;
pub mod catalog;
pub mod chunk;
pub mod current;
pub mod limits;
mod pattern;
pub mod phase;
mod sandbox;
pub mod session;
pub mod template;
mod vm;

pub use chunk::{Chunk, Syntax};
pub use current::{Current, Ending, Facts, Payload};
pub use phase::{Phase, Phases};
pub use session::Session;
pub use template::Template;
pub use vm::{Fault, forget, memory, run, value};
