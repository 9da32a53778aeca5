//! Fields that every kind of entity has, and those that several share.

use super::text;
use crate::config::schema::{Field, Rule, Since};

pub(super) static TAG: Field = Field::string("").rules(&[Rule::Text(text::tag)]);
pub(super) static TAG_3: Field = Field::string("").rules(&[Rule::Text(text::tag_with_blanks)]);
pub(super) static UUID: Field = Field::string("").rules(&[Rule::Uuid]);
pub(super) static HTTP_STATUS: Field = Field::integer("").rules(&[Rule::Between(100.0, 999.0)]);

pub(super) const ID: Field = Field::string("id").rules(&[Rule::Uuid]);
pub(super) const CREATED_AT: Field = Field::integer("created_at");
pub(super) const UPDATED_AT: Field = Field::integer("updated_at");
/// Kong 3 knows it everywhere, Kong 2 only where it is listed as [`UPDATED_AT`].
pub(super) const UPDATED_AT_3: Field = Field::integer("updated_at").since(Since::Kong3);
pub(super) const TAGS: Field = Field::set("tags", &TAG).since(Since::Kong2Only);
pub(super) const TAGS_3: Field = Field::set("tags", &TAG_3).since(Since::Kong3);
pub(super) const NAME: Field = Field::string("name").rules(&[Rule::Text(text::name)]);
pub(super) const CONSUMER: Field = Field::foreign("consumer", "consumers").required();
