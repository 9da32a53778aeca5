//! `ngx.*`, what nginx's Lua module offers (`kong/templates-and-functions.md` §4).

mod arg;
mod codec;
mod constants;
mod ctx;
mod header;
mod own;
mod re;
mod req;
mod req_body;
mod time;
mod var;

use super::{Answer, Api, Args, Constant, Stop, calling, end, failed, function, many, none, one, plain, raise};

/// Its tables.
pub(super) const TABLES: &[Api] = &[
    own::API,
    constants::API,
    codec::API,
    time::API,
    arg::API,
    ctx::API,
    header::API,
    re::API,
    req::API,
    req_body::API,
    var::API,
    own::WORKER,
];
