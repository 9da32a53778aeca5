//! Sets the upstream path (`replace.uri`).

use super::Crash;
use super::template::{self, Env, Seen, Template};
use crate::body::Body;
use crate::config::report::Diagnostic;
use crate::config::value::Checked;
use crate::plugin::{Build, Ctx};
use http::Request;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode, utf8_percent_encode};

/// The `replace.uri` field.
#[derive(Debug, PartialEq)]
pub(super) enum NewPath {
    /// Not set.
    Same,
    /// Escaped. May hold a `?`, which goes upstream as it is.
    Set(Box<str>),
    /// Made for each request, escaped then.
    Template(Template),
    /// Without leading slash: Kong loads it, and fails every request.
    Unusable,
}

/// All but these is escaped in a path (`kong/routing.md` §2).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b'/')
    .remove(b':')
    .remove(b';')
    .remove(b'=')
    .remove(b'?')
    .remove(b'@')
    .remove(b'[')
    .remove(b']')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'%');

// === impl NewPath ===

impl NewPath {
    /// Reads the field, with a warning where no request can succeed.
    pub(super) fn read(config: &Checked, cx: &mut Build<'_>) -> Self {
        let field = config.get("replace").and_then(|replace| replace.get("uri"));
        let Some((field, text)) = field.and_then(|field| Some((field, field.as_str()?))) else {
            return Self::Same;
        };
        match template::read(field, text, cx) {
            None => Self::constant(field, text, cx),
            Some(template) => Self::Template(template),
        }
    }

    fn constant(field: &Checked, text: &str, cx: &mut Build<'_>) -> Self {
        if !text.starts_with('/') {
            let message = format!("uri '{text}' does not start with a slash, so every request is answered with 500");
            cx.report.push(Diagnostic::warning("unusable-uri", field.span, message));
            return Self::Unusable;
        }
        Self::Set(utf8_percent_encode(text, ESCAPED).to_string().into())
    }

    /// Sets the path.
    pub(super) fn change(&self, req: &Request<Body>, cx: &mut Ctx, seen: &Seen) -> Result<(), Crash> {
        match self {
            Self::Same => {}
            Self::Set(path) => path.as_ref().clone_into(&mut cx.path),
            Self::Template(template) => cx.path = escaped(&template.render(&Env::new(req, cx, seen))?)?,
            Self::Unusable => return Err(Crash),
        }
        Ok(())
    }
}

/// Kong crashes on a path without leading slash.
fn escaped(path: &[u8]) -> Result<String, Crash> {
    if path.starts_with(b"/") { Ok(percent_encode(path, ESCAPED).to_string()) } else { Err(Crash) }
}
