//! nginx's `log_format`, compiled: what the lines of an access log look like. Pure.

mod lex;
pub mod variable;

use lex::words;
use std::fmt;
use std::sync::LazyLock;
pub use variable::Variable;

/// A format, ready to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Format {
    /// How values are escaped.
    pub escape: Escape,
    /// What a line is made of.
    pub pieces: Box<[Piece]>,
}

/// `escape=` of a format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Escape {
    /// What could break a line or a quote is `\xXX`; what is not there is `-`.
    #[default]
    Default,
    /// As within a string of JSON; what is not there is empty.
    Json,
    /// Nothing is.
    None,
}

/// A part of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// As it is.
    Text(Box<str>),
    /// What a request says.
    Value(Variable),
}

/// What must be noted of requests so that a line can be written, beyond what most lines need.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// The request's headers.
    pub headers: bool,
    /// Only its host.
    pub host: bool,
    /// The answer's.
    pub answer: bool,
    /// Each attempt at an upstream.
    pub tries: bool,
    /// How many bytes the request has.
    pub length: bool,
    /// The trace that it belongs to.
    pub trace: bool,
}

/// Why a format cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// Not a name and texts.
    Syntax(&'static str),
    /// No variable has this name.
    Unknown(Box<str>),
}

/// nginx's own format.
const COMBINED: &str = r#"$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent""#;

/// `combined`, as nginx has it; and as Kong 3.9 writes it where nobody names a format (`kong/operations.md` §7).
static OWN: LazyLock<[Format; 2]> = LazyLock::new(|| {
    let kong = format!("{COMBINED} kong_request_id: \"$kong_request_id\"");
    [COMBINED, &kong].map(|text| Format::compile(text, Escape::Default).unwrap_or_else(|_| Format::empty()))
});

// === impl Format ===

impl Format {
    /// nginx's `combined`.
    #[must_use]
    pub fn combined() -> &'static Self {
        &OWN[0]
    }

    /// Kong 3.9's.
    #[must_use]
    pub fn kong() -> &'static Self {
        &OWN[1]
    }

    /// Reads what follows `log_format`: a name, maybe `escape=…`, and texts, which belong together.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn define(text: &str) -> Result<(Box<str>, Self), Wrong> {
        let mut words = words(text).map_err(Wrong::Syntax)?.into_iter().peekable();
        let name = words.next().ok_or(Wrong::Syntax("a name and a text"))?;
        let escape = match words.peek().and_then(|word| word.strip_prefix("escape=")) {
            None => None,
            Some("default") => Some(Escape::Default),
            Some("json") => Some(Escape::Json),
            Some("none") => Some(Escape::None),
            Some(_) => return Err(Wrong::Syntax("`escape=` default, json or none")),
        };
        let texts: Vec<String> = words.skip(usize::from(escape.is_some())).collect();
        if texts.is_empty() {
            return Err(Wrong::Syntax("a name and a text"));
        }
        Ok((name.into(), Self::compile(&texts.concat(), escape.unwrap_or_default())?))
    }

    /// Reads a text with variables: `$name` or `${name}`.
    ///
    /// # Errors
    /// A variable that there is not.
    pub fn compile(text: &str, escape: Escape) -> Result<Self, Wrong> {
        let (mut pieces, mut rest) = (Vec::new(), text);
        while let Some((before, after)) = rest.split_once('$') {
            push_text(&mut pieces, before);
            let (name, behind) = name(after)?;
            pieces.push(Piece::Value(Variable::named(name).ok_or_else(|| Wrong::Unknown(name.into()))?));
            rest = behind;
        }
        push_text(&mut pieces, rest);
        Ok(Self { escape, pieces: pieces.into() })
    }

    /// What it needs to be noted.
    #[must_use]
    pub fn needs(&self) -> Needs {
        let mut needs = Needs::default();
        for piece in &self.pieces {
            if let Piece::Value(variable) = piece {
                variable.note(&mut needs);
            }
        }
        needs
    }

    fn empty() -> Self {
        Self { escape: Escape::Default, pieces: Box::default() }
    }
}

fn push_text(pieces: &mut Vec<Piece>, text: &str) {
    if !text.is_empty() {
        pieces.push(Piece::Text(text.into()));
    }
}

/// A variable's name, and what follows it.
fn name(text: &str) -> Result<(&str, &str), Wrong> {
    if let Some(braced) = text.strip_prefix('{') {
        return braced.split_once('}').ok_or(Wrong::Syntax("a `}` behind `${`"));
    }
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    if end == 0 { Err(Wrong::Syntax("a variable's name behind `$`")) } else { Ok(text.split_at(end)) }
}

// === impl Wrong ===

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(wanted) => write!(f, "a log format must have {wanted}"),
            Self::Unknown(name) => {
                let known = variable::names().collect::<Vec<_>>().join(", ");
                write!(f, "unknown variable `${}`; there are: {known}", name.escape_debug())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_definition_is_a_name_an_escape_and_texts() {
        let (name, format) = Format::define("main escape=json '{\"a\":\"$status\"' \",\\\"b\\\":${scheme}}\"").unwrap();
        assert_eq!((&*name, format.escape), ("main", Escape::Json));
        let value = |name: &str| Piece::Value(Variable::named(name).unwrap());
        let text = |text: &str| Piece::Text(text.into());
        assert_eq!(*format.pieces, [text("{\"a\":\""), value("status"), text("\",\"b\":"), value("scheme"), text("}")]);
        let wrong = |text: &str| Format::define(text).unwrap_err().to_string();
        assert_eq!(wrong(""), "a log format must have a name and a text");
        assert_eq!(wrong("a escape=none"), "a log format must have a name and a text");
        assert_eq!(wrong("a escape=xml '$status'"), "a log format must have `escape=` default, json or none");
        assert_eq!(wrong("a '$status"), "a log format must have an end of what is quoted");
        assert_eq!(wrong("a '$'"), "a log format must have a variable's name behind `$`");
        assert!(wrong("a '$nope'").starts_with("unknown variable `$nope`; there are: $arg_NAME, $args, "));
    }

    #[test]
    fn what_is_needed_is_known_beforehand() {
        assert_eq!(Format::combined().needs(), Needs::default());
        assert_eq!(Format::kong().needs(), Needs::default());
        let needs = |text| Format::compile(text, Escape::None).unwrap().needs();
        assert!(needs("$http_x_a").headers && needs("$sent_http_x_a").answer && needs("$upstream_addr").tries);
        assert!(needs("$request_length").length && needs("$trace_id").trace);
    }

    proptest! {
        #[test]
        fn no_text_breaks_it(text in "([a '\"\\\\${}=]|status|escape=|\\PC){0,20}") {
            let _ = Format::define(&text);
        }
    }
}
