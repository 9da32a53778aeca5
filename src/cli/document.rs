//! Which Kong file it is, and its text.

use super::print;
use crate::config::MAX_TEXT;
use crate::config::report::Source;
use crate::settings::Settings;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The file that is served when nothing names another.
pub(super) const DEFAULT: &str = "gateway.yml";
/// What [`Place::Nowhere`] holds.
const EMPTY: &str = "_format_version: \"2.1\"\n";

/// Where a document is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A file.
    File(PathBuf),
    /// Standard input.
    Stdin,
    /// In a setting.
    Inline(String),
    /// Nobody named one, and Kong serves a configuration without anything in it.
    Nowhere,
}

// === impl Place ===

impl Place {
    /// A path as the command line gives it.
    pub(super) fn of(path: &Path) -> Self {
        if path.as_os_str() == "-" { Self::Stdin } else { Self::File(path.to_owned()) }
    }

    /// The command line's, else the settings', else the file in the current folder.
    pub(super) fn choose(flag: Option<&Path>, settings: &Settings) -> Self {
        flag.map(Self::of).or_else(|| Self::named(settings)).unwrap_or_else(|| Self::File(DEFAULT.into()))
    }

    /// The settings' one.
    pub(super) fn named(settings: &Settings) -> Option<Self> {
        let inline = || settings.declarative_config_string.clone().map(Self::Inline);
        settings.declarative_config.clone().map(Self::File).or_else(inline)
    }

    /// Reads it.
    ///
    /// # Errors
    /// When it is not there, cannot be read, is no UTF-8, or has more bytes than a configuration may have.
    pub(super) fn read(&self) -> io::Result<Source> {
        let text = match self {
            Self::File(path) => read_some(File::open(path)?)?,
            Self::Stdin => read_some(io::stdin().lock())?,
            Self::Inline(text) => text.clone().into_bytes(),
            Self::Nowhere => EMPTY.into(),
        };
        Source::from_bytes(self.to_string(), &text)
            .map_err(|at| io::Error::new(io::ErrorKind::InvalidData, format!("not UTF-8 (byte {at})")))
    }

    /// What to say when it cannot be read, and what to do where that is known.
    pub(super) fn unreadable(&self, error: &io::Error) -> String {
        let help = self.advice(error).map(|help| format!("help: {help}\n")).unwrap_or_default();
        format!("error: {self}: {}\n{help}", print::reason(error))
    }

    /// What to do about one that cannot be read, where that is known.
    pub(super) fn advice(&self, error: &io::Error) -> Option<&'static str> {
        match error.kind() {
            io::ErrorKind::IsADirectory => Some(
                "Docker makes a folder where the file that it is to mount does not exist: look at the path on the \
                 host's side of the mount",
            ),
            io::ErrorKind::NotFound if matches!(self, Self::File(path) if path.as_os_str() == DEFAULT) => {
                Some("name the file (`gateway check kong.yml`), or set KONG_DECLARATIVE_CONFIG")
            }
            io::ErrorKind::PermissionDenied => {
                Some("this user may not read it: look at its owner and mode, and at those of the folders above it")
            }
            io::ErrorKind::InvalidData => Some("save it as UTF-8; a compressed or binary file is no Kong file"),
            _ => None,
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Stdin => f.write_str("standard input"),
            Self::Inline(_) => f.write_str("KONG_DECLARATIVE_CONFIG_STRING"),
            Self::Nowhere => f.write_str("an empty configuration"),
        }
    }
}

/// Reads no more than can be accepted, so that a device or an endless pipe is refused as well.
pub(super) fn read_some(from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(MAX_TEXT as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > MAX_TEXT {
        let message = format!("more than {} MiB, the most that is read", MAX_TEXT >> 20);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_first_that_is_named_counts() {
        let mut settings = Settings::default();
        assert_eq!(Place::choose(None, &settings), Place::File("gateway.yml".into()));
        settings.declarative_config_string = Some("{}".to_owned());
        assert_eq!(Place::choose(None, &settings), Place::Inline("{}".to_owned()));
        settings.declarative_config = Some("/kong.yml".into());
        assert_eq!(Place::choose(None, &settings), Place::File("/kong.yml".into()));
        assert_eq!(Place::choose(Some(Path::new("-")), &settings), Place::Stdin);
    }

    #[test]
    fn a_byte_order_mark_is_no_text() {
        let source = Place::Inline("\u{feff}a: 1".to_owned()).read().unwrap();
        assert_eq!(&*source.text, "a: 1");
    }

    #[test]
    fn what_is_not_there_or_no_text_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k.yml");
        assert_eq!(Place::of(&path).read().unwrap_err().kind(), io::ErrorKind::NotFound);
        std::fs::write(&path, b"\xff").unwrap();
        assert_eq!(Place::of(&path).read().unwrap_err().to_string(), "not UTF-8 (byte 0)");
    }

    #[test]
    fn a_folder_in_place_of_the_file_gets_a_hint() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::of(folder.path());
        let said = place.unreadable(&place.read().unwrap_err());
        assert!(said.contains(": Is a directory\nhelp: Docker makes a folder where"), "{said}");
    }

    #[test]
    fn what_never_ends_is_refused() {
        let error = Place::of(Path::new("/dev/zero")).read().unwrap_err();
        assert_eq!(error.to_string(), "more than 64 MiB, the most that is read");
    }
}
