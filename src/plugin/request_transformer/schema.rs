//! What `config` of `request-transformer` may hold (`kong/plugins.md` §3).

use super::template;
use crate::config::schema::{Default, Field, Record, Rule, Wrong};
use crate::plugin::pair::{has_colon, split};

static ANY: Field = Field::string("");
static HEADER: Field = Field::string("").rules(&[Rule::Text(header)]);
static HEADER_VALUE: Field = Field::string("").rules(&[Rule::Text(has_colon), Rule::Text(header)]);
static HEADER_PAIR: Field = Field::string("").rules(&[Rule::Text(has_colon), Rule::Text(both_headers)]);
static PAIR: Field = Field::string("").rules(&[Rule::Text(has_value), Rule::Code(compiles)]);

static REMOVE: Record = Record { fields: &lists(&ANY, &HEADER), checks: &[] };
static RENAME: Record = Record { fields: &lists(&PAIR, &HEADER_PAIR), checks: &[] };
static SET: Record = Record { fields: &lists(&PAIR, &HEADER_VALUE), checks: &[] };
static REPLACE: Record = {
    const FIELDS: [Field; 3] = lists(&PAIR, &HEADER_VALUE);
    Record { fields: &[FIELDS[0], FIELDS[1], FIELDS[2], Field::string("uri")], checks: &[] }
};

/// The plugin's `config`.
pub(super) static CONFIG: Record = Record {
    fields: &[
        Field::string("http_method").rules(&[Rule::Text(upper_case)]),
        Field::record("remove", &REMOVE),
        Field::record("rename", &RENAME),
        Field::record("replace", &REPLACE),
        Field::record("add", &SET),
        Field::record("append", &SET),
    ],
    checks: &[],
};

const fn lists(text: &'static Field, header: &'static Field) -> [Field; 3] {
    [list("body", text), list("headers", header), list("querystring", text)]
}

const fn list(name: &'static str, of: &'static Field) -> Field {
    Field::array(name, of).default(Default::Strs(&[]))
}

fn upper_case(text: &str) -> Result<(), String> {
    let good = !text.is_empty() && text.bytes().all(|b| b.is_ascii_uppercase());
    if good { Ok(()) } else { Err(format!("invalid value: {text}")) }
}

fn header(text: &str) -> Result<(), String> {
    is_header(split(text).0)
}

fn both_headers(text: &str) -> Result<(), String> {
    let (old, new) = split(text);
    is_header(old).and_then(|()| is_header(new))
}

fn is_header(name: &str) -> Result<(), String> {
    let good = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    if good { Ok(()) } else { Err(format!("'{name}' is not a valid header")) }
}

fn has_value(text: &str) -> Result<(), String> {
    let (name, value) = split(text);
    if !name.is_empty() && !value.is_empty() { Ok(()) } else { Err(format!("key '{name}' has no value")) }
}

fn compiles(text: &str) -> Result<(), Wrong> {
    let (_, value) = split(text);
    let before = text.len() - value.len();
    template::check(value).map_err(|wrong| {
        let at = wrong.at.start + before..wrong.at.end + before;
        let kong = format!("value '{value}' is not in supported format, error:{}", wrong.kong);
        Wrong::lua(at, &wrong.message, kong)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn names_and_values_are_checked_in_kongs_words() {
        assert_eq!(header("x a"), Err("'x a' is not a valid header".to_owned()));
        assert_eq!(header("X-A:kept"), Ok(()));
        assert_eq!(both_headers("x-a:x-$(b)"), Err("'x-$(b)' is not a valid header".to_owned()));
        assert_eq!(both_headers("x-a::X_b"), Ok(()));
        assert_eq!(has_value("k:"), Err("key 'k' has no value".to_owned()));
        assert_eq!(has_value("k::v"), Ok(()));
        assert_eq!(compiles("k:$(headers.a)"), Ok(()));
        let wrong = compiles("kk:$(a b)").unwrap_err();
        let words = "value '$(a b)' is not in supported format, error:[string \"TMP\"]:1: ')' expected near 'b'";
        assert_eq!((wrong.at, &*wrong.kong), (7..8, words));
        assert_eq!(upper_case("get"), Err("invalid value: get".to_owned()));
        assert_eq!(upper_case("FOO"), Ok(()));
    }
}
