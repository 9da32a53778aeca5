//! The threads that write access logs, one for each file: a slow reader of a log never holds up a request.
//!
//! A log that cannot be written, since the disk is full or its reader is gone, loses lines, and nothing else. Whole lines:
//! what was cut off in the middle is written to its end before anything else is.

use crate::settings::Target;
use rustix::fs::OFlags;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, TrySendError, channel, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// Batches of lines that may wait for their writer; more are dropped.
const WAITING: usize = 256;
/// How often a pipe that is full is tried again, and the time between two attempts.
const ATTEMPTS: usize = 100;
const REST: Duration = Duration::from_millis(10);

/// The end of a log that workers have.
#[derive(Clone, Debug)]
pub struct Sink(SyncSender<Message>);

/// What a writer is told.
#[derive(Debug)]
pub(super) enum Message {
    /// Whole lines.
    Lines(Vec<u8>),
    /// To look whether it must open its file anew.
    Look,
}

/// The logs of a process.
#[derive(Debug, Default)]
pub struct Logs(Vec<Open>);

#[derive(Debug)]
struct Open {
    target: Target,
    sink: Sink,
    reopen: Arc<AtomicBool>,
    /// Tells when the writer has ended.
    done: Receiver<()>,
}

/// What writes.
struct Writer {
    target: Target,
    out: File,
    reopen: Arc<AtomicBool>,
    /// The rest of a line whose beginning is written.
    rest: Vec<u8>,
    /// Lines that were lost since it failed; `None` while all is well.
    lost: Option<u64>,
    /// Closed at the end.
    _done: Sender<()>,
}

// === impl Sink ===

impl Sink {
    /// Hands on lines, and never waits.
    ///
    /// # Errors
    /// How many lines were dropped, as nobody took them.
    pub fn send(&self, lines: Vec<u8>) -> Result<(), u64> {
        match self.0.try_send(Message::Lines(lines)) {
            Err(TrySendError::Full(Message::Lines(lost)) | TrySendError::Disconnected(Message::Lines(lost))) => {
                Err(count(&lost))
            }
            _ => Ok(()),
        }
    }

    /// One that fills a channel.
    #[cfg(test)]
    pub(super) fn into(room: usize) -> (Self, Receiver<Message>) {
        let (sender, receiver) = sync_channel(room);
        (Self(sender), receiver)
    }
}

// === impl Logs ===

impl Logs {
    /// The log of a target, opened once; `None` for none.
    ///
    /// # Errors
    /// When a file cannot be opened for appending.
    pub fn open(&mut self, target: &Target) -> io::Result<Option<Sink>> {
        if let Some(open) = self.0.iter().find(|open| open.target == *target) {
            return Ok(Some(open.sink.clone()));
        }
        let Some(out) = open(target)? else { return Ok(None) };
        let (sender, messages) = sync_channel(WAITING);
        let (end, done) = channel();
        let (sink, reopen) = (Sink(sender), Arc::<AtomicBool>::default());
        let (target, rest) = (target.clone(), Vec::new());
        let writer = Writer { target: target.clone(), out, reopen: Arc::clone(&reopen), rest, lost: None, _done: end };
        thread::Builder::new().name("access-log".into()).spawn(move || writer.run(&messages))?;
        self.0.push(Open { target, sink: sink.clone(), reopen, done });
        Ok(Some(sink))
    }

    /// Opens files anew, as they were moved away. Returns before it is done.
    pub fn reopen(&self) {
        for Open { sink, reopen, .. } in &self.0 {
            reopen.store(true, Ordering::Release);
            // One that is full of lines looks before the next of them.
            let _ = sink.0.try_send(Message::Look);
        }
    }

    /// Lets what was handed on be written, once every other sink is gone, within a limit.
    pub fn finish(self, limit: Duration) {
        let end = Instant::now() + limit;
        for Open { target, sink, done, .. } in self.0 {
            drop(sink);
            if done.recv_timeout(end.saturating_duration_since(Instant::now())) == Err(RecvTimeoutError::Timeout) {
                tracing::warn!(log = %target, "the time to write the access log ran out; lines may be lost");
            }
        }
    }
}

