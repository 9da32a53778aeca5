//! What `config` of `cors` may hold (`kong/plugins.md` §2).

use crate::config::schema::{Default, Field, Record, Rule, Since};
use crate::pcre::Pcre;

/// Kong's default `methods`, as one header value.
pub(super) const METHODS: &str = "GET,HEAD,PUT,PATCH,POST,DELETE,OPTIONS,TRACE,CONNECT";

const NAMES: &[&str] = &["GET", "HEAD", "PUT", "PATCH", "POST", "DELETE", "OPTIONS", "TRACE", "CONNECT"];

static ORIGIN: Field = Field::string("").rules(&[Rule::Text(origin)]);
static METHOD: Field = Field::string("").rules(&[Rule::OneOf(NAMES)]);
static HEADER: Field = Field::string("");

/// The plugin's `config`.
pub(super) static CONFIG: Record = Record {
    fields: &[
        Field::array("origins", &ORIGIN),
        Field::array("headers", &HEADER),
        Field::array("exposed_headers", &HEADER),
        Field::array("methods", &METHOD).default(Default::Strs(NAMES)),
        Field::number("max_age"),
        Field::boolean("credentials").default(Default::Bool(false)).required(),
        Field::boolean("preflight_continue").default(Default::Bool(false)).required(),
        Field::boolean("private_network").default(Default::Bool(false)).required().since(Since::Kong3),
    ],
    checks: &[],
};

/// Any regular expression, or `*`, which is none.
fn origin(text: &str) -> Result<(), String> {
    if text == "*" || Pcre::new(text).is_ok() { Ok(()) } else { Err(format!("'{text}' is not a valid regex")) }
}

#[cfg(test)]
mod tests {
    use super::origin;

    #[test]
    fn an_origin_is_a_star_or_an_expression() {
        assert_eq!(origin("*"), Ok(()));
        assert_eq!(origin("(.*[.])?a\\.test"), Ok(()));
        assert_eq!(origin("["), Err("'[' is not a valid regex".to_owned()));
    }
}
