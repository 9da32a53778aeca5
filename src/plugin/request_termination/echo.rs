//! The request as JSON, for `echo`.

use crate::args::{Args, Value as Argument};
use crate::body::Body;
use crate::plugin::Ctx;
use http::{HeaderMap, Request, header};
use serde_json::{Map, Value, json};

/// The answer's text. `body` is `None` when it was too large to read.
pub(super) fn write(message: Option<&str>, req: &Request<Body>, body: Option<&[u8]>, cx: &Ctx) -> String {
    let uri = req.uri();
    let mut echo = json!({
        "request": {
            "scheme": if cx.tls { "https" } else { "http" },
            "host": host(req),
            "headers": headers(req.headers()),
            "query": arguments(&Args::parse(uri.query().unwrap_or("").as_bytes())),
            "body": body.and_then(|body| parsed(req.headers(), body)),
            "raw_body": body.map(String::from_utf8_lossy),
            "method": req.method().as_str(),
            "path": uri.path(),
        },
    });
    if let Some(message) = message {
        echo["message"] = message.into();
    }
    echo.to_string()
}

fn host(req: &Request<Body>) -> Option<String> {
    let sent = req.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let authority = sent.and_then(|host| host.parse().ok()).or_else(|| req.uri().authority().cloned())?;
    Some(authority.host().to_ascii_lowercase())
}

fn headers(headers: &HeaderMap) -> Map<String, Value> {
    let values = |name| headers.get_all(name).iter().map(|value| lossy(value.as_bytes())).collect();
    headers.keys().map(|name| (name.to_string(), one_or_many(values(name)))).collect()
}

fn arguments(args: &Args) -> Map<String, Value> {
    let value = |value: &Argument| value.as_deref().map_or(Value::Bool(true), lossy);
    let pair = |(name, values): (&[u8], &[Argument])| {
        (String::from_utf8_lossy(name).into_owned(), one_or_many(values.iter().map(value).collect()))
    };
    args.iter().map(pair).collect()
}

/// The body by its type, where that says what it is.
fn parsed(headers: &HeaderMap, body: &[u8]) -> Option<Value> {
    match headers.get(header::CONTENT_TYPE)?.to_str().ok()?.split(';').next()?.trim() {
        "application/json" => serde_json::from_slice(body).ok(),
        "application/x-www-form-urlencoded" => Some(arguments(&Args::parse(body)).into()),
        _ => None,
    }
}

fn one_or_many(mut values: Vec<Value>) -> Value {
    if values.len() == 1 { values.swap_remove(0) } else { values.into() }
}

fn lossy(bytes: &[u8]) -> Value {
    String::from_utf8_lossy(bytes).into()
}
