//! Why a request got no answer from an upstream. One variant, one answer; matched without a wildcard.

use crate::body::Body;
use crate::entity::{Compat, Identity};
use crate::reply::{self, Asker};
use crate::upstream::peers::NoPeer;
use http::{HeaderValue, Response, StatusCode, header};
use std::net::IpAddr;

/// Why a request got no upstream answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Not HTTP as this gateway understands it; the text is for the log.
    BadRequest(&'static str),
    /// A method that no upstream gets to see.
    MethodNotAllowed,
    /// The request line is longer than a buffer.
    UriTooLong,
    /// A header line, or all of them, are larger than the buffers.
    HeaderTooLarge,
    /// The body is larger than `client_max_body_size`.
    BodyTooLarge,
    /// The body turned out to be larger than a plugin allows.
    SizeLimit,
    /// The host wants certificates of its clients, and the connection was not let in by its rule.
    Misdirected,
    /// The client stopped sending its body.
    ClientTimeout,
    /// A transfer coding other than chunked.
    NotImplemented,
    /// No route takes the request.
    NoRoute,
    /// The route is for https only and answers 426.
    HttpsOnly,
    /// The route is for https only and redirects with this status.
    HttpsRedirect(StatusCode),
    /// A gRPC route, and a request that is not gRPC.
    NotGrpc,
    /// A gRPC route, and a request over HTTP/1.
    GrpcNeedsHttp2,
    /// The route has no service.
    NoService,
    /// The service's name does not resolve (yet).
    NameResolution,
    /// The upstream has no target that may be asked.
    NoPeer,
    /// Connecting failed, or the upstream hung up or spoke nonsense.
    BadGateway,
    /// The upstream took too long to connect, to read or to answer.
    GatewayTimeout,
}

