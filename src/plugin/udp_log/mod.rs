//! `udp-log`: a datagram of JSON for each request (`kong/plugins.md` §20).

use super::logger::{CUSTOM, Logger, server, writes_records};
use super::{Build, Define};
use crate::config::schema::{Default, Field, Record, Rule};
use crate::config::value::Checked;
use crate::entity::Compat;
use crate::outbox::{Destination, Pace, Plan};

/// The plugin.
#[derive(Debug)]
pub struct UdpLog(Logger);

static CONFIG: Record = Record {
    fields: &[
        Field::string("host").required(),
        Field::integer("port").required().rules(&[Rule::Between(0.0, 65535.0)]),
        Field::number("timeout").default(Default::Int(10_000)),
        CUSTOM,
    ],
    checks: &[],
};

// === impl UdpLog ===

writes_records!(UdpLog);

impl Define for UdpLog {
    const NAME: &'static str = "udp-log";

    fn priority(_: Compat) -> i32 {
        8
    }

    fn schema() -> &'static Record {
        &CONFIG
    }

    fn build(config: &Checked, cx: &mut Build<'_>) -> Option<Self> {
        let plan = Plan { to: Destination::Udp(server(config)), pace: Pace::default() };
        Some(Self(Logger::build(Self::NAME, plan, config, cx)))
    }
}
