#![allow(clippy::unwrap_used)]

use super::Syslog;
use crate::entity::Compat;
use crate::outbox::Outboxes;
use crate::plugin::Plugin;
use crate::plugin::record::testing;
use crate::plugin::testing::build_sharing;
use http::{Extensions, StatusCode};
use serde_json::{Value, json};

/// How the line begins that an answer with this status leaves behind.
fn start(status: u16, config: &Value) -> Option<String> {
    let mut all = json!({ "log_level": "info", "successful_severity": "info", "client_errors_severity": "info",
        "server_errors_severity": "info", "facility": "user" });
    all.as_object_mut().unwrap().extend(config.as_object().unwrap().clone());
    let mut shared = Extensions::new();
    let plugin = build_sharing::<Syslog>(&all, Compat::Kong2, &mut shared).0.unwrap();
    let (mut cx, head) = testing::exchange(Compat::Kong2);
    cx.head = Some(Box::new(head));
    cx.facts.as_mut().unwrap().end.as_mut().unwrap().status = StatusCode::from_u16(status).unwrap();
    plugin.log(&mut cx);
    let line = shared.get::<Outboxes>().unwrap().all()[0].take().unwrap().ready()?;
    let text = String::from_utf8(line.into()).unwrap();
    let (start, record) = text.split_once("kong: ").unwrap();
    assert_eq!(serde_json::from_str::<Value>(record).unwrap()["response"]["status"], status);
    Some(start.to_owned())
}

#[test]
fn the_priority_says_facility_and_severity() {
    let config = json!({ "client_errors_severity": "warning", "server_errors_severity": "crit" });
    let starts = [200, 302, 404, 500, 599].map(|status| start(status, &config).unwrap());
    assert_eq!(starts, ["<14>", "<14>", "<12>", "<10>", "<10>"]);
    for (facility, expected) in [("kern", "<6>"), ("ftp", "<94>"), ("local0", "<134>"), ("local7", "<190>")] {
        assert_eq!(start(200, &json!({ "facility": facility })).unwrap(), expected);
    }
}

#[test]
fn what_is_less_severe_than_the_level_is_not_written() {
    let config = json!({ "log_level": "warning", "server_errors_severity": "err" });
    assert_eq!(start(200, &config), None);
    assert_eq!(start(404, &config), None);
    assert_eq!(start(503, &config).unwrap(), "<11>");
}
