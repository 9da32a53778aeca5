//! `consumers` and what belongs to them: groups and credentials. Credentials are data; plugins give them a meaning.

use super::EntityType;
use super::common::{CONSUMER, CREATED_AT, ID, TAGS, TAGS_3, UPDATED_AT_3};
use crate::config::schema::{Default, EntityCheck, Field, Record, Rule, Since};
use crate::config::value::Checked;

const fn credential(
    name: &'static str,
    noun: &'static str,
    key: Option<&'static str>,
    cache_key: &'static [&'static str],
    record: &'static Record,
) -> EntityType {
    EntityType { name, noun, record, key, unique: true, cache_key, since: Since::Always }
}

pub(super) const CONSUMERS: EntityType = credential("consumers", "consumer", Some("username"), &[], &RECORD);
pub(super) const ACLS: EntityType = credential("acls", "acl", None, &["consumer", "group"], &ACL);
pub(super) const KEYAUTH: EntityType =
    credential("keyauth_credentials", "key-auth credential", Some("key"), &["key"], &KEY_AUTH);
pub(super) const BASICAUTH: EntityType =
    credential("basicauth_credentials", "basic-auth credential", Some("username"), &["username"], &BASIC_AUTH);
pub(super) const JWT: EntityType = credential("jwt_secrets", "jwt secret", Some("key"), &["key"], &JWT_SECRET);
pub(super) const HMACAUTH: EntityType =
    credential("hmacauth_credentials", "hmac-auth credential", Some("username"), &["username"], &HMAC_AUTH);
pub(super) const OAUTH2: EntityType =
    credential("oauth2_credentials", "oauth2 credential", Some("client_id"), &["client_id"], &OAUTH);

static RECORD: Record = Record {
    fields: &[ID, CREATED_AT, UPDATED_AT_3, Field::string("username"), Field::string("custom_id"), TAGS, TAGS_3],
    checks: &[EntityCheck::AtLeastOneOf(&["custom_id", "username"])],
};

static ACL: Record =
    Record { fields: &[ID, CREATED_AT, CONSUMER, Field::string("group").required(), TAGS, TAGS_3], checks: &[] };

static KEY_AUTH: Record = Record {
    fields: &[ID, CREATED_AT, CONSUMER, Field::string("key"), Field::integer("ttl"), TAGS, TAGS_3],
    checks: &[],
};

static BASIC_AUTH: Record = Record {
    fields: &[
        ID,
        CREATED_AT,
        CONSUMER,
        Field::string("username").required(),
        Field::string("password").required(),
        TAGS,
        TAGS_3,
    ],
    checks: &[],
};

static HMAC_AUTH: Record = Record {
    fields: &[ID, CREATED_AT, CONSUMER, Field::string("username").required(), Field::string("secret"), TAGS, TAGS_3],
    checks: &[],
};

const ALGORITHMS: &[Rule] = &[Rule::OneOf(&["HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384"])];
const ALGORITHMS_3: &[Rule] = &[Rule::OneOf(&[
    "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "EdDSA",
])];

static JWT_SECRET: Record = Record {
    fields: &[
        ID,
        CREATED_AT,
        CONSUMER,
        Field::string("key"),
        Field::string("secret"),
        Field::string("rsa_public_key"),
        Field::string("algorithm").default(Default::Str("HS256")).rules(ALGORITHMS).since(Since::Kong2Only),
        Field::string("algorithm").default(Default::Str("HS256")).rules(ALGORITHMS_3).since(Since::Kong3),
        TAGS,
        TAGS_3,
    ],
    checks: &[EntityCheck::Custom(public_key)],
};

/// RSA signatures need the key to check them with, which must be one.
fn public_key(secret: &Checked) -> Vec<(&'static str, String)> {
    let rsa = secret.str("algorithm").is_some_and(|name| name.starts_with("RS") || name.starts_with("PS"));
    let message = match secret.str("rsa_public_key") {
        None => "required field missing",
        Some(pem) if !is_public_key(pem) => "invalid key",
        Some(_) => return Vec::new(),
    };
    if !rsa {
        return Vec::new();
    }
    let condition = "failed conditional validation given value of field 'algorithm'".to_owned();
    vec![("rsa_public_key", message.to_owned()), ("@entity", condition)]
}

/// One PEM block of a public key, or of a certificate that holds one.
fn is_public_key(pem: &str) -> bool {
    let label =
        |name: &str| pem.contains(&format!("-----BEGIN {name}-----")) && pem.contains(&format!("-----END {name}-----"));
    ["PUBLIC KEY", "RSA PUBLIC KEY", "CERTIFICATE"].into_iter().any(label)
}

static REDIRECT_URI: Field = Field::string("");
static OAUTH: Record = Record {
    fields: &[
        ID,
        CREATED_AT,
        CONSUMER,
        Field::string("name").required(),
        Field::string("client_id"),
        Field::string("client_secret"),
        Field::boolean("hash_secret").default(Default::Bool(false)).required(),
        Field::array("redirect_uris", &REDIRECT_URI),
        Field::string("client_type")
            .default(Default::Str("confidential"))
            .required()
            .rules(&[Rule::OneOf(&["confidential", "public"])]),
        TAGS,
        TAGS_3,
    ],
    checks: &[],
};
