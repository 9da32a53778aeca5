//! How the targets of upstreams fare (`kong/proxying.md` §7): what is counted, by which limits, and the state that
//! follows. Pure: who asks targets is `upstream/checker/`, and requests tell what they met by `upstream/balance.rs`.
//!
//! The state of an address is one atomic number. A request reads it; nothing on its way is locked.

pub mod board;
pub mod checks;
pub mod standing;

pub use board::{Board, Boards, Member};
pub use checks::Checks;
