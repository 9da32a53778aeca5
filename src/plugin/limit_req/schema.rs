//! What `config` of `limit-req` may hold.

use super::bucket::Rate;
use crate::config::schema::{Default, Field, Record, Rule};

/// The plugin's `config`.
pub(super) static CONFIG: Record = Record {
    fields: &[
        Field::string("rate").required().rules(&[Rule::Text(rate)]),
        Field::integer("burst").default(Default::Int(0)).required().rules(&[Rule::Between(0.0, 1_000_000.0)]),
        Field::string("zone"),
        Field::integer("status").default(Default::Int(429)).required().rules(&[Rule::Between(400.0, 599.0)]),
        Field::string("limit_by").default(Default::Str("ip")).required().rules(&[Rule::OneOf(&["ip"])]),
    ],
    checks: &[],
};

fn rate(text: &str) -> Result<(), String> {
    Rate::parse(text).map(drop)
}
