//! `kong.*`, Kong's plugin development kit (`kong/templates-and-functions.md` §3).

mod client;
mod ctx;
mod exit;
mod general;
mod log;
mod log_record;
pub(super) mod request;
pub(super) mod request_body;
mod request_forwarded;
mod response;
mod response_body;
mod router;
mod service_body;
mod service_request;
mod service_response;
mod service_target;

use super::{Answer, Api, Args, Stop, end, failed, function, many, none, one, plain, raise};

/// Its tables; one that has looked-up keys comes before those within it.
pub(super) const TABLES: &[Api] = &[
    general::KONG,
    client::API,
    ctx::API,
    general::IP,
    general::NGINX,
    general::NODE,
    general::TABLE,
    general::VAULT,
    log::API,
    log::INSPECT,
    request::API,
    request_body::API,
    request_forwarded::API,
    response::API,
    response_body::API,
    exit::API,
    router::API,
    service_target::SERVICE,
    service_request::API,
    service_target::REQUEST,
    service_body::API,
    service_response::API,
];
