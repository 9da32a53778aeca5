//! A comparison as written to one that can be asked, by ATC's rules of types: nothing is converted, and what makes no
//! sense is refused. Pure.

use super::fault::Fault;
use super::field::{Field, NAMES, NoField, Text};
use super::lex::{Kind, Token};
use super::parse::{Left, Operator};
use super::test::{AddressTest, NumberTest, Test, TextTest, With};
use ipnet::IpNet;
use regex::bytes::RegexBuilder;
use std::net::IpAddr;

/// Most bytes of a compiled regular expression, as the `regex` crate and ATC have it.
const MAX_REGEX: usize = 10 << 20;

/// A value as written.
enum Value<'a> {
    Text(&'a str),
    Number(i64),
    Address(IpAddr),
    Net(IpNet),
}

/// Reads a comparison.
pub(super) fn test(left: &Left<'_>, operator: &Operator, token: &Token<'_>) -> Result<Test, Fault> {
    let field = field(left)?;
    let value = value(token)?;
    if let (Some(at), Field::Number(_) | Field::Address(_)) = (&left.lower, &field) {
        let message = format!("`lower` is for texts, and `{}` is {}", left.name, field.noun());
        return Err(Fault::at(at.clone(), message));
    }
    match (field, value) {
        (Field::Text(field), Value::Text(text)) => {
            let with = with(operator, text, token).ok_or_else(|| of_no_use(left, operator, "a text", TEXTS))??;
            Ok(Test::Text(TextTest { field, lower: left.lower.is_some(), any: left.any, with }))
        }
        (Field::Number(field), Value::Number(number)) => {
            let how = number_test(operator.text).ok_or_else(|| of_no_use(left, operator, "a number", NUMBERS))?;
            Ok(Test::Number(field, how, number))
        }
        (Field::Address(field), value @ (Value::Address(_) | Value::Net(_))) => {
            let how =
                address_test(operator.text, &value).ok_or_else(|| wrong_address(left, operator, &value, token))?;
            Ok(Test::Address(field, how))
        }
        (field, value) => Err(mismatch(left, &field, &value, token)),
    }
}

const TEXTS: &str = "texts are compared by `==`, `!=`, `^=`, `=^`, `~` and `contains`";
const NUMBERS: &str = "numbers are compared by `==`, `!=`, `>`, `>=`, `<` and `<=`";

fn of_no_use(left: &Left<'_>, operator: &Operator, noun: &str, help: &str) -> Fault {
    let message = format!("`{}` is not for `{}`, which is {noun}", operator.text, left.name);
    Fault::at(operator.at.clone(), message).help(help)
}

fn field(left: &Left<'_>) -> Result<Field, Fault> {
    let name = left.name;
    let fault = |message: String| Fault::at(left.at.clone(), message);
    Field::named(name).map_err(|why| match why {
        NoField::Segments => fault(format!("`{name}` is no segment of the path"))
            .help("write `http.path.segments.0` for the first, `http.path.segments.0_2` for the first three, or `http.path.segments.len`"),
        NoField::Nameless => fault(format!("`{name}` names nothing")).help("write `http.headers.x_name` or `http.queries.name`"),
        NoField::Unknown => unknown(name, fault(format!("there is no field `{name}`"))),
    })
    .and_then(|field| checked_name(left, field))
}

/// A name goes on as far as ATC's does: letters, digits, `_` and `.`.
fn checked_name(left: &Left<'_>, field: Field) -> Result<Field, Fault> {
    let odd = |c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.');
    if !left.name.contains(odd) {
        return Ok(field);
    }
    let fault = Fault::at(left.at.clone(), format!("`{}` is no name", left.name));
    Err(match field {
        Field::Text(Text::Header(name, _)) if !name.replace('-', "_").contains(odd) => {
            fault.label(format!("write `http.headers.{}`", name.replace('-', "_")))
        }
        _ => fault.label("a name has letters, digits, `_` and `.`"),
    })
}

fn unknown(name: &str, fault: Fault) -> Fault {
    let also = ["http.headers.", "http.queries."];
    let lower = name.to_ascii_lowercase();
    let family =
        [("http.header.", "http.headers.NAME"), ("http.query.", "http.queries.NAME"), ("http.uri", "http.path")];
    let near =
        NAMES.into_iter().filter(|known| is_near(&lower, known)).min_by_key(|known| known.len().abs_diff(lower.len()));
    let meant = family.iter().find(|(start, _)| lower.starts_with(start)).map(|(_, meant)| *meant).or(near);
    match meant {
        Some(meant) => fault.label(format!("did you mean `{meant}`?")),
        None => fault.help(format!("fields are `{}`, `{}NAME` and `{}NAME`", NAMES.join("`, `"), also[0], also[1])),
    }
}

/// Whether all but two letters, which stand side by side, are the same.
fn is_near(a: &str, b: &str) -> bool {
    let start = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a.as_bytes()[start..], &b.as_bytes()[start..]);
    let end = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count();
    a.len().max(b.len()).saturating_sub(end) <= 2
}

