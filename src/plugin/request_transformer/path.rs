//! Sets the upstream path (`replace.uri`).

use super::Crash;
use super::changes::{is_template, reject_template};
use crate::config::report::Diagnostic;
use crate::config::value::Checked;
use crate::plugin::{Build, Ctx};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The `replace.uri` field.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NewPath {
    /// Not set.
    Same,
    /// Escaped. May hold a `?`, which goes upstream as it is.
    Set(Box<str>),
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
    /// Reads the field, with a warning where no request can succeed. `None` when it was refused.
    pub(super) fn read(config: &Checked, cx: &mut Build<'_>) -> Option<Self> {
        let field = config.get("replace").and_then(|replace| replace.get("uri"));
        let Some((field, text)) = field.and_then(|field| Some((field, field.as_str()?))) else {
            return Some(Self::Same);
        };
        if is_template(text) {
            reject_template(field, cx);
            return None;
        }
        if !text.starts_with('/') {
            let message = format!("uri '{text}' does not start with a slash, so every request is answered with 500");
            cx.report.push(Diagnostic::warning("unusable-uri", field.span, message));
            return Some(Self::Unusable);
        }
        Some(Self::Set(utf8_percent_encode(text, ESCAPED).to_string().into()))
    }

    /// Sets the path.
    pub(super) fn change(&self, cx: &mut Ctx) -> Result<(), Crash> {
        match self {
            Self::Same => {}
            Self::Set(path) => path.as_ref().clone_into(&mut cx.path),
            Self::Unusable => return Err(Crash),
        }
        Ok(())
    }
}
