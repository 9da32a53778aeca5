//! What `config` of `htpasswd` may hold.

use crate::config::schema::{Default, Field, Record, Rule};
use crate::plugin::auth::realm;

/// A day, in seconds.
const DAY: f64 = 86_400.0;

/// The plugin's `config`.
pub(super) static CONFIG: Record = Record {
    fields: &[
        Field::string("file").required().rules(&[Rule::Text(path)]),
        Field::string("realm").default(Default::Str("restricted")).required().rules(&[Rule::Text(realm)]),
        Field::boolean("hide_credentials").default(Default::Bool(false)).required(),
        Field::integer("max_failures").default(Default::Int(10)).required().rules(&[Rule::Between(0.0, 1000.0)]),
        Field::integer("failure_window").default(Default::Int(60)).required().rules(&[Rule::Between(1.0, DAY)]),
        Field::integer("lockout").default(Default::Int(60)).required().rules(&[Rule::Between(1.0, DAY)]),
    ],
    checks: &[],
};

/// A reference such as `{vault://file/PATH}` stands for what the file holds, which must not get into a message as if it
/// were a path.
fn path(text: &str) -> Result<(), String> {
    let is_content = text.contains([':', '\n']);
    if is_content { Err("must be a path without a colon, not what the file holds".to_owned()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::{path, realm};

    #[test]
    fn what_a_file_holds_is_no_path() {
        assert_eq!(path("./conf/users.d/.htpasswd"), Ok(()));
        for content in ["admin:$apr1$x", "a\nb"] {
            assert_eq!(path(content), Err("must be a path without a colon, not what the file holds".to_owned()));
        }
    }

    #[test]
    fn a_realm_is_one_line() {
        assert_eq!(realm("Studio \"für\" uns"), Ok(()));
        assert_eq!(realm("a\nb"), Err("must not hold control characters".to_owned()));
    }
}
