//! Asking: name, connection, TLS, HTTP, within one time limit per server.

use super::plan::Server;
use super::{Answer, Tls, Trouble, certificate, http};
use crate::settings::Settings;
use crate::snapshot::{Host, UpstreamTls};
use crate::upstream::dns::{Limits, Resolver, Told, system};
use crate::upstream::tls::ClientConfigs;
use futures_util::StreamExt as _;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::LocalSet;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// How many servers are asked at once.
const AT_ONCE: usize = 32;

/// Most addresses of a name that are tried.
const ADDRESSES: usize = 4;

/// One request to a server.
#[derive(Clone, Debug)]
pub struct Question {
    /// Its method.
    pub method: &'static str,
    /// Its target.
    pub target: String,
}

/// What asking needs.
struct Asker {
    resolver: Resolver,
    configs: ClientConfigs,
    limit: Duration,
}

/// A server that took a connection.
struct Met<'a> {
    server: &'a Server,
    address: SocketAddr,
    request: Vec<u8>,
}

/// Asks every server its question, each for no longer than `limit`. `progress` is told the number of answers so far.
///
/// # Errors
/// When this process has no runtime for it, or its own client certificate cannot be used; a message.
pub fn ask_all(
    asked: &[(&Server, Question)],
    settings: &Settings,
    limit: Duration,
    progress: impl Fn(usize),
) -> Result<Vec<Answer>, String> {
    let configs = ClientConfigs::new(settings).map_err(|error| error.to_string())?;
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    let Settings { dns_max_ttl: ttl, dns_stale_ttl: stale, dns_timeout: timeout, .. } = *settings;
    let limits = Limits { ttl, stale, timeout };
    let resolver = Resolver::new(&settings.resolve, limits, Arc::new(Told::default()), system());
    let asker = Asker { resolver, configs, limit };
    let answers = LocalSet::new().block_on(&runtime, asker.all(asked, &progress));
    // A look-up that never ends has a thread, which nobody waits for.
    runtime.shutdown_background();
    Ok(answers)
}

// === impl Question ===

impl Question {
    /// What concerns no resource of a server.
    #[must_use]
    pub fn whole_server() -> Self {
        Self { method: "OPTIONS", target: "*".to_owned() }
    }
}

// === impl Asker ===

impl Asker {
    async fn all(&self, asked: &[(&Server, Question)], progress: &impl Fn(usize)) -> Vec<Answer> {
        let numbered = asked.iter().enumerate();
        let asking = numbered.map(|(at, (server, question))| async move { (at, self.answer(server, question).await) });
        let mut answers = futures_util::stream::iter(asking).buffer_unordered(AT_ONCE);
        let mut found: Vec<Option<Answer>> = vec![None; asked.len()];
        let mut count = 0;
        while let Some((at, answer)) = answers.next().await {
            found[at] = Some(answer);
            count += 1;
            progress(count);
        }
        found.into_iter().flatten().collect()
    }

    async fn answer(&self, server: &Server, question: &Question) -> Answer {
        let start = Instant::now();
        let mut answer = Answer::new(Duration::ZERO);
        // The steps write into it what they found, and first what it means if the time is over meanwhile.
        match timeout(self.limit, self.steps(server, question, &mut answer)).await {
            Ok(done) => answer.trouble = done.err(),
            Err(_) if answer.http.is_some() => answer.trouble = None,
            Err(_) => {}
        }
        answer.took = start.elapsed();
        answer
    }

    async fn steps(&self, server: &Server, question: &Question, answer: &mut Answer) -> Result<(), Trouble> {
        let slow = || format!("no answer within {:?}", self.limit);
        answer.trouble = Some(Trouble::Name(slow()));
        let addresses = self.addresses(server).await?;
        answer.trouble = Some(Trouble::Connect(slow()));
        let socket = connect(&addresses, self.limit, answer).await?;
        answer.trouble = Some(Trouble::Silent(self.limit));
        let address = socket.peer_addr().map_err(|error| Trouble::Connect(reason(&error)))?;
        let met = Met { server, address, request: http::request(question.method, &question.target, &server.authority) };
        match &server.tls {
            None => self.plain(&met, socket, answer).await,
            Some(way) => self.secure(&met, way, socket, answer).await,
        }
    }

    /// Some servers close without a word when they want TLS: a handshake tells.
    async fn plain(&self, met: &Met<'_>, socket: TcpStream, answer: &mut Answer) -> Result<(), Trouble> {
        let read = http::parse(&exchange(socket, &met.request).await);
        if read == Err(Trouble::Closed) {
            answer.trouble = Some(Trouble::Closed);
            if self.again(met, &UpstreamTls::default()).await.is_ok() {
                return Err(Trouble::OnlyTls);
            }
        }
        answer.http = Some(read?);
        Ok(())
    }

    /// The handshake as configured. Another one tells, where nothing is verified, what verifying would say, and where
    /// nothing was believed, whose certificate it is.
    async fn secure(
        &self,
        met: &Met<'_>,
        way: &UpstreamTls,
        socket: TcpStream,
        answer: &mut Answer,
    ) -> Result<(), Trouble> {
        let other = UpstreamTls { verify: !way.verify, ..way.clone() };
        let limited = timeout(self.limit / 2, self.handshake(met.server, way, socket)).await;
        let silent = || Err(Trouble::Handshake(format!("no answer within {:?}", self.limit / 2)));
        match limited.unwrap_or_else(|_| silent()) {
            Ok(stream) => {
                answer.tls = Some(facts(&stream));
                answer.http = Some(http::parse(&exchange(stream, &met.request).await)?);
                // The first connection is closed by now: a server may serve one at a time.
                let doubt = if way.verify { None } else { self.again(met, &other).await.err() };
                if let (Some(tls), Some(Trouble::Untrusted(doubt))) = (&mut answer.tls, doubt) {
                    tls.doubt = Some(doubt);
                }
                Ok(())
            }
            Err(trouble) => {
                answer.trouble = Some(trouble.clone());
                self.explain(met, &other, trouble, answer).await
            }
        }
    }

