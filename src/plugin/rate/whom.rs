//! Whom a request is counted for (`limit_by`).

use super::Counting;
use crate::body::Body;
use crate::config::value::Checked;
use crate::consumers::Consumers;
use crate::entity::ConsumerId;
use crate::plugin::{Authenticated, Ctx};
use aws_lc_rs::digest::{SHA256, digest};
use http::{HeaderName, Request};
use std::net::IpAddr;
use uuid::Uuid;

/// Whose count it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::plugin) enum Whom {
    Consumer(Uuid),
    Credential(Uuid),
    Service(Uuid),
    /// Whole, as in Kong, also an IPv6 address.
    Address(IpAddr),
    /// The beginning of its value's SHA-256: values are of any length, and may be secrets.
    Header([u8; 16]),
    Path,
}

/// What tells clients apart. Where a request has none of it, its address does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::plugin) enum By {
    /// The consumer, else the credential.
    Consumer,
    Credential,
    Service,
    Address,
    /// The header's first line. Lua also finds `x-user` by `x_user`.
    Header([HeaderName; 2]),
    /// All requests for this path together.
    Path(Box<str>),
}

// === impl By ===

impl By {
    /// Reads `limit_by`. `None`: the name of a header is none.
    pub(in crate::plugin) fn read(config: &Checked) -> Option<Self> {
        Some(match config.str("limit_by").unwrap_or_default() {
            "credential" => Self::Credential,
            "service" => Self::Service,
            "ip" => Self::Address,
            "header" => Self::header(config.str("header_name")?)?,
            "path" => Self::Path(config.str("path")?.into()),
            _ => Self::Consumer,
        })
    }

    fn header(name: &str) -> Option<Self> {
        Some(Self::Header([HeaderName::try_from(name).ok()?, HeaderName::try_from(name.replace('_', "-")).ok()?]))
    }

    /// Whose request it is.
    pub(in crate::plugin) fn whom(&self, req: &Request<Body>, cx: &Ctx, counting: &Counting) -> Whom {
        let known = match self {
            Self::Consumer => consumer(cx, counting.consumers()).or_else(|| credential(cx, counting.consumers())),
            Self::Credential => credential(cx, counting.consumers()),
            Self::Service => service(cx, counting.bound().services()),
            Self::Address => None,
            Self::Header(names) => header(names, req),
            Self::Path(path) => (req.uri().path() == &**path).then_some(Whom::Path),
        };
        known.unwrap_or(Whom::Address(cx.client))
    }

    /// For [`Plugin::remark`](crate::plugin::Plugin::remark).
    pub(in crate::plugin) fn described(&self) -> String {
        match self {
            Self::Consumer => "each consumer".to_owned(),
            Self::Credential => "each credential".to_owned(),
            Self::Service => "all clients of a service together".to_owned(),
            Self::Address => "each client address".to_owned(),
            Self::Header([name, _]) => format!("each value of `{name}`"),
            Self::Path(path) => format!("all clients of `{path}` together"),
        }
    }
}

fn consumer(cx: &Ctx, consumers: &Consumers) -> Option<Whom> {
    let id: ConsumerId = cx.consumer?;
    Some(Whom::Consumer(consumers.get(id)?.identity.id))
}

fn credential(cx: &Ctx, consumers: &Consumers) -> Option<Whom> {
    let Some(Authenticated::By(id)) = cx.authenticated else { return None };
    Some(Whom::Credential(consumers.credential(id)?.id))
}

fn service(cx: &Ctx, ids: &[Uuid]) -> Option<Whom> {
    ids.get(cx.service?.index()).copied().map(Whom::Service)
}

fn header(names: &[HeaderName; 2], req: &Request<Body>) -> Option<Whom> {
    let value = names.iter().find_map(|name| req.headers().get(name))?;
    let mut start = [0; 16];
    start.copy_from_slice(&digest(&SHA256, value.as_bytes()).as_ref()[..16]);
    Some(Whom::Header(start))
}
