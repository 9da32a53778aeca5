//! Requests to an authority: a connection each, over TLS that is verified as upstreams are, within limits.

use crate::snapshot::{UpstreamTls, authority};
use crate::upstream::tls::ClientConfigs;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{Request, Response, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Body;
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// Longest time for a connection, TLS included.
const CONNECT: Duration = Duration::from_secs(10);
/// Longest time for a request, and its answer.
const ANSWER: Duration = Duration::from_secs(30);
/// Most bytes of an answer.
const MOST: usize = 1 << 20;
/// Most intermediate certificates of an authority's own TLS.
const DEPTH: u8 = 10;

/// Speaks HTTP for the library.
pub(super) struct Client(pub Arc<ClientConfigs>);

type Trouble = Box<dyn std::error::Error + Send + Sync>;

/// A socket, with TLS or without.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

// === impl Client ===

impl HttpClient for Client {
    fn request(
        &self,
        req: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let configs = Arc::clone(&self.0);
        Box::pin(async move { ask(&configs, req).await.map(BytesResponse::from).map_err(Error::Other) })
    }
}

async fn ask(configs: &ClientConfigs, req: Request<BodyWrapper<Bytes>>) -> Result<Response<Full<Bytes>>, Trouble> {
    let (mut parts, body) = req.into_parts();
    let at = Address::of(&parts.uri)?;
    let stream = timeout(CONNECT, at.connect(configs)).await.map_err(|_| format!("{at} did not answer in time"))?;
    let stream = stream.map_err(|error| format!("{at} cannot be reached: {error}"))?;
    parts.headers.insert(HOST, authority(&at.host, at.port, at.https));
    parts.uri = parts.uri.path_and_query().map_or("/", |target| target.as_str()).parse()?;
    let answer = timeout(ANSWER, exchange(stream, Request::from_parts(parts, body))).await;
    let answer = answer.map_err(|_| format!("{at} did not answer in time"))??;
    if answer.status().is_client_error() || answer.status().is_server_error() {
        told(&answer).ok_or_else(|| format!("{at} answered {}", answer.status()))?;
    }
    Ok(answer)
}

/// Whether a failure is told in the form of the protocol (RFC 7807), which the library reads.
fn told(answer: &Response<Full<Bytes>>) -> Option<()> {
    answer.headers().get(CONTENT_TYPE)?.to_str().ok()?.contains("json").then_some(())
}

async fn exchange<B>(stream: Box<dyn Stream>, req: Request<B>) -> Result<Response<Full<Bytes>>, Trouble>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Trouble>,
{
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await?;
    let asking = async {
        let (parts, body) = sender.send_request(req).await?.into_parts();
        let body = Limited::new(body, MOST).collect().await?.to_bytes();
        Ok(Response::from_parts(parts, Full::new(body)))
    };
    tokio::pin!(asking, connection);
    tokio::select! {
        answer = &mut asking => answer,
        _ = &mut connection => asking.await,
    }
}

/// Where an authority is.
struct Address {
    host: String,
    port: u16,
    https: bool,
}

// === impl Address ===

impl Address {
    fn of(uri: &Uri) -> Result<Self, Trouble> {
        let https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(format!("`{uri}` is no address of a web server").into()),
        };
        let host = uri.host().ok_or_else(|| format!("`{uri}` names no server"))?.to_owned();
        Ok(Self { host, port: uri.port_u16().unwrap_or(if https { 443 } else { 80 }), https })
    }

    async fn connect(&self, configs: &ClientConfigs) -> Result<Box<dyn Stream>, Trouble> {
        let bare = self.host.trim_start_matches('[').trim_end_matches(']');
        let socket = TcpStream::connect((bare, self.port)).await?;
        socket.set_nodelay(true)?;
        if !self.https {
            return Ok(Box::new(socket));
        }
        let wanted = UpstreamTls { verify: true, depth: Some(DEPTH), ..UpstreamTls::default() };
        let tls = configs.get(&wanted)?;
        let connector = TlsConnector::from(Arc::clone(&tls.config));
        Ok(Box::new(connector.connect(tls.name(&self.host)?, socket).await?))
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}
