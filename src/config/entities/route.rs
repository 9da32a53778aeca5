//! `routes`.

use super::common::{CREATED_AT, ID, NAME, TAGS, TAGS_3, UPDATED_AT};
use super::{EntityType, route_rules, text};
use crate::config::schema::{Default, EntityCheck, Field, Record, Rule, Since};

pub(super) const ROUTES: EntityType = EntityType {
    name: "routes",
    noun: "route",
    record: &RECORD,
    key: Some("name"),
    unique: true,
    cache_key: &[],
    since: Since::Always,
};

/// 2^46 - 1.
const MAX_PRIORITY: f64 = 70_368_744_177_663.0;

static PROTOCOL: Field = Field::string("");
static METHOD: Field = Field::string("").rules(&[Rule::Text(text::method)]);
static HOST: Field = Field::string("").rules(&[Rule::Text(text::host_pattern)]);
static SNI: Field = Field::string("").rules(&[Rule::Text(text::sni)]);
static SNI_3: Field = Field::string("").rules(&[Rule::Text(text::sni_pattern)]);
static PATH: Field = Field::string("").rules(&[
    Rule::StartsWith("/"),
    Rule::Text(text::no_empty_segments),
    Rule::Text(text::path_or_regex),
]);
static PATH_3: Field = Field::string("").rules(&[
    Rule::Text(text::path_or_regex_start_3),
    Rule::Text(text::no_empty_segments),
    Rule::Text(text::path_or_regex_3),
]);
static EXPRESSION: &[Rule] = &[Rule::Code(route_rules::expression)];
static HEADER: Field = Field::string("").rules(&[Rule::Text(text::route_header)]);
static ANY_TEXT: Field = Field::string("");
static VALUES: Field = Field::array("", &ANY_TEXT);
static ADDRESS: Field = Field::record("", &ADDRESS_RECORD);
static ADDRESS_RECORD: Record = Record {
    fields: &[
        Field::string("ip").rules(&[Rule::Text(text::ip_or_cidr)]),
        Field::integer("port").rules(&[Rule::Between(0.0, 65535.0)]),
    ],
    checks: &[EntityCheck::AtLeastOneOf(&["ip", "port"])],
};

static RECORD: Record = Record {
    fields: &[
        ID,
        CREATED_AT,
        UPDATED_AT,
        NAME,
        Field::set("protocols", &PROTOCOL)
            .default(Default::Strs(&["http", "https"]))
            .required()
            .rules(&[Rule::Value(route_rules::protocols)]),
        Field::set("methods", &METHOD),
        Field::array("hosts", &HOST),
        Field::array("paths", &PATH).since(Since::Kong2Only),
        Field::array("paths", &PATH_3).since(Since::Kong3),
        Field::map("headers", &HEADER, &VALUES),
        Field::integer("https_redirect_status_code")
            .default(Default::Int(426))
            .required()
            .rules(&[Rule::OneOf(&["426", "301", "302", "307", "308"])]),
        Field::integer("regex_priority").default(Default::Int(0)),
        Field::boolean("strip_path").default(Default::Bool(true)).required(),
        Field::string("path_handling").default(Default::Str("v0")).rules(&[Rule::OneOf(&["v0", "v1"])]),
        Field::boolean("preserve_host").default(Default::Bool(false)).required(),
        Field::boolean("request_buffering").default(Default::Bool(true)).required(),
        Field::boolean("response_buffering").default(Default::Bool(true)).required(),
        Field::set("snis", &SNI).since(Since::Kong2Only),
        Field::set("snis", &SNI_3).since(Since::Kong3),
        Field::set("sources", &ADDRESS),
        Field::set("destinations", &ADDRESS),
        Field::string("expression").rules(EXPRESSION).flavored(),
        Field::integer("priority").rules(&[Rule::Between(0.0, MAX_PRIORITY)]).flavored(),
        TAGS,
        TAGS_3,
        Field::foreign("service", "services"),
    ],
    checks: &[EntityCheck::Custom(route_rules::by_protocols)],
};
