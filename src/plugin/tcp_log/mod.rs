//! `tcp-log`: a line of JSON for each request, over a connection (`kong/plugins.md` §20).

use super::logger::{ATTEMPTS, CUSTOM, Logger, milliseconds, server, writes_records};
use super::{Build, Define};
use crate::config::schema::{Default, Field, Record, Rule};
use crate::config::value::Checked;
use crate::entity::Compat;
use crate::outbox::{Destination, Pace, Plan, Retry, Tcp};

/// The plugin.
#[derive(Debug)]
pub struct TcpLog(Logger);

static CONFIG: Record = Record {
    fields: &[
        Field::string("host").required(),
        Field::integer("port").required().rules(&[Rule::Between(0.0, 65535.0)]),
        Field::number("timeout").default(Default::Int(10_000)),
        Field::number("keepalive").default(Default::Int(60_000)),
        Field::boolean("tls").default(Default::Bool(false)).required(),
        Field::string("tls_sni"),
        CUSTOM,
    ],
    checks: &[],
};

/// Lines that are sent together.
const BATCH: usize = 64;

// === impl TcpLog ===

writes_records!(TcpLog);

impl Define for TcpLog {
    const NAME: &'static str = "tcp-log";

    fn priority(_: Compat) -> i32 {
        7
    }

    fn schema() -> &'static Record {
        &CONFIG
    }

    fn build(config: &Checked, cx: &mut Build<'_>) -> Option<Self> {
        let server = server(config);
        let name = config.str("tls_sni").unwrap_or(&server.host).into();
        let tls = config.bool("tls").then_some(name);
        let to = Destination::Tcp(Tcp { server, keepalive: milliseconds(config, "keepalive"), tls });
        let pace = Pace { batch: BATCH, retry: Retry::Squares(ATTEMPTS), ..Pace::default() };
        Some(Self(Logger::build(Self::NAME, Plan { to, pace }, config, cx)))
    }
}
