//! What `config` of `response-ratelimiting` may hold (`kong/plugins.md` §11).

use crate::config::schema::{Default, EntityCheck, Field, Record, Rule, header_name};
use crate::config::value::{Checked, Value};
use crate::plugin::rate::schema as rate;

const BY: &[&str] = &["consumer", "credential", "ip"];

/// The plugin's `config`.
pub(super) static CONFIG: Record = Record {
    fields: &[
        Field::string("header_name").default(Default::Str("x-kong-limit")).rules(&[Rule::Text(header_name)]),
        Field::string("limit_by").default(Default::Str("consumer")).rules(&[Rule::OneOf(BY)]),
        rate::POLICY,
        rate::FAULT_TOLERANT,
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
        Field::boolean("block_on_first_violation").default(Default::Bool(false)).required(),
        rate::HIDE,
        Field::map("limits", &NAME, &LIMIT).required().rules(&[Rule::Value(one)]),
    ],
    checks: &[EntityCheck::Custom(rate::redis_host)],
};

/// It becomes a part of headers' names. Kong takes any text.
static NAME: Field = Field::string("").rules(&[Rule::Text(header_name)]);

/// What is charged for under one name.
static LIMIT: Field = Field::record("", &PERIODS).required();

static PERIODS: Record = Record {
    fields: &[
        rate::limit("second"),
        rate::limit("minute"),
        rate::limit("hour"),
        rate::limit("day"),
        rate::limit("month"),
        rate::limit("year"),
    ],
    checks: &[
        EntityCheck::AtLeastOneOf(&["second", "minute", "hour", "day", "month", "year"]),
        EntityCheck::Custom(order),
    ],
};

fn order(limits: &Checked) -> Vec<(&'static str, String)> {
    rate::order(limits, "the").map(|message| ("", message)).into_iter().collect()
}

fn one(limits: &Checked) -> Result<(), String> {
    match &limits.value {
        Value::Map(pairs) if pairs.is_empty() => Err("length must be at least 1".to_owned()),
        _ => Ok(()),
    }
}
