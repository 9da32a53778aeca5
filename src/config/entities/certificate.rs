//! `certificates`, `snis`, `ca_certificates` and `vaults`. Whether PEM texts are good is found out in `pem.rs`.

use super::common::{CREATED_AT, ID, TAGS, TAGS_3, UPDATED_AT_3};
use super::{EntityType, text};
use crate::config::pem;
use crate::config::schema::{EntityCheck, Field, Record, Rule, Since};

const fn keyless(name: &'static str, noun: &'static str, record: &'static Record) -> EntityType {
    EntityType { name, noun, record, key: None, unique: true, cache_key: &[], since: Since::Always }
}

pub(super) const CERTIFICATES: EntityType = keyless("certificates", "certificate", &CERTIFICATE);
pub(super) const CA_CERTIFICATES: EntityType = keyless("ca_certificates", "CA certificate", &CA_CERTIFICATE);
pub(super) const SNIS: EntityType = EntityType { key: Some("name"), ..keyless("snis", "sni", &SNI) };
pub(super) const VAULTS_BETA: EntityType =
    EntityType { key: Some("prefix"), since: Since::Kong2Only, ..keyless("vaults_beta", "vault", &VAULT) };
pub(super) const VAULTS: EntityType =
    EntityType { key: Some("prefix"), since: Since::Kong3, ..keyless("vaults", "vault", &VAULT) };

const CERT: &[Rule] = &[Rule::Text(pem::certificate_error)];
const AUTHORITIES: &[Rule] = &[Rule::Text(pem::authorities_error)];
const KEY: &[Rule] = &[Rule::Text(pem::key_error)];

static CERTIFICATE: Record = Record {
    fields: &[
        ID,
        CREATED_AT,
        UPDATED_AT_3,
        Field::string("cert").required().rules(CERT),
        Field::string("key").required().rules(KEY),
        Field::string("cert_alt").rules(CERT),
        Field::string("key_alt").rules(KEY),
        TAGS,
        TAGS_3,
    ],
    checks: &[EntityCheck::AllOrNone(&["cert_alt", "key_alt"]), EntityCheck::Custom(pem::pair_errors)],
};

static CA_CERTIFICATE: Record = Record {
    fields: &[
        ID,
        CREATED_AT,
        UPDATED_AT_3,
        Field::string("cert").required().rules(CERT),
        Field::string("cert_digest"),
        TAGS,
        TAGS_3,
    ],
    checks: &[EntityCheck::Timed(pem::authority_errors)],
};

static SNI: Record = Record {
    fields: &[
        ID,
        CREATED_AT,
        UPDATED_AT_3,
        Field::string("name").required().rules(&[Rule::Text(text::sni_pattern)]),
        Field::foreign("certificate", "certificates").required(),
        Field::string("client_ca").rules(AUTHORITIES).extension(),
        Field::string("client_verify").rules(&[Rule::OneOf(&["on", "optional"])]).extension(),
        TAGS,
        TAGS_3,
    ],
    checks: &[EntityCheck::Custom(pem::unused_verify)],
};

static VAULT: Record = Record {
    fields: &[
        ID,
        CREATED_AT,
        UPDATED_AT_3,
        Field::string("prefix").required(),
        Field::string("name").required(),
        Field::string("description"),
        Field::any("config"),
        TAGS,
        TAGS_3,
    ],
    checks: &[],
};
