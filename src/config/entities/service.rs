//! `services`.

use super::common::{CREATED_AT, ID, NAME, TAGS, TAGS_3, UPDATED_AT, UUID};
use super::{EntityType, text};
use crate::config::schema::{Default, EntityCheck, Field, Record, Rule, Since};
use crate::config::value::Checked;

pub(super) const SERVICES: EntityType = EntityType {
    name: "services",
    noun: "service",
    record: &RECORD,
    key: Some("name"),
    unique: true,
    cache_key: &[],
    since: Since::Always,
};

const PROTOCOLS: &[&str] = &["grpc", "grpcs", "http", "https", "tcp", "tls", "tls_passthrough", "udp"];
const MILLISECONDS: &[Rule] = &[Rule::Between(1.0, 2_147_483_646.0)];

static RECORD: Record = Record {
    fields: &[
        ID,
        CREATED_AT,
        UPDATED_AT,
        NAME,
        Field::integer("retries").default(Default::Int(5)).rules(&[Rule::Between(0.0, 32767.0)]),
        Field::string("protocol").default(Default::Str("http")).required().rules(&[Rule::OneOf(PROTOCOLS)]),
        Field::string("host").required().rules(&[Rule::Text(text::host)]),
        Field::integer("port").default(Default::Int(80)).required().rules(&[Rule::Between(0.0, 65535.0)]),
        Field::string("path").rules(PATH).since(Since::Kong2Only),
        Field::string("path").rules(PATH_3).since(Since::Kong3),
        Field::integer("connect_timeout").default(Default::Int(60_000)).rules(MILLISECONDS),
        Field::integer("write_timeout").default(Default::Int(60_000)).rules(MILLISECONDS),
        Field::integer("read_timeout").default(Default::Int(60_000)).rules(MILLISECONDS),
        TAGS,
        TAGS_3,
        Field::foreign("client_certificate", "certificates"),
        Field::boolean("tls_verify"),
        Field::integer("tls_verify_depth").rules(&[Rule::Between(0.0, 64.0)]),
        Field::array("ca_certificates", &UUID),
        Field::boolean("enabled").default(Default::Bool(true)).required(),
    ],
    checks: &[EntityCheck::Custom(by_protocol)],
};

const PATH: &[Rule] = &[Rule::StartsWith("/"), Rule::Text(text::no_empty_segments), Rule::Text(text::path)];
const PATH_3: &[Rule] = &[Rule::StartsWith("/"), Rule::Text(text::no_empty_segments), Rule::Text(text::path_3)];

/// Fields that make sense for some protocols only. Kong names the field, and then the condition under `@entity`.
fn by_protocol(service: &Checked) -> Vec<(&'static str, String)> {
    let protocol = service.str("protocol").unwrap_or_default();
    let no_path = matches!(protocol, "tcp" | "tls" | "udp" | "grpc" | "grpcs" | "tls_passthrough");
    let no_tls = protocol != "https" && PROTOCOLS.contains(&protocol);
    let tls = ["client_certificate", "tls_verify", "tls_verify_depth", "ca_certificates"];
    let mut wrong = Vec::new();
    if no_path && service.get("path").is_some() {
        wrong.extend(must_be_null("path"));
    }
    for field in tls.into_iter().filter(|field| no_tls && service.get(field).is_some()) {
        wrong.extend(must_be_null(field));
    }
    wrong
}

fn must_be_null(field: &'static str) -> [(&'static str, String); 2] {
    let condition = "failed conditional validation given value of field 'protocol'";
    [(field, "value must be null".to_owned()), ("@entity", condition.to_owned())]
}
