//! `ngx.*`, what nginx's Lua module offers (`kong/templates-and-functions.md` §4).

mod own;

use super::{Answer, Api, Args, Constant, Stop, end, function, none, one, raise};

/// Its tables.
pub(super) const TABLES: &[Api] = &[own::API];
