//! What `config` of `hmac-auth` may hold (`kong/plugins.md` §9).

use crate::config::schema::{Default, Field, Record, Rule, Since};
use crate::plugin::auth;

const HASHES: &[&str] = &["hmac-sha1", "hmac-sha256", "hmac-sha384", "hmac-sha512"];

static HEADER: Field = Field::string("");
static HASH: Field = Field::string("").rules(&[Rule::OneOf(HASHES)]);

/// The plugin's `config`.
pub(super) static CONFIG: Record = Record {
    fields: &[
        Field::boolean("hide_credentials").default(Default::Bool(false)).required(),
        Field::number("clock_skew").default(Default::Int(300)).rules(&[Rule::Greater(0.0)]),
        Field::string("anonymous"),
        Field::boolean("validate_request_body").default(Default::Bool(false)).required(),
        Field::array("enforce_headers", &HEADER).default(Default::Strs(&[])),
        Field::array("algorithms", &HASH).default(Default::Strs(HASHES)),
        Field::string("realm").rules(&[Rule::Text(auth::realm)]).since(Since::Kong3),
    ],
    checks: &[],
};
