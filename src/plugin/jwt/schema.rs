//! What `config` of `jwt` may hold (`kong/plugins.md` §8).

use crate::config::schema::{Default, Field, Record, Rule, Since};
use crate::plugin::auth;

static NAME: Field = Field::string("");
static CLAIM: Field = Field::string("").rules(&[Rule::OneOf(&["exp", "nbf"])]);

/// A year, in seconds.
const YEAR: f64 = 31_536_000.0;

/// The plugin's `config`.
pub(super) static CONFIG: Record = Record {
    fields: &[
        Field::set("uri_param_names", &NAME).default(Default::Strs(&["jwt"])),
        Field::set("cookie_names", &NAME).default(Default::Strs(&[])),
        Field::string("key_claim_name").default(Default::Str("iss")),
        Field::boolean("secret_is_base64").default(Default::Bool(false)).required(),
        Field::set("claims_to_verify", &CLAIM),
        Field::string("anonymous"),
        Field::boolean("run_on_preflight").default(Default::Bool(true)).required(),
        Field::number("maximum_expiration").default(Default::Int(0)).rules(&[Rule::Between(0.0, YEAR)]),
        Field::set("header_names", &NAME).default(Default::Strs(&["authorization"])),
        Field::string("realm").rules(&[Rule::Text(auth::realm)]).since(Since::Kong3),
    ],
    checks: &[],
};
