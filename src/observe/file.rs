//! Lines at the end of a file.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The file of a log.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    /// Whether it is opened anew each time.
    reopen: bool,
    open: Option<Open>,
}

/// An open file, and what the system calls it.
#[derive(Debug)]
struct Open {
    file: File,
    device: u64,
    inode: u64,
}

// === impl LogFile ===

impl LogFile {
    /// A file, opened when there is something to write.
    #[must_use]
    pub fn new(path: &Path, reopen: bool) -> Self {
        Self { path: path.to_owned(), reopen, open: None }
    }

    /// Adds text. A file that was moved away, as logrotate does it, is made anew.
    ///
    /// # Errors
    /// What the system says; the file is opened anew next time.
    pub fn write(&mut self, text: &[u8]) -> io::Result<()> {
        match self.path.to_str() {
            Some("/dev/stdout") => return whole(io::stdout(), text),
            Some("/dev/stderr") => return whole(io::stderr(), text),
            _ => {}
        }
        let stays = self.open.as_ref().is_some_and(|open| !self.reopen && open.is_at(&self.path));
        let mut open = match self.open.take().filter(|_| stays) {
            Some(open) => open,
            None => Open::new(&self.path)?,
        };
        open.file.write_all(text)?;
        self.open = Some(open);
        Ok(())
    }
}

/// Also where these are sockets, which cannot be opened by their name.
fn whole(mut out: impl Write, text: &[u8]) -> io::Result<()> {
    out.write_all(text).and_then(|()| out.flush())
}

// === impl Open ===

impl Open {
    fn new(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).mode(0o644).open(path)?;
        let (device, inode) = stamp(&file.metadata()?);
        Ok(Self { file, device, inode })
    }

    fn is_at(&self, path: &Path) -> bool {
        path.metadata().is_ok_and(|there| stamp(&there) == (self.device, self.inode))
    }
}

fn stamp(of: &Metadata) -> (u64, u64) {
    (of.dev(), of.ino())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::fs;

    #[test]
    fn a_file_that_was_moved_away_is_made_anew() {
        for reopen in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let (path, old) = (folder.path().join("a.log"), folder.path().join("a.log.1"));
            let mut log = LogFile::new(&path, reopen);
            log.write(b"1\n").unwrap();
            log.write(b"2\n").unwrap();
            fs::rename(&path, &old).unwrap();
            log.write(b"3\n").unwrap();
            fs::remove_file(&path).unwrap();
            log.write(b"4\n").unwrap();
            assert_eq!(
                (fs::read_to_string(&old).unwrap(), fs::read_to_string(&path).unwrap()),
                ("1\n2\n".into(), "4\n".into())
            );
            assert_eq!(path.metadata().unwrap().mode() & 0o777 & !0o022, 0o644);
        }
    }

    #[test]
    fn a_folder_that_is_not_there_yet_costs_only_its_lines() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("later/a.log");
        let mut log = LogFile::new(&path, false);
        assert!(log.write(b"1\n").is_err());
        fs::create_dir(folder.path().join("later")).unwrap();
        log.write(b"2\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "2\n");
    }
}
