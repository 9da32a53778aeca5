//! A configuration as a Kong file again: flat lists with every default filled in and references as ids, as Kong's
//! `GET /config` and `kong config db_export` write it (`kong/db/declarative/export.lua`).

use super::entities;
use super::header;
use super::scalar;
use crate::entity::Compat;
use crate::listing::{Item, Listing};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};
use serde_saphyr::{DoubleQuoted, SerializerOptions};

/// A value whose texts are texts in YAML 1.1 as well, where `0:10` is a number of base 60.
struct Plain<'a>(&'a Value);

// === impl Plain ===

impl Serialize for Plain<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::String(text) if scalar::other_than_text(text).is_some() => DoubleQuoted(text).serialize(serializer),
            Value::Array(all) => serializer.collect_seq(all.iter().map(Plain)),
            Value::Object(all) => serializer.collect_map(all.iter().map(|(key, value)| (key, Plain(value)))),
            other => other.serialize(serializer),
        }
    }
}

/// The file, in YAML. Without `secrets`, or where they are not kept, they are `******`, and nobody can log in with what
/// is read from it.
#[must_use]
pub fn yaml(listing: &Listing, compat: Compat, secrets: bool) -> String {
    let version = header::versions(compat).last().copied().unwrap_or_default();
    // Passwords are written as Kong stores them.
    let mut out = format!("_format_version: '{version}'\n_transform: false\n");
    for kind in entities::ALL.iter().filter(|kind| !listing.all(kind.name).is_empty()) {
        let items: Vec<_> = listing.all(kind.name).iter().map(|item| flat(item, secrets)).collect();
        out += &written(&json!({ kind.name: items }));
    }
    out
}

/// References as ids alone: a file has no other.
fn flat(item: &Item, secrets: bool) -> Map<String, Value> {
    let mut fields = item.document(secrets).as_object().cloned().unwrap_or_default();
    for (name, value) in &mut fields {
        if let Some(id) = item.link(name) {
            *value = id.to_string().into();
        }
    }
    fields
}

fn written(value: &Value) -> String {
    let options: SerializerOptions = serde_saphyr::ser_options! { prefer_block_scalars: false };
    let mut out = String::new();
    // Writing to a text cannot fail, nor can a value of JSON.
    let _ = serde_saphyr::to_fmt_writer_with_options(&mut out, &Plain(value), options);
    if !out.ends_with('\n') {
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::config::report::Source;
    use crate::config::{load, plain};
    use crate::settings::{Listen, Settings};
    use crate::snapshot::Snapshot;
    use crate::world::World;
    use proptest::prelude::*;

    const ALL: &str = r#"
_format_version: "2.1"
consumers:
- username: "yes"
  tags: ["1.0", "~", "null", "a:b", "0x10", "0:10"]
  custom_id: "  blanks  "
  basicauth_credentials: [{username: u, password: "p:#'\"\\ \n"}]
  keyauth_credentials: [{key: "0123"}]
  acls: [{group: "on"}]
services:
- {name: a, url: "http://a.test/x"}
routes:
- {name: r, service: a, paths: ["/x|y(\\d+)$"], headers: {x-a: ["1", "true"]}}
plugins:
- name: request-termination
  config: {status_code: 200, body: "line one\n  line two\n\n"}
- name: response-transformer
  route: r
  config: {add: {headers: ["x: y", "z: ü"]}}
upstreams:
- {name: u, targets: [{target: "127.0.0.1:1"}]}
"#;

    fn loaded(text: &str, secrets: bool) -> Snapshot {
        let listen = Listen::plain(([127, 0, 0, 1], 0).into());
        let settings = Settings { admin_listen: vec![listen], admin_show_secrets: secrets, ..Settings::default() };
        let (snapshot, report) = load(&Source::new("k.yml", text), World::EMPTY, &settings);
        assert!(snapshot.is_some(), "{:?}\n{text}", report.found);
        snapshot.unwrap()
    }

    fn exported(snapshot: &Snapshot, secrets: bool) -> String {
        yaml(snapshot.listing.as_ref().unwrap(), snapshot.compat, secrets)
    }

    #[test]
    fn what_is_written_is_read_as_the_same() {
        for version in ["2.1", "3.0"] {
            let text =
                ALL.replace("2.1", version).replace("\"/x|y(", if version == "3.0" { "\"~/x|y(" } else { "\"/x|y(" });
            let first = exported(&loaded(&text, true), true);
            assert!(first.starts_with(&format!("_format_version: '{version}'\n_transform: false\n")), "{first}");
            let again = exported(&loaded(&first, true), true);
            assert_eq!(first, again);
            assert!(first.contains("0123") && !first.contains("******") && !first.contains("p:#"), "{first}");
        }
    }

    #[test]
    fn secrets_are_hidden_unless_they_are_wanted_and_kept() {
        for (kept, wanted) in [(true, false), (false, true), (false, false)] {
            let text = exported(&loaded(ALL, kept), wanted);
            assert!(text.contains("'******'") || text.contains("\"******\""), "{text}");
            assert!(!text.contains("0123"), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_text_is_read_as_it_was(text in any::<String>(), odd in "[-?:,\\[\\]{}#&*!|>'\"%@`~ \n\t0-9a-z.]{0,12}") {
            for text in [text, odd] {
                let value = json!({ "a": [{ &*format!("k{text}"): text, "b": 1.5 }] });
                let again = plain(&Source::new("k.yml", written(&value)));
                prop_assert_eq!(again, Some(value));
            }
        }
    }

    #[test]
    fn of_nothing_the_head_is_left() {
        let text = exported(&loaded("_format_version: '3.0'", false), false);
        assert_eq!(text, "_format_version: '3.0'\n_transform: false\n");
    }
}
