//! What is wrong with an expression: in words, and where. Pure.

use std::ops::Range;

/// Why a text is no expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which bytes of the text.
    pub at: Range<usize>,
    /// A sentence, lower case, no full stop.
    pub message: String,
    /// What to write under that place.
    pub label: Option<String>,
    /// What to do.
    pub help: Option<String>,
}

// === impl Fault ===

impl Fault {
    /// At a place.
    pub(super) fn at(at: Range<usize>, message: impl Into<String>) -> Self {
        Self { at, message: message.into(), label: None, help: None }
    }

    /// Words under the place.
    pub(super) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// What to do about it.
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}
