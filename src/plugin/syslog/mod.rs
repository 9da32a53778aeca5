//! `syslog`: the record of each request in the system's log (`kong/plugins.md` §20).

#[cfg(test)]
mod tests;

use super::logger::{CUSTOM, Logger};
use super::{Build, Ctx, Define, Plugin};
use crate::config::schema::{Default, Field, Record, Rule};
use crate::config::value::Checked;
use crate::entity::Compat;
use crate::outbox::{Destination, Pace, Plan};

/// The plugin.
#[derive(Debug)]
pub struct Syslog {
    logger: Logger,
    /// The number of its facility (RFC 5424 §6.2.1).
    facility: usize,
    /// The lowest severity that is written.
    level: usize,
    /// Severities by the answer's status: below 400, below 500, and above.
    severities: [usize; 3],
}

/// By their numbers.
const SEVERITIES: &[&str] = &["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];

/// By their numbers, those of the system before those of one's own.
const FACILITIES: &[&str] = &[
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "local0",
    "local1", "local2", "local3", "local4", "local5", "local6", "local7",
];

/// Numbers between `ftp` and `local0` that have no name.
const UNNAMED: usize = 4;

/// Where the system takes lines.
const SOCKET: &str = "/dev/log";

static CONFIG: Record = Record {
    fields: &[
        severity("log_level"),
        severity("successful_severity"),
        severity("client_errors_severity"),
        severity("server_errors_severity"),
        Field::string("facility").default(Default::Str("user")).required().rules(&[Rule::OneOf(FACILITIES)]),
        CUSTOM,
    ],
    checks: &[],
};

const fn severity(name: &'static str) -> Field {
    Field::string(name).default(Default::Str("info")).required().rules(&[Rule::OneOf(SEVERITIES)])
}

fn number(names: &[&str], name: Option<&str>) -> usize {
    names.iter().position(|known| Some(*known) == name).unwrap_or_default()
}

// === impl Syslog ===

impl Syslog {
    fn severity(&self, cx: &Ctx) -> usize {
        let end = cx.facts.as_ref().and_then(|facts| facts.end.as_ref());
        let class = end.map_or(0, |end| usize::from(end.status.as_u16() / 100).clamp(3, 5) - 3);
        self.severities[class]
    }
}

impl Plugin for Syslog {
    fn log(&self, cx: &mut Ctx) {
        let severity = self.severity(cx);
        if severity <= self.level {
            self.logger.log_after(&format!("<{}>kong: ", self.facility * 8 + severity), cx);
        }
    }

    fn keeps_head(&self) -> bool {
        true
    }

    fn records(&self) -> bool {
        true
    }

    fn remark(&self) -> Option<String> {
        Some(self.logger.remark())
    }
}

impl Define for Syslog {
    const NAME: &'static str = "syslog";

    fn priority(_: Compat) -> i32 {
        4
    }

    fn schema() -> &'static Record {
        &CONFIG
    }

    fn build(config: &Checked, cx: &mut Build<'_>) -> Option<Self> {
        let severity = |name| number(SEVERITIES, config.str(name));
        let facility = number(FACILITIES, config.str("facility"));
        let plan = Plan { to: Destination::Syslog(SOCKET.into()), pace: Pace::default() };
        Some(Self {
            logger: Logger::build(Self::NAME, plan, config, cx),
            facility: if facility > number(FACILITIES, Some("ftp")) { facility + UNNAMED } else { facility },
            level: severity("log_level"),
            severities: ["successful_severity", "client_errors_severity", "server_errors_severity"].map(severity),
        })
    }
}
