//! The access logs of these listeners.

use super::answer::Api;
use crate::observe::access::{Access, Entry, Met, Outcome};
use crate::observe::redact::MASK;
use crate::observe::writer::Sink;
use crate::settings::Settings;
use bytes::Bytes;
use http::{Request, Response, Uri};
use std::time::{Duration, SystemTime};
use uuid::Uuid;

/// Where credentials may be asked for by what they are.
const KEYS: [&str; 2] = ["key-auth", "key-auths"];

/// Where lines go.
#[derive(Clone, Debug, Default)]
pub struct Sinks {
    /// Those of the Admin API.
    pub admin: Option<Sink>,
    /// Those of the status API.
    pub status: Option<Sink>,
}

/// Both logs.
pub(super) struct Journal {
    admin: Access,
    status: Access,
}

// === impl Journal ===

impl Journal {
    pub(super) fn new(sinks: Sinks, settings: &Settings) -> Self {
        let admin = Access::new(sinks.admin, &settings.admin_access_log);
        Self { admin, status: Access::new(sinks.status, &settings.status_access_log) }
    }

    fn of(&self, api: Api) -> &Access {
        match api {
            Api::Admin => &self.admin,
            Api::Status => &self.status,
        }
    }

    /// A request came.
    pub(super) fn entry<B>(&self, api: Api, req: &Request<B>, met: Met) -> Option<Entry> {
        self.of(api).entry(&shown(req), met)
    }

    /// It was answered.
    pub(super) fn write(&self, api: Api, entry: &Entry, res: &Response<Bytes>, took: Duration) {
        let (status, bytes) = (res.status().as_u16(), res.body().len() as u64);
        let outcome = Outcome { status, bytes, whole: true, took, secrets: &[], known: None };
        self.of(api).write(entry, &outcome, SystemTime::now());
    }

    /// Hands on what was gathered.
    pub(super) fn flush(&self) {
        for access in [&self.admin, &self.status] {
            access.flush();
            let lines = access.take_dropped();
            if lines > 0 {
                tracing::warn!(lines, "the access log is not taken fast enough; lines were dropped");
            }
        }
    }
}

/// The head of a request, without a key in its path.
fn shown<B>(req: &Request<B>) -> Request<()> {
    let mut head = Request::new(());
    *head.method_mut() = req.method().clone();
    *head.version_mut() = req.version();
    *head.headers_mut() = req.headers().clone();
    *head.uri_mut() = masked(req.uri()).unwrap_or_else(|| req.uri().clone());
    head
}

/// `None` where there is nothing to mask. A credential's id is no secret.
fn masked(uri: &Uri) -> Option<Uri> {
    let mut parts: Vec<&str> = uri.path().split('/').collect();
    let at = parts.iter().position(|part| KEYS.contains(part))? + 1;
    let key = parts.get_mut(at).filter(|key| !key.is_empty() && Uuid::try_parse(key).is_err())?;
    *key = MASK;
    let query = uri.query().map_or_else(String::new, |query| format!("?{query}"));
    (parts.join("/") + &query).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_in_a_path_is_not_shown() {
        for (from, to) in [
            ("/key-auths/s3cret?a=b", Some("/key-auths/REDACTED?a=b")),
            ("/consumers/c/key-auth/s3cret", Some("/consumers/c/key-auth/REDACTED")),
            ("/key-auths/0dc6f45b-8f8d-40d2-a504-473544ee190b", None),
            ("/key-auths", None),
            ("/key-auths/", None),
            ("/routes/r", None),
        ] {
            let uri = Uri::from_static(from);
            assert_eq!(masked(&uri).map(|uri| uri.to_string()).as_deref(), to, "{from}");
        }
    }
}
