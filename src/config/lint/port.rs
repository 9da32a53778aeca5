//! Services whose protocol and port contradict each other.

use super::Rule;
use super::subject::{Subject, named};
use crate::config::report::Report;

pub(super) static RULE: Rule = Rule {
    code: "port-of-other-protocol",
    summary: "a service speaks http to port 443, or https to port 80",
    explain: "Port 443 answers plain HTTP with an error, and port 80 cannot answer TLS at all, so that every request \
        ends with 400 or 502. Note that the default of `port` is 80 also where `protocol: https` is written; only \
        `url: https://…` implies 443.\n\nWrite the service as `url: https://HOST`, or correct the port.",
    bad: r"services:
  - name: users
    protocol: https   # and `port` is 80 by default
    host: users.example.com",
    good: r"services:
  - name: users
    url: https://users.example.com",
    run,
};

fn run(subject: &Subject<'_>, report: &mut Report) {
    let targets = subject.model.tables.get("upstreams");
    let is_upstream = |host: &str| targets.is_some_and(|table| table.by_key(host).is_some());
    for service in subject.model.all("services") {
        let fields = &service.fields;
        let (protocol, port) = (fields.str("protocol").unwrap_or_default(), fields.get("port"));
        let number = fields.int("port").unwrap_or_default();
        let wanted = match (protocol, number) {
            ("http", 443) => "https",
            ("https", 80) => "http",
            _ => continue,
        };
        let (host, path) = (fields.str("host").unwrap_or_default(), fields.str("path").unwrap_or_default());
        // Its targets have ports of their own.
        if is_upstream(host) {
            continue;
        }
        // A default has the place of the whole service.
        let written = port.filter(|port| port.span != fields.span);
        let message = format!("{} speaks {protocol} to port {number}", named("service", service));
        let warning = RULE.warn(written.map_or(service.place, |port| port.span), message);
        let warning = if written.is_none() { warning.label("has no `port`, so that it is 80") } else { warning };
        let better = if protocol == "https" {
            format!("write `url: https://{host}{path}`, which means port 443")
        } else {
            format!("write `url: {wanted}://{host}{path}`")
        };
        report.push(warning.help(better));
    }
}
