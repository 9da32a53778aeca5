//! What `config` of `request-termination` may hold (`kong/plugins.md` §13).

use crate::config::schema::{Default, EntityCheck, Field, Record, Rule, header_name};
use crate::config::value::Checked;

/// The plugin's `config`.
pub(super) static CONFIG: Record = Record {
    fields: &[
        Field::integer("status_code").default(Default::Int(503)).required().rules(&[Rule::Between(100.0, 599.0)]),
        Field::string("message"),
        Field::string("content_type"),
        Field::string("body"),
        Field::boolean("echo").default(Default::Bool(false)).required(),
        Field::string("trigger").rules(&[Rule::Text(header_name)]),
    ],
    checks: &[EntityCheck::Custom(combination)],
};

/// The first thing wrong, as Kong stops there.
fn combination(config: &Checked) -> Vec<(&'static str, String)> {
    let has = |field| config.get(field).is_some();
    let either = has("content_type") || has("body");
    let wrong = if has("message") && either {
        "message cannot be used with content_type or body"
    } else if has("content_type") && !has("body") {
        "content_type requires a body"
    } else if config.bool("echo") && either {
        "echo cannot be used with content_type and body"
    } else {
        return Vec::new();
    };
    vec![("", wrong.to_owned())]
}

#[cfg(test)]
mod tests {
    use super::{combination, header_name};
    use crate::plugin::testing::checked;
    use serde_json::json;

    #[test]
    fn fields_that_exclude_each_other_are_named_in_kongs_words() {
        let cases = [
            (json!({ "message": "m", "body": "b" }), Some("message cannot be used with content_type or body")),
            (json!({ "content_type": "text/plain" }), Some("content_type requires a body")),
            (json!({ "echo": true, "body": "b" }), Some("echo cannot be used with content_type and body")),
            (json!({ "echo": true, "message": "m", "body": null }), None),
            (json!({ "content_type": "text/plain", "body": "b", "echo": false }), None),
        ];
        for (config, expected) in cases {
            let found = combination(&checked(&config));
            assert_eq!(found.first().map(|(_, message)| &**message), expected, "{config}");
        }
    }

    #[test]
    fn a_trigger_is_a_header_name() {
        assert_eq!(header_name("x-stop"), Ok(()));
        let message = "bad header name 'x stop', allowed characters are A-Z, a-z, 0-9, '_', and '-'";
        assert_eq!(header_name("x stop"), Err(message.to_owned()));
    }
}
