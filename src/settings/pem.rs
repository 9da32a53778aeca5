//! Certificates and keys that settings name: files, or the text itself, as Kong takes them since 3.0
//! (`kong/operations.md` §2, TLS).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// How PEM begins, and how that looks in base64.
const BEGIN: [&str; 2] = ["-----BEGIN ", "LS0tLS1CRUdJTi"];

/// Where a PEM text is.
#[derive(Clone, PartialEq, Eq)]
pub enum Pem {
    /// In a file, which may be renewed.
    File(PathBuf),
    /// In the setting.
    Text(Arc<str>),
}

/// Whether a setting holds PEM and not a path.
#[must_use]
pub fn is_text(value: &str) -> bool {
    BEGIN.iter().any(|begin| value.contains(begin))
}

/// The text of a setting, out of its base64 where it is in that.
#[must_use]
pub fn text(value: &str) -> Option<Arc<str>> {
    let value = value.trim();
    if value.starts_with(BEGIN[0]) {
        return Some(value.into());
    }
    let compact: String = value.split_whitespace().collect();
    let bytes = STANDARD.decode(compact).ok()?;
    String::from_utf8(bytes).ok().map(Into::into)
}

// === impl Pem ===

impl Pem {
    /// The file, if it is one.
    #[must_use]
    pub fn file(&self) -> Option<&PathBuf> {
        match self {
            Self::File(path) => Some(path),
            Self::Text(_) => None,
        }
    }
}

impl From<PathBuf> for Pem {
    fn from(path: PathBuf) -> Self {
        Self::File(path)
    }
}

impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.fmt(f),
            Self::Text(_) => f.write_str("a text"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_text_is_known_by_its_beginning() {
        let pem = "-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----\n";
        let coded = STANDARD.encode(pem);
        assert!(is_text(pem) && is_text(&coded) && !is_text("/certs/BEGIN.pem"));
        assert_eq!(text(&coded).as_deref(), Some(pem));
        assert_eq!(text(&format!("{}\n {}", &coded[..20], &coded[20..])).as_deref(), Some(pem));
        assert_eq!(text(pem).as_deref(), Some(pem.trim()));
        assert_eq!(text(&coded[1..]), None);
        assert_eq!(format!("{:?}", Pem::Text(text(pem).unwrap())), "a text");
    }
}
