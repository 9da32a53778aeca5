//! Is there anybody? Every server that a snapshot would send requests to is asked, side by side, as a request would find
//! it: its name looked up, a connection, TLS where the service wants it, and `OPTIONS *`, the one request that concerns no
//! resource (RFC 9110 §9.3.7).
//!
//! Facts only; what they mean for a file is said in `cli/online.rs`.

mod ask;
mod certificate;
mod http;
mod plan;
pub mod prefix;

pub use ask::{Question, ask_all};
pub use plan::{Server, servers};

use std::net::SocketAddr;
use std::time::Duration;

/// What came of asking a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The address that was connected to, if any was.
    pub address: Option<SocketAddr>,
    /// Addresses that could not be connected to before, and why.
    pub failed: Vec<(SocketAddr, String)>,
    /// What TLS brought.
    pub tls: Option<Tls>,
    /// What the server is.
    pub http: Option<Http>,
    /// Why a request would fail.
    pub trouble: Option<Trouble>,
    /// How long it all took.
    pub took: Duration,
}

/// What a handshake brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// `TLS 1.3`.
    pub version: &'static str,
    /// The certificate that the server showed: for whom, by whom, until when.
    pub certificate: String,
    /// Why it would not be believed if it was verified, where it isn't.
    pub doubt: Option<String>,
}

/// What answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Http {
    /// The status.
    pub status: u16,
    /// `Server`, if it says so.
    pub server: Option<String>,
}

/// Why a request would fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The name has no address; the resolver's words.
    Name(String),
    /// No address takes connections; the words for the last.
    Connect(String),
    /// TLS is wanted, and something else is spoken.
    NoTls,
    /// The handshake failed.
    Handshake(String),
    /// The certificate is not believed.
    Untrusted(String),
    /// TLS is spoken, and plain HTTP is wanted.
    OnlyTls,
    /// What came is no HTTP.
    NoHttp,
    /// It took the connection, and says nothing.
    Silent(Duration),
    /// It took the connection, and closed it without a word.
    Closed,
}

// === impl Answer ===

impl Answer {
    fn new(took: Duration) -> Self {
        Self { address: None, failed: Vec::new(), tls: None, http: None, trouble: None, took }
    }
}
