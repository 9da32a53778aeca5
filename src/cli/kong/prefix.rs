//! The prefix: the folder in which a gateway leaves what other commands need to find it, as Kong does: the settings that it
//! was started with (`.kong_env`), its process number, and the logs of one in the background.

use super::args::At;
use super::config::absolute;
use super::setup;
use super::voice::Voice;
use crate::cli::{edge, pid, print};
use crate::settings::pem;
use crate::settings::table::KEYS;
use rustix::process::Pid;
use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Folders in it.
const FOLDERS: [&str; 3] = ["logs", "pids", "ssl"];
/// Settings that hold a document, with all its secrets.
const WHOLE: &str = "declarative_config_string";
/// Time between two looks whether a process is still there.
const LOOK: Duration = Duration::from_millis(20);

const HEAD: &str = "\
# Written by `kong prepare` and `kong start`, for the commands that look for the gateway: the settings in force, without
# secrets. Changing it changes nothing.
";

/// A setting and its text.
pub(super) type Pair = (String, String);

/// A prefix, whether or not it is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Prefix(PathBuf);

// === impl Prefix ===

impl Prefix {
    /// This folder, under the name that Kong shows: whole, and without a slash at the end.
    pub(super) fn new(path: &Path) -> Self {
        Self(absolute(path).components().collect())
    }

    /// The one that a command means: `-p`, or what the settings say.
    ///
    /// # Errors
    /// All messages about the settings.
    pub(super) fn of(at: &At) -> Result<Self, String> {
        match &at.prefix {
            Some(prefix) => Ok(Self::new(Path::new(prefix))),
            None => Ok(Self::new(&setup::of(at)?.base.settings.prefix)),
        }
    }

    /// The folder.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Whether it is there.
    pub(super) fn exists(&self) -> bool {
        self.0.is_dir()
    }

    /// Whether something can be written there by this user.
    pub(super) fn is_writable(&self) -> bool {
        rustix::fs::access(&self.0, rustix::fs::Access::WRITE_OK).is_ok()
    }

    /// Where settings are noted.
    pub(super) fn env_file(&self) -> PathBuf {
        self.0.join(".kong_env")
    }

    /// Makes the folders.
    ///
    /// # Errors
    /// When they cannot be made.
    pub(super) fn prepare(&self, voice: Voice) -> Result<(), String> {
        if !self.exists() {
            voice.say(&format!("prefix directory {self} not found, trying to create it"));
        }
        let made = FOLDERS.iter().try_for_each(|folder| fs::create_dir_all(self.0.join(folder)));
        made.map_err(|error| self.unprepared(&error))
    }

    /// Notes the settings in force, for nobody else to read.
    ///
    /// # Errors
    /// When they cannot be written.
    pub(super) fn record(&self, set: &[(&'static str, String)]) -> Result<(), String> {
        self.try_record(&text(set)).map_err(|error| self.unprepared(&error))
    }

    fn try_record(&self, text: &str) -> io::Result<()> {
        // Another command may read it at the same time, so it is there as a whole or not at all.
        let new = self.0.join(format!(".kong_env.{}", std::process::id()));
        let written = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new);
        let moved = written.and_then(|mut file| file.write_all(text.as_bytes()));
        moved.and_then(|()| fs::rename(&new, self.env_file())).inspect_err(|_| _ = fs::remove_file(&new))
    }

    fn unprepared(&self, error: &io::Error) -> String {
        format!("could not prepare Kong prefix at {self}: {}", print::reason(error))
    }

    /// What was noted.
    ///
    /// # Errors
    /// When nothing was, in Kong's words.
    pub(super) fn recorded(&self) -> Result<Vec<Pair>, String> {
        edge::read_conf(&self.env_file())
    }

    /// The process that serves with it; `None` where there is none, or it could leave no sign.
    pub(super) fn running(&self) -> Option<Pid> {
        pid::running(&self.0).ok()
    }

    /// The same for a command that must find it.
    ///
    /// # Errors
    /// In Kong's words, why it is not found.
    pub(super) fn must_run(&self) -> Result<Pid, String> {
        if !self.exists() {
            return Err(format!("no such prefix: {self}"));
        }
        match self.running().or_else(|| self.first_process()) {
            Some(pid) => Ok(pid),
            None => self.recorded().and_then(|_| Err(format!("nginx not running in prefix: {self}"))),
        }
    }

    /// In a container with a file system that cannot be written there is no sign of a gateway; it is the first process.
    fn first_process(&self) -> Option<Pid> {
        let own = fs::read_link("/proc/self/exe").ok()?;
        let first = fs::read_link("/proc/1/exe").ok()?;
        (own == first && !self.is_writable()).then_some(Pid::INIT)
    }

    /// Whether a process ends within this time.
    pub(super) fn ends(&self, pid: Pid, limit: Duration) -> bool {
        let end = Instant::now() + limit;
        loop {
            let there =
                self.running() == Some(pid) || (pid == Pid::INIT && rustix::process::test_kill_process(pid).is_ok());
            if !there || Instant::now() >= end {
                return !there;
            }
            std::thread::sleep(LOOK);
        }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}

/// Settings in the syntax of kong.conf, the defaults among them; without secrets.
fn text(set: &[(&'static str, String)]) -> String {
    let given = |key: &str| set.iter().any(|(name, _)| *name == key);
    let missing = KEYS.iter().filter(|key| !key.default.is_empty() && !given(key.name));
    let missing = missing.filter(|key| !key.also.iter().any(|other| given(other)));
    let all = set.iter().map(|(name, value)| (*name, &**value)).chain(missing.map(|key| (key.name, key.default)));
    let mut lines: Vec<_> = all.filter(|(name, value)| is_public(name, value)).map(line).collect();
    lines.sort_unstable();
    format!("{HEAD}{}", lines.concat())
}

fn line((name, value): (&str, &str)) -> String {
    format!("{name} = {}\n", value.replace('#', "\\#"))
}

/// Whether others may know it, and it fits into a line.
fn is_public(name: &str, value: &str) -> bool {
    name != WHOLE && !pem::is_text(value) && !value.contains(['\n', '\r'])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_is_noted_is_read_again_and_holds_no_secret() {
        let folder = tempfile::tempdir().unwrap();
        let prefix = Prefix::new(&folder.path().join("p/"));
        assert!(!prefix.path().to_string_lossy().ends_with('/'));
        assert_eq!(prefix.must_run().unwrap_err(), format!("no such prefix: {prefix}"));
        prefix.prepare(Voice::Plain).unwrap();
        assert_eq!(prefix.must_run().unwrap_err(), format!("no file at: {prefix}/.kong_env"));
        let set = [
            ("log_level", "debug".to_owned()),
            ("proxy_access_log", "/a#b".to_owned()),
            ("declarative_config_string", "{s3cret}".to_owned()),
            ("ssl_cert_key", "-----BEGIN PRIVATE KEY-----\ns3cret".to_owned()),
            ("nginx_http_client_max_body_size", "1k".to_owned()),
        ];
        prefix.record(&set).unwrap();
        let all = prefix.recorded().unwrap();
        let value = |key: &str| all.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str());
        assert_eq!((value("log_level"), value("proxy_access_log")), (Some("debug"), Some("/a#b")));
        assert_eq!((value("database"), value("client_max_body_size")), (Some("off"), None));
        assert!(!fs::read_to_string(prefix.env_file()).unwrap().contains("s3cret"));
        assert_eq!(fs::metadata(prefix.env_file()).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(prefix.must_run().unwrap_err(), format!("nginx not running in prefix: {prefix}"));
    }
}