fn open(target: &Target) -> io::Result<Option<File>> {
    match target {
        Target::Off => Ok(None),
        // Not by their names: sockets have none.
        Target::Stdout => io::stdout().as_fd().try_clone_to_owned().map(|fd| Some(fd.into())),
        Target::Stderr => io::stderr().as_fd().try_clone_to_owned().map(|fd| Some(fd.into())),
        Target::File(path) => append(path).map(Some),
    }
}

/// A pipe that nobody reads is an error, rather than something to wait for.
fn append(path: &Path) -> io::Result<File> {
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    OpenOptions::new().create(true).append(true).mode(0o644).custom_flags(flags).open(path)
}

// === impl Writer ===

impl Writer {
    fn run(mut self, messages: &Receiver<Message>) {
        for message in messages {
            if self.reopen.swap(false, Ordering::Acquire) {
                self.open_anew();
            }
            if let Message::Lines(lines) = message {
                self.take(lines);
            }
        }
        if let Some(lines) = self.lost {
            tracing::warn!(log = %self.target, lines, "lines of the access log were lost");
        }
    }

    /// On failure the old file is written on.
    fn open_anew(&mut self) {
        let Target::File(path) = &self.target else { return };
        match append(path) {
            Ok(out) => {
                self.out = out;
                if !std::mem::take(&mut self.rest).is_empty() {
                    self.lost = self.lost.map(|lost| lost + 1);
                }
                tracing::info!(log = %self.target, "the access log was opened anew");
            }
            Err(error) => tracing::error!(log = %self.target, %error, "the access log cannot be opened anew"),
        }
    }

    fn take(&mut self, lines: Vec<u8>) {
        let begun = !self.rest.is_empty();
        let text = if begun { [std::mem::take(&mut self.rest), lines].concat() } else { lines };
        let (written, result) = write(&mut self.out, &text);
        let Err(error) = result else { return self.recover() };
        let cut = if written == 0 { begun } else { text[written - 1] != b'\n' };
        let kept = if cut { line_end(&text, written) } else { written };
        self.rest = text[written..kept].to_vec();
        self.fail(count(&text[kept..]), &error);
    }

    /// Tells it once.
    fn fail(&mut self, lines: u64, error: &io::Error) {
        if self.lost.is_none() {
            tracing::error!(log = %self.target, %error, "the access log cannot be written; until it can, its lines are lost");
        }
        *self.lost.get_or_insert_default() += lines;
    }

    fn recover(&mut self) {
        if let Some(lines) = self.lost.take() {
            tracing::warn!(log = %self.target, lines, "the access log is written again; lines were lost");
        }
    }
}

/// Writes as much as can be: how many bytes, and why not all of them.
fn write(out: &mut impl Write, text: &[u8]) -> (usize, io::Result<()>) {
    let (mut written, mut attempts) = (0, 0);
    while written < text.len() {
        match out.write(&text[written..]) {
            Ok(0) => return (written, Err(ErrorKind::WriteZero.into())),
            Ok(more) => (written, attempts) = (written + more, 0),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock && attempts < ATTEMPTS => {
                attempts += 1;
                thread::sleep(REST);
            }
            Err(error) => return (written, Err(error)),
        }
    }
    (written, Ok(()))
}

/// Where the line that `at` is in ends, its line feed included.
fn line_end(text: &[u8], at: usize) -> usize {
    text[at..].iter().position(|byte| *byte == b'\n').map_or(text.len(), |end| at + end + 1)
}

