//! nginx's own HTML pages and reason phrases, by status (`kong/proxying.md` §9c; nginx's status table).

use http::StatusCode;

/// nginx's page for a status, if it has one.
pub(super) fn html(status: StatusCode) -> Option<String> {
    let title = format!("{} {}", status.as_u16(), title(status.as_u16())?);
    let head = format!("<html>\r\n<head><title>{title}</title></head>\r\n");
    Some(format!("{head}<body>\r\n<center><h1>{title}</h1></center>\r\n</body>\r\n</html>\r\n"))
}

/// nginx's reason phrase, where it is not the standard one.
pub(super) fn phrase(status: StatusCode) -> Option<&'static str> {
    match status.as_u16() {
        302 => Some("Moved Temporarily"),
        401 => None,
        code => title(code).filter(|title| status.canonical_reason() != Some(*title)),
    }
}

fn title(status: u16) -> Option<&'static str> {
    if status < 500 { redirect(status).or_else(|| client(status)) } else { server(status) }
}

fn redirect(status: u16) -> Option<&'static str> {
    Some(match status {
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        _ => return None,
    })
}

fn client(status: u16) -> Option<&'static str> {
    Some(match status {
        400 => "Bad Request",
        401 => "Authorization Required",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Not Allowed",
        406 => "Not Acceptable",
        408 => "Request Time-out",
        409 => "Conflict",
        410 => "Gone",
        411 => "Length Required",
        412 => "Precondition Failed",
        413 => "Request Entity Too Large",
        414 => "Request-URI Too Large",
        415 => "Unsupported Media Type",
        416 => "Requested Range Not Satisfiable",
        421 => "Misdirected Request",
        429 => "Too Many Requests",
        _ => return None,
    })
}

fn server(status: u16) -> Option<&'static str> {
    Some(match status {
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Temporarily Unavailable",
        504 => "Gateway Time-out",
        505 => "HTTP Version Not Supported",
        507 => "Insufficient Storage",
        _ => return None,
    })
}
