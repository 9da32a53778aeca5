//! What `config` of `security-headers` may hold.

use super::preset::Preset;
use crate::config::schema::{Default, Field, Record, Rule};
use http::header::{CONNECTION, CONTENT_LENGTH, TE, TRAILER, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderName, HeaderValue};

/// The plugin's `config`.
pub(super) static CONFIG: Record = Record {
    fields: &[
        Field::string("preset").default(Default::Str("standard")).required().rules(&[Rule::OneOf(Preset::NAMES)]),
        Field::record("hsts", &HSTS),
        Field::array("headers", &HEADER),
    ],
    checks: &[],
};

/// Defaults depend on the preset: `hsts.rs`.
static HSTS: Record = Record {
    fields: &[
        Field::boolean("enabled"),
        Field::integer("max_age").rules(&[Rule::Between(0.0, MAX_AGE)]),
        Field::boolean("include_subdomains"),
        Field::boolean("preload"),
    ],
    checks: &[],
};

/// In seconds: what fits 31 bits, as HTTP's other ages (RFC 9111 §1.2.2).
const MAX_AGE: f64 = 2_147_483_647.0;

static HEADER: Field = Field::string("").rules(&[Rule::Text(header)]);

/// Headers that say how the message goes over the connection.
static FRAMING: [HeaderName; 6] = [CONNECTION, CONTENT_LENGTH, TE, TRAILER, TRANSFER_ENCODING, UPGRADE];

/// `Name: value`, apart. An empty value takes the name out of the preset.
///
/// # Errors
/// What is wrong with the text.
pub(super) fn split(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or_else(|| format!("`{text}` has no colon; write `Name: value`"))?;
    let name = HeaderName::try_from(name.trim()).map_err(|_| format!("`{}` is no name of a header", name.trim()))?;
    if FRAMING.contains(&name) {
        return Err(format!("`{name}` is set by the gateway itself, for each connection"));
    }
    let value = value.trim();
    let value = HeaderValue::try_from(value).map_err(|_| format!("the value of `{name}` has characters that no header may have"))?;
    Ok((name, value))
}

fn header(text: &str) -> Result<(), String> {
    split(text).map(drop)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_line_is_a_name_and_a_value() {
        for (text, name, value) in [
            ("X-Frame-Options: DENY", "x-frame-options", "DENY"),
            ("x-a:b: c ", "x-a", "b: c"),
            ("X-Frame-Options:", "x-frame-options", ""),
        ] {
            let (found, line) = split(text).unwrap();
            assert_eq!((found.as_str(), line.to_str().unwrap()), (name, value));
        }
    }

    #[test]
    fn what_is_no_header_is_told() {
        for (text, message) in [
            ("X-Frame-Options", "`X-Frame-Options` has no colon; write `Name: value`"),
            ("X Frame: a", "`X Frame` is no name of a header"),
            (": a", "`` is no name of a header"),
            ("X-A: a\nb", "the value of `x-a` has characters that no header may have"),
            ("Content-Length: 5", "`content-length` is set by the gateway itself, for each connection"),
        ] {
            assert_eq!(header(text), Err(message.to_owned()));
        }
    }
}
