//! What `config` of `response-transformer` may hold (`kong/plugins.md` §4).

use crate::config::schema::{Default, Field, Record, Rule, Since};
use crate::plugin::pair::has_colon;

static NAME: Field = Field::string("");
static PAIR: Field = Field::string("").rules(&[Rule::Text(has_colon)]);
static TYPE: Field = Field::string("").rules(&[Rule::OneOf(&["boolean", "number", "string"])]);

static REMOVE: Record = Record { fields: &[list("json", &NAME), list("headers", &NAME)], checks: &[] };
static RENAME: Record =
    Record { fields: &[list("json", &PAIR).since(Since::Kong3), list("headers", &PAIR)], checks: &[] };
static SET: Record = Record {
    fields: &[list("json", &PAIR), list("json_types", &TYPE).required(), list("headers", &PAIR)],
    checks: &[],
};

/// The plugin's `config`.
pub(super) static CONFIG: Record = Record {
    fields: &[
        Field::record("remove", &REMOVE),
        Field::record("rename", &RENAME),
        Field::record("replace", &SET),
        Field::record("add", &SET),
        Field::record("append", &SET),
    ],
    checks: &[],
};

const fn list(name: &'static str, of: &'static Field) -> Field {
    Field::array(name, of).default(Default::Strs(&[]))
}
