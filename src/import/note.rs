//! A remark on something that is not in the result as it was in the file.

/// What became of a directive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It is not in the result.
    Lost,
    /// It is, but something is not as it was.
    Differs,
}

/// A remark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What became of it.
    pub kind: Kind,
    /// `FILE:LINE`.
    pub place: String,
    /// The directive, cut short.
    pub directive: String,
    /// Why, in lower case.
    pub reason: String,
}

// === impl Note ===

impl Note {
    /// In one line.
    #[must_use]
    pub fn line(&self) -> String {
        let kind = match self.kind {
            Kind::Lost => "NOT CARRIED OVER",
            Kind::Differs => "DIFFERS",
        };
        format!("{kind}: {} `{}`: {}", self.place, self.directive, self.reason)
    }
}
