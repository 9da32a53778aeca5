//! What `config` of `acl` may hold (`kong/plugins.md` §7).

use crate::config::schema::{Default, EntityCheck, Field, Record, Since};

const LISTS: &[&str] = &["config.allow", "config.deny"];

/// The plugin's `config`.
pub(super) static CONFIG: Record = Record {
    fields: &[
        Field::array("allow", &Field::string("")),
        Field::array("deny", &Field::string("")),
        Field::boolean("hide_groups_header").default(Default::Bool(false)).required(),
        Field::boolean("always_use_authenticated_groups").default(Default::Bool(false)).required().since(Since::Kong3),
        Field::array("whitelist", &Field::string("")).alias("allow").since(Since::Kong2Only),
        Field::array("blacklist", &Field::string("")).alias("deny").since(Since::Kong2Only),
    ],
    checks: &[EntityCheck::ExactlyOneOf(LISTS), EntityCheck::AtLeastOneOf(LISTS)],
};