/// How many lines a text has.
fn count(text: &[u8]) -> u64 {
    text.iter().filter(|byte| **byte == b'\n').count() as u64
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::fs;

    const LIMIT: Duration = Duration::from_secs(20);

    fn writer(path: &Path) -> Writer {
        let target = Target::File(path.to_owned());
        let out = open(&target).unwrap().unwrap();
        Writer { target, out, reopen: Arc::default(), rest: Vec::new(), lost: None, _done: channel().0 }
    }

    #[test]
    fn a_file_is_opened_anew_when_told_and_not_before() {
        let folder = tempfile::tempdir().unwrap();
        let (path, old) = (folder.path().join("a.log"), folder.path().join("a.log.1"));
        let mut logs = Logs::default();
        let sink = logs.open(&Target::File(path.clone())).unwrap().unwrap();
        sink.send(b"1\n".to_vec()).unwrap();
        while fs::read(&path).unwrap() != b"1\n" {}
        fs::rename(&path, &old).unwrap();
        sink.send(b"2\n".to_vec()).unwrap();
        while fs::read(&old).unwrap() != b"1\n2\n" {}
        logs.reopen();
        sink.send(b"3\n".to_vec()).unwrap();
        drop(sink);
        logs.finish(LIMIT);
        assert_eq!((fs::read(&old).unwrap(), fs::read(&path).unwrap()), (b"1\n2\n".to_vec(), b"3\n".to_vec()));
    }

    #[test]
    fn one_target_has_one_writer() {
        let folder = tempfile::tempdir().unwrap();
        let target = Target::File(folder.path().join("a"));
        let mut logs = Logs::default();
        assert!(logs.open(&target).unwrap().is_some() && logs.open(&target).unwrap().is_some());
        assert!(logs.open(&Target::Off).unwrap().is_none());
        assert_eq!(logs.0.len(), 1);
        assert!(logs.open(&Target::File("/none/a".into())).is_err());
        logs.finish(LIMIT);
    }

    #[test]
    fn a_disk_that_is_full_costs_whole_lines_and_they_are_counted() {
        let mut full = writer(Path::new("/dev/full"));
        full.take(b"1\n2\n".to_vec());
        full.take(b"3\n".to_vec());
        assert_eq!((full.lost, full.rest.len()), (Some(3), 0));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        full.target = Target::File(path.clone());
        full.open_anew();
        full.take(b"4\n".to_vec());
        assert_eq!((full.lost, fs::read(&path).unwrap()), (None, b"4\n".to_vec()));
    }

    #[test]
    fn a_line_that_was_cut_off_is_ended_first() {
        let (reader, end) = io::pipe().unwrap();
        rustix::io::ioctl_fionbio(&end, true).unwrap();
        let mut log = writer(Path::new("/dev/null"));
        log.out = File::from(std::os::fd::OwnedFd::from(end));
        let line = [vec![b'x'; 999], vec![b'\n']].concat();
        let sent = 100;
        log.take(line.repeat(sent));
        assert!(log.lost.is_some_and(|lost| lost > 0) && !log.rest.is_empty(), "{:?}", log.lost);
        let lost = log.lost.unwrap();
        let mut reader = io::BufReader::new(reader);
        let mut whole = Vec::new();
        let kept = sent as u64 - lost;
        for _ in 1..kept {
            io::BufRead::read_until(&mut reader, b'\n', &mut whole).unwrap();
        }
        log.take(b"end\n".to_vec());
        drop(log);
        io::Read::read_to_end(&mut reader, &mut whole).unwrap();
        assert_eq!(whole.split(|byte| *byte == b'\n').filter(|text| text.len() == 999).count() as u64, kept);
        assert!(whole.ends_with(b"x\nend\n") && count(&whole) == kept + 1);
    }

    #[test]
    fn a_pipe_without_a_reader_is_no_log() {
        let (reader, end) = io::pipe().unwrap();
        drop(reader);
        let mut log = writer(Path::new("/dev/null"));
        log.out = File::from(std::os::fd::OwnedFd::from(end));
        log.take(b"1\n".to_vec());
        assert_eq!(log.lost, Some(1));
    }
}
