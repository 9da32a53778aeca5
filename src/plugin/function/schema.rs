//! What `config` of a function plugin may hold (`kong/plugins.md` §17).

use crate::config::schema::{EntityCheck, Field, Record, Rule, Since, Wrong};
use crate::lua::chunk;

const PRE: &Field = &Field::string("").rules(&[Rule::Code(pre)]);
const POST: &Field = &Field::string("").rules(&[Rule::Code(post)]);

/// Of `pre-function`.
pub(super) static PRE_CONFIG: Record = record(&[
    Field::array("functions", PRE).since(Since::Kong2Only),
    Field::array("certificate", PRE),
    Field::array("rewrite", PRE),
    Field::array("access", PRE),
    Field::array("header_filter", PRE),
    Field::array("body_filter", PRE),
    Field::array("log", PRE),
]);

/// Of `post-function`.
pub(super) static POST_CONFIG: Record = record(&[
    Field::array("functions", POST).since(Since::Kong2Only),
    Field::array("certificate", POST),
    Field::array("rewrite", POST),
    Field::array("access", POST),
    Field::array("header_filter", POST),
    Field::array("body_filter", POST),
    Field::array("log", POST),
]);

const fn record(fields: &'static [Field]) -> Record {
    Record { fields, checks: CHECKS }
}

const CHECKS: &[EntityCheck] = &[
    EntityCheck::OnlyOneOf(&["functions", "access"]),
    EntityCheck::AtLeastOneOf(&[
        "functions",
        "certificate",
        "rewrite",
        "access",
        "header_filter",
        "body_filter",
        "log",
    ]),
];

fn pre(text: &str) -> Result<(), Wrong> {
    parses(text, "pre-function")
}

fn post(text: &str) -> Result<(), Wrong> {
    parses(text, "post-function")
}

fn parses(text: &str, plugin: &str) -> Result<(), Wrong> {
    chunk::check(text).map_err(|wrong| {
        let kong = format!("error parsing {plugin}: {}", wrong.kong);
        Wrong::lua(wrong.at, &wrong.message, kong)
    })
}
