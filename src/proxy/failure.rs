//! Why a request got no answer from an upstream. One variant, one answer; matched without a wildcard.

use http::StatusCode;

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

impl Failure {
    /// The status of the answer.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::BadRequest(_) | Self::HeaderTooLarge => StatusCode::BAD_REQUEST,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::UriTooLong => StatusCode::URI_TOO_LONG,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
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
            Self::NoRoute => Wording::Core("no Route matched with those values"),
            Self::HttpsOnly => Wording::Core("Please use HTTPS protocol"),
            Self::NotGrpc => Wording::Json("Non-gRPC request matched gRPC route"),
            Self::GrpcNeedsHttp2 => Wording::Json("Please use HTTP2 protocol"),
            Self::NoService => Wording::Core("no Service found with those values"),
            Self::NameResolution => Wording::Core("name resolution failed"),
            Self::NoPeer => Wording::Core("failure to get a peer from the ring-balancer"),
            Self::NotImplemented | Self::HttpsRedirect(_) => Wording::Page,
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

    /// Whether the client's connection is of no further use: its next bytes can't be told from this request's.
    #[must_use]
    pub fn closes(self) -> bool {
        match self {
            Self::BadRequest(_)
            | Self::HeaderTooLarge
            | Self::MethodNotAllowed
            | Self::UriTooLong
            | Self::BodyTooLarge
            | Self::ClientTimeout
            | Self::NotImplemented => true,
            Self::NoRoute
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
            | Self::ClientTimeout
            | Self::NotImplemented
            | Self::NoRoute
            | Self::HttpsOnly
            | Self::HttpsRedirect(_)
            | Self::NotGrpc
            | Self::GrpcNeedsHttp2 => Blame::Client,
        }
    }
}
