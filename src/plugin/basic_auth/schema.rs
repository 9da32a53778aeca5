//! What `config` of `basic-auth` may hold (`kong/plugins.md` §6).

use crate::config::schema::{Default, Field, Record, Rule, Since};
use crate::plugin::auth::realm;

/// The plugin's `config`.
pub(super) static CONFIG: Record = Record {
    fields: &[
        Field::string("anonymous"),
        Field::boolean("hide_credentials").default(Default::Bool(false)).required(),
        Field::string("realm")
            .default(Default::Str("service"))
            .required()
            .rules(&[Rule::Text(realm)])
            .since(Since::Kong3),
    ],
    checks: &[],
};