/// Who words an answer, and so how it looks (`kong/proxying.md` §9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wording {
    /// §9a: by `Accept`, or the default type.
    ByAccept,
    /// §9b: a message of a plugin.
    Plugin(&'static str),
    /// §9c in Kong 2.8, §9b in 3.9: a message of Kong's core.
    Core(&'static str),
    /// §9c: compact JSON, always.
    Json(&'static str),
    /// nginx's own page.
    Page,
}

/// Who is to blame; decides how loudly it is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The client.
    Client,
    /// The configuration.
    Configuration,
    /// The upstream.
    Upstream,
}

// === impl Failure ===

impl From<NoPeer> for Failure {
    fn from(why: NoPeer) -> Self {
        match why {
            NoPeer::Unresolved => Self::NameResolution,
            NoPeer::Empty => Self::NoPeer,
        }
    }
}

impl Failure {
    /// The status of the answer.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::BadRequest(_) | Self::HeaderTooLarge => StatusCode::BAD_REQUEST,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::UriTooLong => StatusCode::URI_TOO_LONG,
            Self::BodyTooLarge | Self::SizeLimit => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Misdirected => StatusCode::MISDIRECTED_REQUEST,
            Self::ClientTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::NotImplemented => StatusCode::NOT_IMPLEMENTED,
            Self::NoRoute => StatusCode::NOT_FOUND,
            Self::HttpsOnly | Self::GrpcNeedsHttp2 => StatusCode::UPGRADE_REQUIRED,
            Self::HttpsRedirect(status) => status,
            Self::NotGrpc => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::NoService | Self::NameResolution | Self::NoPeer => StatusCode::SERVICE_UNAVAILABLE,
            Self::BadGateway => StatusCode::BAD_GATEWAY,
            Self::GatewayTimeout => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// How the answer is worded.
    #[must_use]
    pub fn wording(self) -> Wording {
        match self {
            Self::SizeLimit => Wording::Plugin(reply::SIZE_LIMIT),
            Self::NoRoute => Wording::Core("no Route matched with those values"),
            Self::HttpsOnly => Wording::Core("Please use HTTPS protocol"),
            Self::NotGrpc => Wording::Json("Non-gRPC request matched gRPC route"),
            Self::GrpcNeedsHttp2 => Wording::Json("Please use HTTP2 protocol"),
            Self::NoService => Wording::Core("no Service found with those values"),
            Self::NameResolution => Wording::Core("name resolution failed"),
            Self::NoPeer => Wording::Core("failure to get a peer from the ring-balancer"),
            Self::NotImplemented | Self::HttpsRedirect(_) | Self::Misdirected => Wording::Page,
            Self::BadRequest(_)
            | Self::HeaderTooLarge
            | Self::MethodNotAllowed
            | Self::UriTooLong
            | Self::BodyTooLarge
            | Self::ClientTimeout
            | Self::BadGateway
            | Self::GatewayTimeout => Wording::ByAccept,
        }
    }

    /// Whether Kong's core says it as a plugin would (`kong.response.exit`), and not by nginx's error page.
    #[must_use]
    pub fn is_exit(self) -> bool {
        !matches!(self.wording(), Wording::ByAccept | Wording::Page)
    }

    /// Whether the client's connection is of no further use: its next bytes can't be told from this request's.
    #[must_use]
    pub fn closes(self) -> bool {
        match self {
            Self::BadRequest(_)
            | Self::HeaderTooLarge
            | Self::MethodNotAllowed
            | Self::UriTooLong
            | Self::BodyTooLarge
            | Self::SizeLimit
            | Self::ClientTimeout
            | Self::NotImplemented => true,
            Self::NoRoute
            | Self::Misdirected
            | Self::HttpsOnly
            | Self::HttpsRedirect(_)
            | Self::NotGrpc
            | Self::GrpcNeedsHttp2
            | Self::NoService
            | Self::NameResolution
            | Self::NoPeer
            | Self::BadGateway
            | Self::GatewayTimeout => false,
        }
    }

    /// Who is to blame.
    #[must_use]
    pub fn blame(self) -> Blame {
        match self {
            Self::NoService => Blame::Configuration,
            Self::NameResolution | Self::NoPeer | Self::BadGateway | Self::GatewayTimeout => Blame::Upstream,
            Self::BadRequest(_)
            | Self::HeaderTooLarge
            | Self::MethodNotAllowed
            | Self::UriTooLong
            | Self::BodyTooLarge
            | Self::SizeLimit
            | Self::ClientTimeout
            | Self::NotImplemented
            | Self::Misdirected
            | Self::NoRoute
            | Self::HttpsOnly
            | Self::HttpsRedirect(_)
            | Self::NotGrpc
            | Self::GrpcNeedsHttp2 => Blame::Client,
        }
    }

    /// Whether it happened between the gateway and a peer, or while a request was on its way there.
    #[must_use]
    pub fn is_exchange(self) -> bool {
        !matches!(self, Self::NameResolution | Self::NoPeer | Self::NoService)
    }

    /// Whether the headers were read when it happened, so that `Accept` can shape the answer.
    #[must_use]
    pub fn saw_headers(self) -> bool {
        !matches!(self, Self::UriTooLong | Self::HeaderTooLarge)
    }

    /// The answer itself, before any phase.
    #[must_use]
    pub fn answer(self, asker: &Asker<'_>) -> Response<Body> {
        let status = self.status();
        let mut response = match self.wording() {
            Wording::ByAccept => reply::proxy_error(self.error_status(), asker),
            Wording::Plugin(message) => reply::error(status, Some(message), asker),
            Wording::Core(message) if asker.compat == Compat::Kong3 => reply::error(status, Some(message), asker),
            Wording::Core(message) | Wording::Json(message) => reply::exit(status, message),
            Wording::Page => reply::nginx_page(status),
        };
        if let Some(protocol) = self.wanted_protocol() {
            response.headers_mut().insert(header::UPGRADE, HeaderValue::from_static(protocol));
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        }
        response
    }

    /// nginx's own number 494 says which of Kong's messages for status 400 is meant.
    fn error_status(self) -> StatusCode {
        match self {
            Self::HeaderTooLarge => StatusCode::from_u16(494).unwrap_or(StatusCode::BAD_REQUEST),
            other => other.status(),
        }
    }

    /// What a 426 asks for.
    fn wanted_protocol(self) -> Option<&'static str> {
        match self {
            Self::HttpsOnly => Some("TLS/1.2, HTTP/1.1"),
            Self::GrpcNeedsHttp2 => Some("HTTP/2"),
            _ => None,
        }
    }

    /// Tells the operator: loudly what is theirs to mend, quietly what a stranger sent.
    pub fn log(self, client: IpAddr, route: Option<&Identity>) {
        let route = route.map(ToString::to_string).unwrap_or_default();
        let status = self.status().as_u16();
        match self.blame() {
            Blame::Client => tracing::debug!(%client, route, status, failure = ?self, "refused"),
            Blame::Configuration => tracing::warn!(route, status, failure = ?self, "cannot be served"),
            Blame::Upstream => tracing::warn!(route, status, failure = ?self, "no answer from the upstream"),
        }
    }
}
