//! Sets the method (`http_method`).

use super::Crash;
use crate::body::Body;
use crate::plugin::payload::{Kind, kind};
use crate::config::report::Diagnostic;
use crate::config::value::Checked;
use crate::plugin::Build;
use http::{Method, Request};

/// The `http_method` field.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NewMethod {
    /// Not set.
    Same,
    /// The method to use.
    Set(Method),
    /// One that nginx does not know: Kong loads it, and fails every request.
    Unknown,
}

/// What nginx can be told to use.
const KNOWN: [&str; 15] = [
    "GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "MKCOL", "COPY", "MOVE", "PROPFIND", "PROPPATCH", "LOCK",
    "UNLOCK", "PATCH", "TRACE",
];

// === impl NewMethod ===

impl NewMethod {
    /// Reads the field, with a warning where no request can succeed.
    pub(super) fn read(config: &Checked, cx: &mut Build<'_>) -> Self {
        let Some((field, name)) = config.get("http_method").and_then(|field| Some((field, field.as_str()?))) else {
            return Self::Same;
        };
        if let (true, Ok(method)) = (KNOWN.contains(&name), Method::from_bytes(name.as_bytes())) {
            return Self::Set(method);
        }
        let message = format!("http_method {name} is none that Kong can set, so every request is answered with 500");
        cx.report.push(Diagnostic::warning("unusable-method", field.span, message));
        Self::Unknown
    }

    /// Sets the method. `true` if a form must go from the body into the query, since the new method has no body.
    pub(super) fn change(&self, req: &mut Request<Body>) -> Result<bool, Crash> {
        match self {
            Self::Same => Ok(false),
            Self::Unknown => Err(Crash),
            Self::Set(method) => {
                *req.method_mut() = method.clone();
                let bodiless = matches!(*method, Method::GET | Method::HEAD | Method::TRACE);
                Ok(bodiless && kind(req.headers()) == Some(Kind::Form))
            }
        }
    }
}
