//! What `config` of `acme` may hold, in Kong 2.8 and 3.9 (`kong/plugins/acme/schema.lua`).

use crate::config::hosts::host_pattern;
use crate::config::schema::{Default, EntityCheck, Field, Record, Rule, Since};
use crate::config::value::Checked;
use crate::plugin::rate::schema::demanded;
use crate::plugin::redirect::url;

/// Of the plugin.
pub(super) static CONFIG: Record = Record {
    fields: &[
        Field::string("account_email").required().rules(&[Rule::Text(email)]),
        Field::record("account_key", &ACCOUNT_KEY).since(Since::Kong3),
        Field::string("api_uri")
            .default(Default::Str("https://acme-v02.api.letsencrypt.org/directory"))
            .rules(&[Rule::Text(url)]),
        Field::boolean("tos_accepted").default(Default::Bool(false)),
        Field::string("eab_kid"),
        Field::string("eab_hmac_key"),
        Field::string("cert_type").default(Default::Str("rsa")).rules(&[Rule::OneOf(&["rsa", "ecc"])]),
        Field::number("rsa_key_size").default(Default::Int(4096)).rules(&[Rule::OneOf(&["2048", "3072", "4096"])]),
        Field::number("renew_threshold_days").default(Default::Int(14)),
        Field::array("domains", &DOMAIN),
        Field::boolean("allow_any_domain").default(Default::Bool(false)).since(Since::Kong3),
        Field::number("fail_backoff_minutes").default(Default::Int(5)),
        Field::string("storage")
            .default(Default::Str("shm"))
            .rules(&[Rule::OneOf(&["kong", "shm", "redis", "consul", "vault"])]),
        Field::record("storage_config", &STORAGE),
        Field::string("preferred_chain"),
        Field::boolean("enable_ipv4_common_name").default(Default::Bool(true)).since(Since::Kong3),
    ],
    checks: &[EntityCheck::Custom(terms), EntityCheck::Custom(redis), EntityCheck::Custom(no_database)],
};

const PORT: &[Rule] = &[Rule::Between(0.0, 65535.0)];

static DOMAIN: Field = Field::string("").rules(&[Rule::Text(host_pattern)]);

static ACCOUNT_KEY: Record = Record { fields: &[Field::string("key_id").required(), Field::string("key_set")], checks: &[] };

static STORAGE: Record = Record {
    fields: &[
        Field::record("shm", &SHM),
        Field::record("kong", &KONG),
        Field::record("redis", &REDIS),
        Field::record("consul", &CONSUL),
        Field::record("vault", &VAULT),
    ],
    checks: &[],
};

static SHM: Record = Record { fields: &[Field::string("shm_name").default(Default::Str("kong"))], checks: &[] };

static KONG: Record = Record { fields: &[], checks: &[] };

/// As Kong 2.8 writes it, and as 3.9 does, which still reads the older names.
static REDIS: Record = Record {
    fields: &[
        Field::string("host"),
        Field::integer("port").rules(PORT).since(Since::Kong2Only),
        Field::number("database").since(Since::Kong2Only),
        Field::string("auth").since(Since::Kong2Only),
        Field::integer("port").default(Default::Int(6379)).rules(PORT).since(Since::Kong3),
        Field::integer("timeout").default(Default::Int(2000)).rules(&[Rule::Between(0.0, 2_147_483_646.0)]).since(Since::Kong3),
        Field::string("username").since(Since::Kong3),
        Field::string("password").rules(&[Rule::MayBeEmpty]).since(Since::Kong3),
        Field::integer("database").default(Default::Int(0)).since(Since::Kong3),
        Field::boolean("ssl").default(Default::Bool(false)).since(Since::Kong3),
        Field::boolean("ssl_verify").default(Default::Bool(false)).since(Since::Kong3),
        Field::string("server_name").since(Since::Kong3),
        Field::record("extra_options", &EXTRA).since(Since::Kong3),
        Field::string("auth").rules(&[Rule::MayBeEmpty]).since(Since::Kong3),
        Field::string("ssl_server_name").since(Since::Kong3),
        NAMESPACE.since(Since::Kong3),
        Field::integer("scan_count").since(Since::Kong3),
    ],
    checks: &[],
};

const NAMESPACE: Field = Field::string("namespace").rules(&[Rule::MayBeEmpty, Rule::Text(namespace)]);

static EXTRA: Record = Record {
    fields: &[
        NAMESPACE.default(Default::Str("")).required(),
        Field::number("scan_count").default(Default::Int(10)),
    ],
    checks: &[],
};

static CONSUL: Record = Record {
    fields: &[
        Field::boolean("https").default(Default::Bool(false)),
        Field::string("host"),
        Field::integer("port").rules(PORT),
        Field::string("kv_path"),
        Field::number("timeout"),
        Field::string("token"),
    ],
    checks: &[],
};

static VAULT: Record = Record {
    fields: &[
        Field::boolean("https").default(Default::Bool(false)),
        Field::string("host"),
        Field::integer("port").rules(PORT),
        Field::string("kv_path"),
        Field::number("timeout"),
        Field::string("token"),
        Field::boolean("tls_verify").default(Default::Bool(true)),
        Field::string("tls_server_name"),
        Field::string("auth_method").default(Default::Str("token")).rules(&[Rule::OneOf(&["token", "kubernetes"])]),
        Field::string("auth_path"),
        Field::string("auth_role"),
        Field::string("jwt_path"),
    ],
    checks: &[],
};

/// The addresses for which Kong asks for agreement; those that end in `/directory`, such as the default, are not among
/// them.
const ASKING: &[&str] = &["https://acme-v02.api.letsencrypt.org", "https://acme-staging-v02.api.letsencrypt.org"];

/// Kong's pattern asks for no more than this.
fn email(text: &str) -> Result<(), String> {
    if text.contains('@') { Ok(()) } else { Err(format!("invalid value: {text}")) }
}

/// What Kong itself keeps in such a storage begins so (`kong/plugins/acme/reserved_words.lua`).
fn namespace(text: &str) -> Result<(), String> {
    let reserved = ["kong_acme:renew_config:", "kong_acme:renew_last_run", "kong_acme:cert_key:"];
    let taken = reserved.into_iter().find(|word| text.starts_with(word));
    taken.map_or(Ok(()), |word| Err(format!("namespace can't be prefixed with reserved word: {word}")))
}

fn terms(config: &Checked) -> Vec<(&'static str, String)> {
    if config.bool("tos_accepted") || !config.str("api_uri").is_some_and(|url| ASKING.contains(&url)) {
        return Vec::new();
    }
    let words = "terms of service must be accepted, see https://letsencrypt.org/repository/";
    vec![("tos_accepted", "value must be true".to_owned()), ("@entity", words.to_owned())]
}

/// Kong 3.9 wants to know where Redis is. Only files for it have `allow_any_domain`, if by default.
fn redis(config: &Checked) -> Vec<(&'static str, String)> {
    let host = config.get("storage_config").and_then(|all| all.get("redis")?.get("host"));
    let wanted = config.str("storage") == Some("redis") && config.get("allow_any_domain").is_some();
    if wanted && host.is_none() { demanded("storage_config.redis.host", "storage").into() } else { Vec::new() }
}

fn no_database(config: &Checked) -> Vec<(&'static str, String)> {
    let words = "\"kong\" storage can't be used with dbless mode";
    if config.str("storage") == Some("kong") { vec![("@entity", words.to_owned())] } else { Vec::new() }
}
