//! Which format an error gets, and the formats (`kong/proxying.md` §9, "Bodies for 9a and 9b").

use super::Asker;
use crate::entity::Compat;
use crate::settings::ErrorType;
use http::{HeaderMap, HeaderName, HeaderValue, header};

/// A format of an error's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Plain,
    Html,
    Xml,
}

/// How a quality is read from one parameter of an `Accept` entry.
type Quality = fn(&str) -> Option<f32>;

const GRPC: &str = "application/grpc";

// === choosing ===

/// For the error handler: `Accept`, else the request's own type, else the setting (§9a).
pub(super) fn for_proxy_error(asker: &Asker<'_>) -> Format {
    let asked = |name| asker.headers.is_some_and(|headers| headers.contains_key(name));
    match asker.compat {
        _ if asked(header::ACCEPT) => by_accept(asker),
        _ if asked(header::CONTENT_TYPE) => single(first(asker, header::CONTENT_TYPE)),
        _ => asker.default_type.into(),
    }
}

/// Kong 2 takes the header for one type; Kong 3 reads it as the list that it is.
fn by_accept(asker: &Asker<'_>) -> Format {
    match asker.compat {
        Compat::Kong2 => single(first(asker, header::ACCEPT)),
        Compat::Kong3 => for_error(asker),
    }
}

/// For `kong.response.error`: the best of `Accept`, JSON without one (§9b).
pub(super) fn for_error(asker: &Asker<'_>) -> Format {
    match asker.compat {
        Compat::Kong2 => best(first(asker, header::ACCEPT).split(','), decimal_quality),
        Compat::Kong3 => best(all(asker.headers, &header::ACCEPT).flat_map(|line| line.split(',')), any_quality),
    }
}

/// Whether the error handler has a gRPC client before it.
pub(super) fn names_grpc(asker: &Asker<'_>) -> bool {
    let accept = first(asker, header::ACCEPT);
    let named = if accept.is_empty() { first(asker, header::CONTENT_TYPE) } else { accept };
    named.starts_with(GRPC)
}

/// Whether the request itself is a gRPC call.
pub(super) fn sends_grpc(asker: &Asker<'_>) -> bool {
    first(asker, header::CONTENT_TYPE).starts_with(GRPC)
}

fn first<'a>(asker: &Asker<'a>, name: HeaderName) -> &'a str {
    all(asker.headers, &name).next().unwrap_or("")
}

fn all<'a>(headers: Option<&'a HeaderMap>, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    headers.into_iter().flat_map(move |h| h.get_all(name)).filter_map(|value| value.to_str().ok())
}

fn single(text: &str) -> Format {
    named(text.split(';').next().unwrap_or(""))
}

/// The entry of highest quality, the first of equals.
fn best<'a>(entries: impl Iterator<Item = &'a str>, quality: Quality) -> Format {
    let mut found = (Format::Json, 0.0);
    for entry in entries {
        let mut parts = entry.split(';').map(str::trim);
        let Some(name) = parts.next().filter(|name| name.contains('/')) else { continue };
        let weight = parts.find_map(quality).unwrap_or(1.0);
        if weight > found.1 {
            found = (named(name), weight);
        }
    }
    found.0
}

fn named(name: &str) -> Format {
    match name {
        "text/plain" | "text/*" => Format::Plain,
        "text/html" => Format::Html,
        "application/xml" => Format::Xml,
        _ => Format::Json,
    }
}

/// Kong 2 overlooks a quality without a decimal point.
fn decimal_quality(parameter: &str) -> Option<f32> {
    any_quality(parameter).filter(|_| parameter.contains('.'))
}

fn any_quality(parameter: &str) -> Option<f32> {
    let (name, value) = parameter.split_once('=')?;
    let digits = value.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if digits && name.eq_ignore_ascii_case("q") { value.parse().ok() } else { None }
}

// === impl Format ===

impl From<ErrorType> for Format {
    fn from(setting: ErrorType) -> Self {
        match setting {
            ErrorType::Plain => Self::Plain,
            ErrorType::Html => Self::Html,
            ErrorType::Json => Self::Json,
            ErrorType::Xml => Self::Xml,
        }
    }
}

impl Format {
    pub(super) fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Json => "application/json; charset=utf-8",
            Self::Plain => "text/plain; charset=utf-8",
            Self::Html => "text/html; charset=utf-8",
            Self::Xml => "application/xml; charset=utf-8",
        })
    }

    /// Kong 2's body. The message is one of ours or a file's, and is not escaped.
    pub(super) fn write(self, message: &str) -> String {
        match self {
            Self::Json => format!("{{\n  \"message\":\"{message}\"\n}}"),
            Self::Plain => format!("{message}\n"),
            Self::Html => html("Kong Error", message, ""),
            Self::Xml => xml(message, ""),
        }
    }

    /// Kong 3's body, which names the request.
    pub(super) fn write_with_id(self, message: &str, id: &str) -> String {
        match self {
            Self::Json => format!("{{\n  \"message\":\"{message}\",\n  \"request_id\":\"{id}\"\n}}"),
            Self::Plain => format!("{message}\nrequest_id: {id}\n"),
            Self::Html => html("Error", message, &format!("    <p>request_id: {id}</p>\n")),
            Self::Xml => xml(message, &format!("  <requestid>{id}</requestid>\n")),
        }
    }
}

fn html(title: &str, message: &str, more: &str) -> String {
    let head = format!("  <head>\n    <meta charset=\"utf-8\">\n    <title>{title}</title>\n  </head>\n");
    let body = format!("  <body>\n    <h1>{title}</h1>\n    <p>{message}.</p>\n{more}  </body>\n");
    format!("<!doctype html>\n<html>\n{head}{body}</html>\n")
}

fn xml(message: &str, more: &str) -> String {
    let head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
    format!("{head}<error>\n  <message>{message}</message>\n{more}</error>\n")
}