fn value<'t>(token: &'t Token<'_>) -> Result<Value<'t>, Fault> {
    let word = match &token.kind {
        Kind::Text(text) => return Ok(Value::Text(text)),
        Kind::Word(word) => *word,
        Kind::Symbol(_) => "",
    };
    if let Some(number) = number(word) {
        return number.map(Value::Number).ok_or_else(|| Fault::at(token.at.clone(), format!("`{word}` is too large")));
    }
    if let Ok(address) = word.parse() {
        return Ok(Value::Address(address));
    }
    if let Ok(net) = word.parse::<IpNet>() {
        if net.network() == net.addr() {
            return Ok(Value::Net(net));
        }
        let fault = Fault::at(token.at.clone(), format!("`{word}` is an address within a network, not a network"));
        return Err(fault.label(format!("did you mean `{}`?", net.trunc())));
    }
    Err(Fault::at(token.at.clone(), format!("`{word}` is no value"))
        .label(format!("a text stands in quotes: `\"{word}\"`")))
}

/// Decimal, `0x` hexadecimal or `0` octal. `Some(None)`: it is one, and too large.
fn number(word: &str) -> Option<Option<i64>> {
    let (sign, digits) = word.strip_prefix('-').map_or(("", word), |digits| ("-", digits));
    let (digits, radix) = match digits.strip_prefix("0x") {
        Some(digits) => (digits, 16),
        None if digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|b| matches!(b, b'0'..=b'7')) => {
            (digits, 8)
        }
        None => (digits, 10),
    };
    let good = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
    good.then(|| i64::from_str_radix(&format!("{sign}{digits}"), radix).ok())
}

/// `None`: no operator for texts.
fn with(operator: &Operator, text: &str, token: &Token<'_>) -> Option<Result<With, Fault>> {
    let bytes: Box<[u8]> = text.as_bytes().into();
    Some(Ok(match operator.text {
        "==" => With::Equal(bytes),
        "!=" => With::Other(bytes),
        "^=" => With::Prefix(bytes),
        "=^" => With::Suffix(bytes),
        "contains" => With::Part(bytes),
        "~" => match RegexBuilder::new(text).size_limit(MAX_REGEX).build() {
            Ok(regex) => With::Regex(regex),
            Err(error) => return Some(Err(no_regex(&error, token))),
        },
        _ => return None,
    }))
}

fn no_regex(error: &regex::Error, token: &Token<'_>) -> Fault {
    let told = error.to_string();
    // The crate draws the expression; its last line says what is wrong.
    let last = told.lines().last().unwrap_or_default().trim_start_matches("error: ");
    let fault = Fault::at(token.at.clone(), format!("this is no regular expression: {last}"));
    if told.contains("look-around") || told.contains("backreferences") {
        return fault
            .help("expressions are those of Rust's `regex`, which has neither look-around nor back-references");
    }
    fault
}

fn number_test(operator: &str) -> Option<NumberTest> {
    Some(match operator {
        "==" => NumberTest::Equal,
        "!=" => NumberTest::Other,
        ">" => NumberTest::Greater,
        ">=" => NumberTest::AtLeast,
        "<" => NumberTest::Less,
        "<=" => NumberTest::AtMost,
        _ => return None,
    })
}

fn address_test(operator: &str, value: &Value<'_>) -> Option<AddressTest> {
    Some(match (operator, value) {
        ("==", Value::Address(address)) => AddressTest::Equal(*address),
        ("!=", Value::Address(address)) => AddressTest::Other(*address),
        ("in", Value::Net(net)) => AddressTest::In(*net),
        ("not in", Value::Net(net)) => AddressTest::NotIn(*net),
        _ => return None,
    })
}

fn wrong_address(left: &Left<'_>, operator: &Operator, value: &Value<'_>, token: &Token<'_>) -> Fault {
    match (operator.text, value) {
        ("in" | "not in", Value::Address(address)) => {
            let fault =
                Fault::at(token.at.clone(), format!("`{}` needs a network, and this is an address", operator.text));
            fault.label(format!("write `{}`", IpNet::from(*address)))
        }
        ("==" | "!=", _) => {
            let fault =
                Fault::at(operator.at.clone(), format!("`{}` needs an address, and a network follows", operator.text));
            fault.label(if operator.text == "==" { "write `in`" } else { "write `not in`" })
        }
        _ => of_no_use(left, operator, "an address", "addresses are compared by `==`, `!=`, `in` and `not in`"),
    }
}

fn mismatch(left: &Left<'_>, field: &Field, value: &Value<'_>, token: &Token<'_>) -> Fault {
    let is = match value {
        Value::Text(_) => "a text",
        Value::Number(_) => "a number",
        Value::Address(_) => "an address",
        Value::Net(_) => "a network",
    };
    let fault = Fault::at(token.at.clone(), format!("`{}` is {}, and this is {is}", left.name, field.noun()));
    match (field, &token.kind) {
        (Field::Text(_), Kind::Word(word)) => fault.label(format!("write `\"{word}\"`")),
        (_, Kind::Text(_)) => fault.label("write it without quotes"),
        _ => fault,
    }
}
