//! Notices that files changed, and hands their new contents on ([`LiveFile`]); the configuration's own to `reload.rs`.
//!
//! Looks once a second instead of waiting for events: a bind-mounted file that is replaced, a symbolic link that is
//! switched two folders away and a network disk have no event that could be relied on, and a look at a few files costs
//! microseconds.

use super::posted::{Ask, Letterbox, Posted};
use super::reload::Reloader;
use crate::live::LiveFile;
use std::fs::{self, File, Metadata};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// Time between two looks.
const EVERY: Duration = Duration::from_secs(1);
/// Looks after which files are read even though nothing seems to have changed.
const READ_EVERY: u32 = 30;
/// A file that changed so lately may change again without its times telling: clocks of file systems are coarse.
const HOT: Duration = Duration::from_secs(2);
/// Most bytes of a watched file.
const MAX: u64 = 16 << 20;

/// Ends the watching when it is dropped.
#[derive(Debug)]
pub struct Watching {
    letterbox: Letterbox,
}

/// What the thread works with.
struct Watch {
    files: Vec<Watched>,
    reloader: Option<Reloader>,
    hasher: RandomState,
    /// How often it looked.
    looks: u32,
}

/// Files under watch.
struct Watched {
    file: LiveFile,
    /// What the system said of each at the last look; `None` where it was not there.
    stamps: Vec<Option<Stamp>>,
    /// A hash of the contents in force.
    contents: Option<u64>,
    trouble: Trouble,
}

/// Why new contents are not in force.
#[derive(Debug, Default, PartialEq, Eq)]
enum Trouble {
    /// They are.
    #[default]
    None,
    /// For one look only: a pair may have been caught between its first file and its second.
    New(String),
    /// For longer, and told.
    Told(String),
}

/// Tells one state of a file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// Watches files, and with a reloader the configuration, on a thread of its own.
///
/// # Errors
/// If the thread cannot be started.
pub fn start(files: Vec<LiveFile>, reloader: Option<Reloader>) -> io::Result<Watching> {
    let (letterbox, asked) = mpsc::channel();
    if !files.is_empty() || reloader.is_some() {
        let files = files.into_iter().map(Watched::new).collect();
        let watch = Watch { files, reloader, hasher: RandomState::new(), looks: 0 };
        thread::Builder::new().name("watch".to_owned()).spawn(move || watch.run(&asked))?;
    }
    Ok(Watching { letterbox: Letterbox::new(letterbox) })
}

// === impl Watching ===

impl Watching {
    /// Reads the configuration again, whether or not it changed. Returns before it is done.
    pub fn reload(&self) {
        self.letterbox.again();
    }

    /// Where configurations may be posted. As long as somebody has it, the watching does not end.
    #[must_use]
    pub fn letterbox(&self) -> Letterbox {
        self.letterbox.clone()
    }
}

// === impl Watch ===

impl Watch {
    fn run(mut self, asked: &Receiver<Ask>) {
        let mut next = Instant::now() + EVERY;
        loop {
            match asked.recv_timeout(next.saturating_duration_since(Instant::now())) {
                Ok(ask) => self.serve(ask, asked),
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {
                    self.look();
                    next = Instant::now() + EVERY;
                }
            }
        }
    }

    fn look(&mut self) {
        self.looks = self.looks.wrapping_add(1);
        let (thorough, now) = (self.looks.is_multiple_of(READ_EVERY), SystemTime::now());
        let files = self.reloader.as_mut().and_then(|reloader| reloader.look(thorough, now));
        self.follow(files);
        self.files.iter_mut().for_each(|watched| watched.look(thorough, now, &self.hasher));
    }

    fn serve(&mut self, ask: Ask, more: &Receiver<Ask>) {
        let next = match ask {
            Ask::Again => self.again(more),
            Ask::Serve(posted) => Some(posted),
        };
        if let Some(posted) = next {
            let files = self.reloader.as_mut().and_then(|reloader| reloader.post(posted));
            self.follow(files);
        }
    }

    /// Reads the configuration once for all who asked for it until now. Yields what was posted since.
    fn again(&mut self, more: &Receiver<Ask>) -> Option<Posted> {
        let posted = more.try_iter().find_map(|ask| match ask {
            Ask::Again => None,
            Ask::Serve(posted) => Some(posted),
        });
        let files = self.reloader.as_mut().and_then(Reloader::reload);
        self.follow(files);
        posted
    }

    /// The files of a new configuration take the place of the old one's.
    fn follow(&mut self, files: Option<Vec<LiveFile>>) {
        if let Some(files) = files {
            self.files = files.into_iter().map(Watched::new).collect();
        }
    }
}

// === impl Watched ===

impl Watched {
    /// The first look hands on whatever it finds: it may have changed since the configuration was read.
    fn new(file: LiveFile) -> Self {
        Self { file, stamps: Vec::new(), contents: None, trouble: Trouble::None }
    }

    /// Looks, and hands on what is new.
    fn look(&mut self, thorough: bool, now: SystemTime, hasher: &RandomState) {
        let stamps = stamps(&self.file.paths);
        let same = stamps == self.stamps && !stamps.iter().flatten().any(|stamp| stamp.is_hot(now));
        if same && !thorough && self.trouble == Trouble::None {
            return;
        }
        self.stamps = stamps;
        match self.take(hasher) {
            Ok(()) => self.trouble = Trouble::None,
            Err(reason) => self.remember(reason),
        }
    }

