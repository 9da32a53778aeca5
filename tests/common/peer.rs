//! One end of a TCP connection that speaks HTTP/1 as bytes: the client of a gateway, or a connection that it opened.
//!
//! It does not correct anything: what a test sends is what goes over the wire, well-formed or not.

use super::LIMIT;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::time::Duration;

/// A connection, and the bytes that were read but not taken yet.
pub(crate) struct Peer {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// The head of a request or an answer.
#[derive(Debug)]
pub(crate) struct Head {
    /// Request line or status line.
    pub(crate) line: String,
    /// Header lines in their order.
    pub(crate) headers: Vec<(String, String)>,
}

// === impl Peer ===

impl Peer {
    /// Connects to a port of this machine.
    pub(crate) fn connect(port: u16) -> io::Result<Self> {
        Self::connect_to(("127.0.0.1", port))
    }

    /// Connects to an address.
    pub(crate) fn connect_to(address: impl ToSocketAddrs) -> io::Result<Self> {
        Self::new(TcpStream::connect(address)?)
    }

    /// Takes over an open connection.
    pub(crate) fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(LIMIT))?;
        stream.set_write_timeout(Some(LIMIT))?;
        Ok(Self { stream, buffer: Vec::new() })
    }

    /// Changes how long one read or write may take.
    pub(crate) fn limit(&self, limit: Duration) {
        self.stream.set_read_timeout(Some(limit)).unwrap();
        self.stream.set_write_timeout(Some(limit)).unwrap();
    }

    /// Sends bytes as they are.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(bytes.as_ref())
    }

    /// Sends one chunk of a chunked body.
    pub(crate) fn send_chunk(&mut self, data: impl AsRef<[u8]>) -> io::Result<()> {
        let data = data.as_ref();
        let mut chunk = format!("{:x}\r\n", data.len()).into_bytes();
        chunk.extend_from_slice(data);
        chunk.extend_from_slice(b"\r\n");
        self.send(chunk)
    }

    /// Writes once, and says how many bytes were taken.
    pub(crate) fn send_some(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    /// Closes the sending half only.
    pub(crate) fn finish(&self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// A head; the end of the stream before it is an error.
    pub(crate) fn head(&mut self) -> io::Result<Head> {
        let text = self.until(b"\r\n\r\n")?;
        Ok(Head::parse(&text))
    }

    /// Exactly this many bytes.
    pub(crate) fn exact(&mut self, count: usize) -> io::Result<Vec<u8>> {
        while self.buffer.len() < count {
            self.fill()?;
        }
        let rest = self.buffer.split_off(count);
        Ok(std::mem::replace(&mut self.buffer, rest))
    }

    /// Everything up to `mark`, which is taken too but not given back.
    pub(crate) fn until(&mut self, mark: &[u8]) -> io::Result<Vec<u8>> {
        loop {
            if let Some(at) = self.buffer.windows(mark.len()).position(|w| w == mark) {
                let mut taken = self.exact(at + mark.len())?;
                taken.truncate(at);
                return Ok(taken);
            }
            self.fill()?;
        }
    }

    /// The next chunk of a chunked body; `None` at the last one, whose trailers are still to be read.
    pub(crate) fn chunk(&mut self) -> io::Result<Option<Vec<u8>>> {
        let line = self.until(b"\r\n")?;
        let size = String::from_utf8_lossy(&line).split(';').next().unwrap().trim().to_owned();
        let size = usize::from_str_radix(&size, 16).map_err(|_| ErrorKind::InvalidData)?;
        if size == 0 {
            return Ok(None);
        }
        let data = self.exact(size)?;
        self.exact(2)?;
        Ok(Some(data))
    }

    /// Trailers after the last chunk, up to the empty line that ends them.
    pub(crate) fn trailers(&mut self) -> io::Result<Vec<String>> {
        let mut out = Vec::new();
        loop {
            let line = self.until(b"\r\n")?;
            if line.is_empty() {
                return Ok(out);
            }
            out.push(String::from_utf8_lossy(&line).into_owned());
        }
    }

    /// The body that belongs to a head, decoded. An error when it ends early.
    pub(crate) fn body(&mut self, head: &Head) -> io::Result<Vec<u8>> {
        if head.get("transfer-encoding").is_some_and(|v| v.eq_ignore_ascii_case("chunked")) {
            let mut out = Vec::new();
            while let Some(data) = self.chunk()? {
                out.extend_from_slice(&data);
            }
            self.trailers()?;
            return Ok(out);
        }
        match head.get("content-length") {
            Some(length) => self.exact(length.parse().map_err(|_| ErrorKind::InvalidData)?),
            None if head.line.starts_with("HTTP/") => self.rest(),
            None => Ok(Vec::new()),
        }
    }

    /// Everything up to the end of the stream.
    pub(crate) fn rest(&mut self) -> io::Result<Vec<u8>> {
        loop {
            match self.fill() {
                Err(e) if e.kind() == ErrorKind::UnexpectedEof => return Ok(std::mem::take(&mut self.buffer)),
                other => other?,
            }
        }
    }

    /// Whether the other side ends or resets the connection within `limit`; what it sends before is dropped.
    pub(crate) fn closes_within(&mut self, limit: Duration) -> bool {
        let end = std::time::Instant::now() + limit;
        self.stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        while std::time::Instant::now() < end {
            match self.fill() {
                Ok(()) => self.buffer.clear(),
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(_) => return true,
            }
        }
        false
    }

    /// Whether no byte arrives for this long and the connection stays open.
    pub(crate) fn silent_for(&mut self, time: Duration) -> bool {
        self.stream.set_read_timeout(Some(time)).unwrap();
        let result = self.buffer.is_empty().then(|| self.fill());
        self.stream.set_read_timeout(Some(LIMIT)).unwrap();
        matches!(result, Some(Err(e)) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut))
    }

    fn fill(&mut self) -> io::Result<()> {
        let mut space = [0; 16 * 1024];
        match self.stream.read(&mut space)? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            count => {
                self.buffer.extend_from_slice(&space[..count]);
                Ok(())
            }
        }
    }
}

// === impl Head ===

impl Head {
    fn parse(text: &[u8]) -> Self {
        let text = String::from_utf8_lossy(text);
        let mut lines = text.split("\r\n");
        let line = lines.next().unwrap_or_default().to_owned();
        let headers = lines
            .filter_map(|l| l.split_once(':'))
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect();
        Self { line, headers }
    }

    /// Value of the first header line of this name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Status of an answer; 0 if this is not one.
    pub(crate) fn status(&self) -> u16 {
        self.line.strip_prefix("HTTP/1.").and_then(|l| l.get(2..5)).and_then(|s| s.parse().ok()).unwrap_or_default()
    }
}