    /// Why a handshake failed.
    async fn explain(
        &self,
        met: &Met<'_>,
        unverified: &UpstreamTls,
        trouble: Trouble,
        answer: &mut Answer,
    ) -> Result<(), Trouble> {
        match trouble {
            Trouble::Untrusted(_) => answer.tls = self.again(met, unverified).await.ok().map(|stream| facts(&stream)),
            // A server of plain HTTP may wait for the end of a head that never comes.
            Trouble::Handshake(_) => {
                let socket = TcpStream::connect(met.address).await.map_err(|_| trouble.clone())?;
                if http::parse(&exchange(socket, &met.request).await).is_ok() {
                    return Err(Trouble::NoTls);
                }
            }
            _ => {}
        }
        Err(trouble)
    }

    /// Another connection, for a handshake only.
    async fn again(&self, met: &Met<'_>, way: &UpstreamTls) -> Result<TlsStream<TcpStream>, Trouble> {
        let socket = TcpStream::connect(met.address).await.map_err(|error| Trouble::Connect(reason(&error)))?;
        self.handshake(met.server, way, socket).await
    }

    async fn addresses(&self, server: &Server) -> Result<Vec<SocketAddr>, Trouble> {
        match &server.host {
            Host::Address(ip) => Ok(vec![SocketAddr::new(*ip, server.port)]),
            Host::Name(name) => {
                let found = self.resolver.resolve(name, server.port).await;
                let found = found.map_err(|error| Trouble::Name(short(&error.to_string())))?;
                Ok(found.all().iter().take(ADDRESSES).copied().collect())
            }
            // A plan has the targets in place of their upstream.
            Host::Upstream(_) => Err(Trouble::Name("it has no address".to_owned())),
        }
    }

    async fn handshake(
        &self,
        server: &Server,
        way: &UpstreamTls,
        socket: TcpStream,
    ) -> Result<TlsStream<TcpStream>, Trouble> {
        let way = self.configs.get(way).map_err(|error| Trouble::Handshake(error.to_string()))?;
        let name = way.name(server.authority.to_str().unwrap_or_default());
        let name = name.map_err(|error| Trouble::Handshake(error.to_string()))?;
        let connected = TlsConnector::from(way.config.clone()).connect(name, socket).await;
        connected.map_err(|error| handshake_trouble(&error))
    }
}

/// The first address that takes a connection; each gets its share of the time. Those that do not are remembered.
async fn connect(addresses: &[SocketAddr], limit: Duration, answer: &mut Answer) -> Result<TcpStream, Trouble> {
    let share = limit / u32::try_from(addresses.len().max(1)).unwrap_or(1);
    for address in addresses {
        let reason = match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(socket)) => {
                answer.address = Some(*address);
                return Ok(socket);
            }
            Ok(Err(error)) => reason(&error),
            Err(_) => format!("no answer within {share:?}"),
        };
        answer.failed.push((*address, reason));
    }
    let last = answer.failed.last().map(|(_, reason)| reason.clone());
    Err(Trouble::Connect(last.unwrap_or_else(|| "it has no address".to_owned())))
}

fn facts(stream: &TlsStream<TcpStream>) -> Tls {
    let (_, connection) = stream.get_ref();
    let version = match connection.protocol_version() {
        Some(rustls::ProtocolVersion::TLSv1_2) => "TLS 1.2",
        _ => "TLS 1.3",
    };
    let leaf = connection.peer_certificates().and_then(<[_]>::first);
    let certificate = leaf.map_or_else(|| "that it did not show".to_owned(), certificate::words);
    Tls { version, certificate, doubt: None }
}

fn handshake_trouble(error: &io::Error) -> Trouble {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidCertificate(error)) => Trouble::Untrusted(certificate::refusal(error)),
        Some(rustls::Error::InvalidMessage(_)) => Trouble::NoTls,
        Some(error) => Trouble::Handshake(error.to_string()),
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            Trouble::Handshake("it closed the connection".to_owned())
        }
        None => Trouble::Handshake(reason(error)),
    }
}

/// Sends, and reads as much of the answer as says what it is. What was read before an error counts.
async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, request: &[u8]) -> Vec<u8> {
    let mut read = Vec::new();
    if stream.write_all(request).await.is_err() || stream.flush().await.is_err() {
        return read;
    }
    let mut piece = [0; 2048];
    while http::wants_more(&read) {
        match stream.read(&mut piece).await {
            Ok(n) if n > 0 => read.extend_from_slice(&piece[..n]),
            _ => break,
        }
    }
    // The words that servers have for plain HTTP on a TLS port are in the body, which mostly came along.
    read
}

/// Without what every failed look-up begins with.
fn short(words: &str) -> String {
    words.strip_prefix("failed to lookup address information: ").unwrap_or(words).to_ascii_lowercase()
}

/// The system's words within a sentence.
fn reason(error: &io::Error) -> String {
    crate::world::reason(error).to_ascii_lowercase()
}
