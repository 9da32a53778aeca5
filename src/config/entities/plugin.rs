//! `plugins`: everything but their `config`, which each plugin describes itself.

use super::EntityType;
use super::common::{CREATED_AT, ID, NAME, TAGS, TAGS_3, UPDATED_AT_3};
use crate::config::schema::{Default, Field, Record, Rule, Since};

pub(super) const PLUGINS: EntityType = EntityType {
    name: "plugins",
    noun: "plugin",
    record: &RECORD,
    key: None,
    unique: true,
    cache_key: &["name", "route", "service", "consumer"],
    since: Since::Always,
};

static PROTOCOL: Field = Field::string("").rules(&[Rule::OneOf(&[
    "grpc",
    "grpcs",
    "http",
    "https",
    "tcp",
    "tls",
    "tls_passthrough",
    "udp",
])]);
const PROTOCOLS: &[&str] = &["grpc", "grpcs", "http", "https"];
const INSTANCE_NAME: Field = Field { name: "instance_name", ..NAME };

/// The fields of a plugin. `config` is read elsewhere.
pub(in crate::config) static RECORD: Record = Record {
    fields: &[
        ID,
        CREATED_AT,
        UPDATED_AT_3,
        Field::string("name").required(),
        INSTANCE_NAME.since(Since::Kong3),
        Field::foreign("route", "routes"),
        Field::foreign("service", "services"),
        Field::foreign("consumer", "consumers"),
        Field::any("config"),
        Field::set("protocols", &PROTOCOL).default(Default::Strs(PROTOCOLS)).required(),
        Field::boolean("enabled").default(Default::Bool(true)).required(),
        TAGS,
        TAGS_3,
    ],
    checks: &[],
};