    fn take(&mut self, hasher: &RandomState) -> Result<(), String> {
        let contents = read(&self.file.paths)?;
        let hash = hasher.hash_one(&contents);
        if self.contents == Some(hash) {
            return Ok(());
        }
        (self.file.take)(&contents)?;
        self.contents = Some(hash);
        Ok(())
    }

    /// Tells of trouble that lasts, once.
    fn remember(&mut self, reason: String) {
        self.trouble = match &self.trouble {
            Trouble::Told(old) if *old == reason => return,
            Trouble::None => Trouble::New(reason),
            _ => {
                let names = self.file.paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>();
                tracing::warn!(%reason, files = names.join(", "), "a changed file is not used; the old content stays");
                Trouble::Told(reason)
            }
        };
    }
}

/// What the system says of each file.
pub(super) fn stamps(paths: &[PathBuf]) -> Vec<Option<Stamp>> {
    paths.iter().map(|path| fs::metadata(path).ok().map(|found| Stamp::of(&found))).collect()
}

fn read(paths: &[PathBuf]) -> Result<Vec<Vec<u8>>, String> {
    let each = |path: &PathBuf| read_one(path).map_err(|error| format!("cannot read {}: {error}", path.display()));
    paths.iter().map(each).collect()
}

fn read_one(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(bytes) }
}

// === impl Stamp ===

impl Stamp {
    fn of(found: &Metadata) -> Self {
        Self {
            device: found.dev(),
            inode: found.ino(),
            size: found.size(),
            modified: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
        }
    }

    pub(super) fn is_hot(&self, now: SystemTime) -> bool {
        let seconds = now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let ago = i64::try_from(seconds).unwrap_or(i64::MAX).saturating_sub(self.modified.0.max(self.changed.0));
        ago <= i64::try_from(HOT.as_secs()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use std::sync::{Arc, Mutex};

    /// What was handed on; a text with `bad` in it is refused.
    type Taken = Arc<Mutex<Vec<String>>>;

    fn watched(paths: &[&Path]) -> (Watched, Taken, RandomState) {
        let (taken, hasher) = (Taken::default(), RandomState::new());
        let into = Arc::clone(&taken);
        let file = LiveFile::several(paths.iter().map(|path| path.to_path_buf()), move |contents| {
            let text = contents.iter().map(|bytes| String::from_utf8_lossy(bytes)).collect::<Vec<_>>().join("+");
            if text.contains("bad") {
                return Err("it is bad".to_owned());
            }
            into.lock().unwrap().push(text);
            Ok(())
        });
        (Watched::new(file), taken, hasher)
    }

    /// Long after any change: nothing is hot.
    fn later() -> SystemTime {
        SystemTime::now() + Duration::from_secs(100)
    }

    #[test]
    fn every_way_of_replacing_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("one"), "1").unwrap();
        fs::write(path("two"), "2").unwrap();
        std::os::unix::fs::symlink("one", path("link")).unwrap();
        let (mut watched, taken, hasher) = watched(&[&path("link")]);
        watched.look(false, later(), &hasher);
        std::os::unix::fs::symlink("two", path("new")).unwrap();
        fs::rename(path("new"), path("link")).unwrap();
        watched.look(false, later(), &hasher);
        fs::write(path("two"), "in place").unwrap();
        watched.look(false, later(), &hasher);
        fs::write(path("three"), "renamed").unwrap();
        fs::rename(path("three"), path("two")).unwrap();
        watched.look(false, later(), &hasher);
        watched.look(false, later(), &hasher);
        assert_eq!(*taken.lock().unwrap(), ["1", "2", "in place", "renamed"]);
    }

    #[test]
    fn what_is_refused_or_gone_changes_nothing_and_is_tried_again() {
        let folder = tempfile::tempdir().unwrap();
        let (cert, key) = (folder.path().join("cert"), folder.path().join("key"));
        fs::write(&cert, "c1").unwrap();
        fs::write(&key, "k1").unwrap();
        let (mut watched, taken, hasher) = watched(&[&cert, &key]);
        watched.look(false, later(), &hasher);
        fs::write(&cert, "bad").unwrap();
        watched.look(false, later(), &hasher);
        assert_eq!(watched.trouble, Trouble::New("it is bad".to_owned()));
        watched.look(false, later(), &hasher);
        assert_eq!(watched.trouble, Trouble::Told("it is bad".to_owned()));
        fs::remove_file(&cert).unwrap();
        watched.look(false, later(), &hasher);
        assert!(matches!(&watched.trouble, Trouble::Told(reason) if reason.starts_with("cannot read ")));
        fs::write(&cert, "c2").unwrap();
        watched.look(false, later(), &hasher);
        assert_eq!(*taken.lock().unwrap(), ["c1+k1", "c2+k1"]);
        assert_eq!(watched.trouble, Trouble::None);
    }

    #[test]
    fn a_hot_file_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "1").unwrap();
        let (mut watched, taken, hasher) = watched(&[&path]);
        watched.look(false, SystemTime::now(), &hasher);
        fs::write(&path, "2").unwrap();
        // As if the clock of the file system had not moved on.
        watched.stamps = stamps(std::slice::from_ref(&path));
        watched.look(false, SystemTime::now(), &hasher);
        assert_eq!(*taken.lock().unwrap(), ["1", "2"]);
    }
}
