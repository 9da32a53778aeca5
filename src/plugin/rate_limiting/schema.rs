//! What `config` of `rate-limiting` may hold (`kong/plugins.md` §10).

use crate::config::schema::{Default, EntityCheck, Field, Record, Rule, Since, header_name};
use crate::config::value::Checked;
use crate::plugin::rate::schema as rate;

const BY: &[&str] = &["consumer", "credential", "ip", "service", "header", "path"];

/// The plugin's `config`.
pub(super) static CONFIG: Record = Record {
    fields: &[
        rate::limit("second"),
        rate::limit("minute"),
        rate::limit("hour"),
        rate::limit("day"),
        rate::limit("month"),
        rate::limit("year"),
        Field::string("limit_by").default(Default::Str("consumer")).rules(&[Rule::OneOf(BY)]),
        Field::string("header_name").rules(&[Rule::Text(header_name)]),
        Field::string("path").rules(&[Rule::StartsWith("/")]),
        rate::POLICY,
        rate::FAULT_TOLERANT,
        rate::HIDE,
        rate::REDIS,
        rate::REDIS_HOST,
        rate::REDIS_PORT,
        rate::REDIS_PASSWORD,
        rate::REDIS_USERNAME,
        rate::REDIS_SSL,
        rate::REDIS_SSL_VERIFY,
        rate::REDIS_SERVER_NAME,
        rate::REDIS_TIMEOUT,
        rate::REDIS_DATABASE,
        Field::number("error_code").default(Default::Int(429)).rules(STATUS).since(Since::Kong3),
        Field::string("error_message").default(Default::Str(super::MESSAGE)).since(Since::Kong3),
        Field::number("sync_rate").default(Default::Int(-1)).required().since(Since::Kong3),
    ],
    checks: &[EntityCheck::AtLeastOneOf(LIMITS), EntityCheck::Custom(order), EntityCheck::Custom(conditions)],
};

const LIMITS: &[&str] =
    &["config.second", "config.minute", "config.hour", "config.day", "config.month", "config.year"];

/// An error's; Kong takes any number, and fails at each request then.
const STATUS: &[Rule] = &[Rule::Greater(0.0), Rule::Between(400.0, 599.0)];

fn order(config: &Checked) -> Vec<(&'static str, String)> {
    rate::order(config, "The").map(|message| ("", message)).into_iter().collect()
}

/// What a choice needs besides.
fn conditions(config: &Checked) -> Vec<(&'static str, String)> {
    let mut wrong = rate::redis_host(config);
    for (choice, field) in [("header", "header_name"), ("path", "path")] {
        if config.str("limit_by") == Some(choice) && config.get(field).is_none() {
            wrong.extend(rate::demanded(field, "limit_by"));
        }
    }
    wrong
}
