//! `ip-restriction`: which addresses may pass (`kong/plugins.md` §12, recorded suites of that name).
//!
//! The client's address is the one after real-ip processing. There is no listener on a unix socket, so there always is one.

mod networks;
mod schema;
#[cfg(test)]
mod tests;

use super::{Build, Ctx, Define, Flow, Plugin};
use crate::body::Body;
use crate::config::schema::Record;
use crate::config::value::Checked;
use crate::entity::Compat;
use crate::reply;
use http::{Request, StatusCode};
use networks::Networks;
use std::net::IpAddr;

/// The plugin.
#[derive(Debug)]
pub struct IpRestriction {
    deny: Networks,
    /// Empty: everybody.
    allow: Networks,
    status: StatusCode,
    message: Option<Box<str>>,
}

// === impl IpRestriction ===

impl Plugin for IpRestriction {
    fn access(&self, req: &mut Request<Body>, cx: &mut Ctx) -> Flow {
        if self.admits(cx.client) {
            return Flow::Continue;
        }
        let asker = cx.asker(req);
        let answer = |message: &str| reply::error(self.status, Some(message), &asker);
        Flow::Respond(match (&self.message, cx.compat) {
            (Some(message), _) => answer(message),
            (None, Compat::Kong2) => answer("Your IP address is not allowed"),
            (None, Compat::Kong3) => answer(&format!("IP address not allowed: {}", cx.client)),
        })
    }

    fn reason(&self, cx: &Ctx) -> Option<String> {
        let client = cx.client;
        match self.deny.find(client) {
            Some(network) => Some(format!("{client} is in {network}, which is denied")),
            None if self.admits(client) => None,
            None => Some(format!("{client} is not in allow")),
        }
    }
}

impl IpRestriction {
    fn admits(&self, client: IpAddr) -> bool {
        self.deny.find(client).is_none() && (self.allow.is_empty() || self.allow.find(client).is_some())
    }
}

impl Define for IpRestriction {
    const NAME: &'static str = "ip-restriction";

    fn priority(_: Compat) -> i32 {
        990
    }

    fn schema() -> &'static Record {
        &schema::CONFIG
    }

    fn build(config: &Checked, _: &mut Build<'_>) -> Option<Self> {
        Some(Self {
            deny: Networks::read(config.strs("deny")),
            allow: Networks::read(config.strs("allow")),
            status: status(config).unwrap_or(StatusCode::FORBIDDEN),
            message: config.str("message").map(Into::into),
        })
    }
}

/// As nginx takes a status: what stands behind the point does not count.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn status(config: &Checked) -> Option<StatusCode> {
    StatusCode::from_u16(config.get("status")?.as_num()? as u16).ok()
}
