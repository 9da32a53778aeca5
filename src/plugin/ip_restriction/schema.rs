//! What `config` of `ip-restriction` may hold (`kong/plugins.md` §12).

use super::networks::network;
use crate::config::schema::{EntityCheck, Field, Record, Rule, Since};

const NETWORK: Field = Field::string("").rules(&[Rule::Text(ip_or_cidr)]);

/// The plugin's `config`. Kong loads a `status` that is no error's, and answers with 500 then.
pub(super) static CONFIG: Record = Record {
    fields: &[
        Field::array("allow", &NETWORK),
        Field::array("deny", &NETWORK),
        Field::number("status").rules(&[Rule::Between(400.0, 599.0)]),
        Field::string("message"),
        Field::array("whitelist", &NETWORK).alias("allow").since(Since::Kong2Only),
        Field::array("blacklist", &NETWORK).alias("deny").since(Since::Kong2Only),
    ],
    checks: &[EntityCheck::AtLeastOneOf(&["config.allow", "config.deny"])],
};

fn ip_or_cidr(text: &str) -> Result<(), String> {
    match network(text) {
        Some(_) => Ok(()),
        None => Err(format!("invalid ip or cidr range: '{text}'")),
    }
}
