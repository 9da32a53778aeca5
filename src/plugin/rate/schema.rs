//! What rate limits have in common in their `config` (`kong/plugins.md` §10).

use super::period::{PERIODS, Period};
use crate::config::schema::{Default, Field, Record, Rule, Since};
use crate::config::value::Checked;

const POSITIVE: &[Rule] = &[Rule::Greater(0.0)];
const PORT: &[Rule] = &[Rule::Between(0.0, 65535.0)];

/// A limit of one period.
pub(in crate::plugin) const fn limit(name: &'static str) -> Field {
    Field::number(name).rules(POSITIVE)
}

/// Where counts are kept; without a database there is no `cluster`.
pub(in crate::plugin) const POLICY: Field =
    Field::string("policy").default(Default::Str("local")).rules(&[Rule::OneOf(&["local", "redis"])]);

/// Whether requests pass when Redis does not answer. Nobody asks it here.
pub(in crate::plugin) const FAULT_TOLERANT: Field =
    Field::boolean("fault_tolerant").default(Default::Bool(true)).required();

/// Whether clients hear nothing of limits.
pub(in crate::plugin) const HIDE: Field =
    Field::boolean("hide_client_headers").default(Default::Bool(false)).required();

/// Where Redis is: as Kong 2.8 writes it, which 3.9 still reads.
pub(in crate::plugin) const REDIS_HOST: Field = Field::string("redis_host");
pub(in crate::plugin) const REDIS_PORT: Field = Field::integer("redis_port").default(Default::Int(6379)).rules(PORT);
pub(in crate::plugin) const REDIS_PASSWORD: Field = Field::string("redis_password").rules(&[Rule::MayBeEmpty]);
pub(in crate::plugin) const REDIS_USERNAME: Field = Field::string("redis_username");
pub(in crate::plugin) const REDIS_SSL: Field = Field::boolean("redis_ssl").default(Default::Bool(false)).required();
pub(in crate::plugin) const REDIS_SSL_VERIFY: Field =
    Field::boolean("redis_ssl_verify").default(Default::Bool(false)).required();
pub(in crate::plugin) const REDIS_SERVER_NAME: Field = Field::string("redis_server_name");
pub(in crate::plugin) const REDIS_TIMEOUT: Field = Field::number("redis_timeout").default(Default::Int(2000));
pub(in crate::plugin) const REDIS_DATABASE: Field = Field::integer("redis_database").default(Default::Int(0));

/// The same as Kong 3.9 writes it.
pub(in crate::plugin) const REDIS: Field = Field::record("redis", &REDIS_RECORD).since(Since::Kong3);

static REDIS_RECORD: Record = Record {
    fields: &[
        Field::string("host"),
        Field::integer("port").default(Default::Int(6379)).rules(PORT),
        Field::integer("timeout").default(Default::Int(2000)).rules(&[Rule::Between(0.0, 2_147_483_646.0)]),
        Field::string("username"),
        Field::string("password").rules(&[Rule::MayBeEmpty]),
        Field::integer("database").default(Default::Int(0)),
        Field::boolean("ssl").default(Default::Bool(false)),
        Field::boolean("ssl_verify").default(Default::Bool(false)),
        Field::string("server_name"),
    ],
    checks: &[],
};

/// Kong's words for a field that the value of another demands.
pub(in crate::plugin) fn demanded(field: &'static str, by: &str) -> [(&'static str, String); 2] {
    let condition = format!("failed conditional validation given value of field 'config.{by}'");
    [(field, "required field missing".to_owned()), ("@entity", condition)]
}

/// `policy: redis` needs a host.
pub(in crate::plugin) fn redis_host(config: &Checked) -> Vec<(&'static str, String)> {
    let nested = config.get("redis");
    let host = config.get("redis_host").or_else(|| nested?.get("host"));
    if config.str("policy") != Some("redis") || host.is_some() {
        return Vec::new();
    }
    demanded(if nested.is_some() { "redis.host" } else { "redis_host" }, "policy").into()
}

/// A longer period cannot have the lower limit: the first pair where it has. `the` is how Kong begins.
pub(in crate::plugin) fn order(limits: &Checked, the: &str) -> Option<String> {
    let limit = |period: Period| Some((period.name(), limits.get(period.name())?.as_num().filter(|most| *most > 0.0)?));
    let known: Vec<_> = PERIODS.into_iter().filter_map(limit).collect();
    let pairs = known.iter().enumerate().flat_map(|(at, short)| known[at + 1..].iter().map(move |long| (short, long)));
    let ((short, more), (long, less)) = pairs.into_iter().find(|((_, short), (_, long))| short > long)?;
    Some(format!("{the} limit for {long}({less:.1}) cannot be lower than the limit for {short}({more:.1})"))
}
