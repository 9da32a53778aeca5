//! Why, in words. Pure.

use crate::proxy::failure::Failure;
use crate::route::trace::Criterion;

/// Whether the routes were looked at before a request failed so.
pub(super) fn is_after_routing(failure: Failure) -> bool {
    matches!(
        failure,
        Failure::NoRoute
            | Failure::HttpsOnly
            | Failure::HttpsRedirect(_)
            | Failure::NotGrpc
            | Failure::GrpcNeedsHttp2
            | Failure::Misdirected
    )
}

/// Why the gateway answers itself.
pub(super) fn of_failure(failure: Failure) -> &'static str {
    match failure {
        Failure::BadRequest(why) => why,
        Failure::MethodNotAllowed => "this method is never passed on",
        Failure::UriTooLong => "the request line is longer than one buffer (large_client_header_buffers)",
        Failure::HeaderTooLarge => "the headers are larger than their buffers (large_client_header_buffers)",
        Failure::BodyTooLarge => "the body is larger than client_max_body_size",
        Failure::SizeLimit => "the body is larger than a plugin allows",
        Failure::Misdirected => {
            "the host lets in clients with a certificate only, and the connection was made without TLS or for another name"
        }
        Failure::ClientTimeout => "the client stopped sending its body",
        Failure::NotImplemented => "the only transfer coding that is understood is chunked",
        Failure::NoRoute => "no route takes the request",
        Failure::HttpsOnly => "the route is for https only (protocols)",
        Failure::HttpsRedirect(_) => "the route is for https only (protocols, https_redirect_status_code)",
        Failure::NotGrpc => "the route is for gRPC only, and the content type is another",
        Failure::GrpcNeedsHttp2 => "the route is for gRPC only, which needs HTTP/2",
        Failure::NoService => "the route has no service",
        Failure::NameResolution => "the service's name has no address",
        Failure::NoPeer => "the upstream has no target with a weight",
        Failure::BadGateway => "the upstream cannot be asked",
        Failure::GatewayTimeout => "the upstream takes too long",
    }
}

/// What decided against a route that accepts the request, too.
pub(super) fn of_criterion(criterion: &Criterion) -> String {
    match criterion {
        Criterion::MoreKinds { won, lost } => {
            format!("asks for less ({} against {})", listed(lost), listed(won))
        }
        Criterion::BetterKinds { won, lost } => {
            format!("{} count less than {}", listed(lost), listed(won))
        }
        Criterion::NamedFirst => "the winner names what the request has (its host, path or header) first".to_owned(),
        Criterion::NotTried => "asks for what the request does not show, such as a TLS server name".to_owned(),
        Criterion::WildcardPort => "has no wildcard host with a port".to_owned(),
        Criterion::ExactHosts => "has a wildcard among its hosts".to_owned(),
        Criterion::Headers(won, lost) => format!("names fewer headers ({lost} against {won})"),
        Criterion::Regex => "its path is no regular expression".to_owned(),
        Criterion::RegexPriority(won, lost) => format!("lower regex_priority ({lost} against {won})"),
        Criterion::PathLength(won, lost) => format!("shorter path ({lost} against {won} bytes)"),
        Criterion::Expression => "has no expression, and who has one goes first".to_owned(),
        Criterion::Priority(won, lost) => format!("lower priority ({lost} against {won})"),
        Criterion::Uuid => "has the smaller id".to_owned(),
        Criterion::CreatedAt => "is younger (created_at)".to_owned(),
        Criterion::FileOrder => "stands later in the file".to_owned(),
    }
}

fn listed(kinds: &[&str]) -> String {
    kinds.join(" and ")
}
