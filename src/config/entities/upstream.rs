//! `upstreams` and their `targets`.

use super::common::{CREATED_AT, HTTP_STATUS, ID, TAGS, TAGS_3, UPDATED_AT_3};
use super::{EntityType, text};
use crate::config::schema::{Default, EntityCheck, Field, Record, Rule, Since, header_name};
use crate::config::value::Checked;

pub(super) const UPSTREAMS: EntityType = EntityType {
    name: "upstreams",
    noun: "upstream",
    record: &RECORD,
    key: Some("name"),
    unique: true,
    cache_key: &[],
    since: Since::Always,
};

pub(super) const TARGETS: EntityType = EntityType {
    name: "targets",
    noun: "target",
    record: &TARGET,
    key: Some("target"),
    unique: false,
    cache_key: &["upstream", "target"],
    since: Since::Always,
};

const ALGORITHMS: &[Rule] = &[Rule::OneOf(&["consistent-hashing", "least-connections", "round-robin"])];
const ALGORITHMS_3: &[Rule] = &[Rule::OneOf(&["consistent-hashing", "least-connections", "round-robin", "latency"])];
const HASH_ON: &[Rule] = &[Rule::OneOf(&["none", "consumer", "ip", "header", "cookie"])];
const HASH_ON_3: &[Rule] =
    &[Rule::OneOf(&["none", "consumer", "ip", "header", "cookie", "path", "query_arg", "uri_capture"])];
const PATH: &[Rule] = &[Rule::StartsWith("/"), Rule::Text(text::no_empty_segments), Rule::Text(text::path)];
const HEADER: &[Rule] = &[Rule::Text(header_name)];

static RECORD: Record = Record {
    fields: &[
        ID,
        CREATED_AT,
        UPDATED_AT_3,
        Field::string("name").required().rules(&[Rule::Text(text::upstream_name)]),
        Field::string("algorithm").default(Default::Str("round-robin")).rules(ALGORITHMS).since(Since::Kong2Only),
        Field::string("algorithm").default(Default::Str("round-robin")).rules(ALGORITHMS_3).since(Since::Kong3),
        Field::string("hash_on").default(Default::Str("none")).rules(HASH_ON).since(Since::Kong2Only),
        Field::string("hash_on").default(Default::Str("none")).rules(HASH_ON_3).since(Since::Kong3),
        Field::string("hash_fallback").default(Default::Str("none")).rules(HASH_ON).since(Since::Kong2Only),
        Field::string("hash_fallback").default(Default::Str("none")).rules(HASH_ON_3).since(Since::Kong3),
        Field::string("hash_on_header").rules(HEADER),
        Field::string("hash_fallback_header").rules(HEADER),
        Field::string("hash_on_cookie").rules(&[Rule::Text(text::cookie_name)]),
        Field::string("hash_on_cookie_path").default(Default::Str("/")).rules(PATH),
        Field::string("hash_on_query_arg").since(Since::Kong3),
        Field::string("hash_fallback_query_arg").since(Since::Kong3),
        Field::string("hash_on_uri_capture").since(Since::Kong3),
        Field::string("hash_fallback_uri_capture").since(Since::Kong3),
        Field::integer("slots").default(Default::Int(10_000)).rules(&[Rule::Between(10.0, 65536.0)]),
        Field::record("healthchecks", &HEALTHCHECKS),
        Field::string("host_header").rules(&[Rule::Text(text::host_with_port)]),
        Field::foreign("client_certificate", "certificates"),
        Field::boolean("use_srv_name").default(Default::Bool(false)).since(Since::Kong3),
        TAGS,
        TAGS_3,
    ],
    checks: &[EntityCheck::Custom(hashing), EntityCheck::Distinct(&["hash_on_header", "hash_fallback_header"])],
};

static TARGET: Record = Record {
    fields: &[
        ID,
        Field::number("created_at"),
        Field::number("updated_at").since(Since::Kong3),
        Field::foreign("upstream", "upstreams").required(),
        Field::string("target").required().rules(&[Rule::Text(text::target)]),
        Field::integer("weight").default(Default::Int(100)).rules(&[Rule::Between(0.0, 65535.0)]),
        TAGS,
        TAGS_3,
    ],
    checks: &[],
};

static HEALTHCHECKS: Record = Record {
    fields: &[
        Field::record("active", &ACTIVE),
        Field::record("passive", &PASSIVE),
        Field::number("threshold").default(Default::Int(0)).rules(&[Rule::Between(0.0, 100.0)]),
    ],
    checks: &[],
};

const CHECK_TYPES: &[Rule] = &[Rule::OneOf(&["tcp", "http", "https", "grpc", "grpcs"])];
const SECONDS: &[Rule] = &[Rule::Between(0.0, 65535.0)];
const COUNT: &[Rule] = &[Rule::Between(0.0, 255.0)];
const UNHEALTHY_STATUSES: &[i64] = &[429, 404, 500, 501, 502, 503, 504, 505];
const HEALTHY_STATUSES: &[i64] =
    &[200, 201, 202, 203, 204, 205, 206, 207, 208, 226, 300, 301, 302, 303, 304, 305, 306, 307, 308];

