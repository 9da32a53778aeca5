//! `kong.*`, Kong's plugin development kit (`kong/templates-and-functions.md` §3).

mod ctx;
mod request;
mod response;
mod service_request;

use super::{Answer, Api, Args, Stop, end, function, none, one, raise};

/// Its tables.
pub(super) const TABLES: &[Api] = &[request::API, service_request::API, response::API, ctx::API];
