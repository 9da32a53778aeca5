//! What `config` of `key-auth` may hold (`kong/plugins.md` §5).

use crate::config::schema::{Default, Field, Record, Rule, Since, header_name};
use crate::plugin::auth::realm;

static NAME: Field = Field::string("").rules(&[Rule::Text(header_name)]);

/// The plugin's `config`.
pub(super) static CONFIG: Record = Record {
    fields: &[
        Field::array("key_names", &NAME).default(Default::Strs(&["apikey"])).required(),
        Field::boolean("hide_credentials").default(Default::Bool(false)).required(),
        Field::string("anonymous"),
        Field::boolean("key_in_header").default(Default::Bool(true)).required(),
        Field::boolean("key_in_query").default(Default::Bool(true)).required(),
        Field::boolean("key_in_body").default(Default::Bool(false)).required(),
        Field::boolean("run_on_preflight").default(Default::Bool(true)).required(),
        Field::string("realm").rules(&[Rule::Text(realm)]).since(Since::Kong3),
    ],
    checks: &[],
};