static ACTIVE: Record = Record {
    fields: &[
        Field::string("type").default(Default::Str("http")).rules(CHECK_TYPES),
        Field::number("timeout").default(Default::Int(1)).rules(SECONDS),
        Field::integer("concurrency").default(Default::Int(10)).rules(&[Rule::Between(1.0, 2_147_483_648.0)]),
        Field::string("http_path").default(Default::Str("/")).rules(PATH),
        Field::string("https_sni").rules(&[Rule::Text(text::sni)]),
        Field::boolean("https_verify_certificate").default(Default::Bool(true)),
        Field::map("headers", &HEADER_NAME, &HEADER_VALUES).since(Since::Kong3),
        Field::record("healthy", &ACTIVE_HEALTHY),
        Field::record("unhealthy", &ACTIVE_UNHEALTHY),
    ],
    checks: &[],
};

static HEADER_NAME: Field = Field::string("").rules(HEADER);
static HEADER_VALUES: Field = Field::array("", &HEADER_VALUE);
static HEADER_VALUE: Field = Field::string("");

static ACTIVE_HEALTHY: Record = Record {
    fields: &[
        Field::number("interval").default(Default::Int(0)).rules(SECONDS),
        Field::array("http_statuses", &HTTP_STATUS).default(Default::Ints(&[200, 302])),
        count("successes"),
    ],
    checks: &[],
};

static ACTIVE_UNHEALTHY: Record = Record {
    fields: &[
        Field::number("interval").default(Default::Int(0)).rules(SECONDS),
        Field::array("http_statuses", &HTTP_STATUS).default(Default::Ints(UNHEALTHY_STATUSES)),
        count("tcp_failures"),
        count("timeouts"),
        count("http_failures"),
    ],
    checks: &[],
};

static PASSIVE: Record = Record {
    fields: &[
        Field::string("type").default(Default::Str("http")).rules(CHECK_TYPES),
        Field::record("healthy", &PASSIVE_HEALTHY),
        Field::record("unhealthy", &PASSIVE_UNHEALTHY),
    ],
    checks: &[],
};

static PASSIVE_HEALTHY: Record = Record {
    fields: &[Field::array("http_statuses", &HTTP_STATUS).default(Default::Ints(HEALTHY_STATUSES)), count("successes")],
    checks: &[],
};

static PASSIVE_UNHEALTHY: Record = Record {
    fields: &[
        Field::array("http_statuses", &HTTP_STATUS).default(Default::Ints(&[429, 500, 503])),
        count("tcp_failures"),
        count("timeouts"),
        count("http_failures"),
    ],
    checks: &[],
};

const fn count(name: &'static str) -> Field {
    Field::integer(name).default(Default::Int(0)).rules(COUNT)
}

/// What `hash_on` and `hash_fallback` demand of each other and of the fields that name their input.
fn hashing(upstream: &Checked) -> Vec<(&'static str, String)> {
    let (on, fallback) = (upstream.str("hash_on").unwrap_or("none"), upstream.str("hash_fallback").unwrap_or("none"));
    let mut wrong = Vec::new();
    for (value, condition, fields) in [(on, "hash_on", INPUTS_ON), (fallback, "hash_fallback", INPUTS_FALLBACK)] {
        let needed = fields.iter().filter(|(name, field)| *name == value && upstream.get(field).is_none());
        wrong.extend(needed.flat_map(|(_, field)| failed(field, "required field missing".to_owned(), condition)));
    }
    let allowed: &[&str] = match on {
        "none" | "cookie" => &["none"],
        "consumer" => &["none", "ip", "header", "cookie"],
        "ip" => &["none", "consumer", "header", "cookie"],
        _ => return wrong,
    };
    let of_kong_3 = on != "none" && matches!(fallback, "path" | "query_arg" | "uri_capture");
    if !allowed.contains(&fallback) && !of_kong_3 {
        wrong.extend(failed("hash_fallback", format!("expected one of: {}", allowed.join(", ")), "hash_on"));
    }
    wrong
}

const INPUTS_ON: &[(&str, &str)] = &[
    ("header", "hash_on_header"),
    ("cookie", "hash_on_cookie"),
    ("query_arg", "hash_on_query_arg"),
    ("uri_capture", "hash_on_uri_capture"),
];

const INPUTS_FALLBACK: &[(&str, &str)] = &[
    ("header", "hash_fallback_header"),
    ("cookie", "hash_on_cookie"),
    ("query_arg", "hash_fallback_query_arg"),
    ("uri_capture", "hash_fallback_uri_capture"),
];

fn failed(field: &'static str, message: String, condition: &str) -> [(&'static str, String); 2] {
    [(field, message), ("@entity", format!("failed conditional validation given value of field '{condition}'"))]
}
