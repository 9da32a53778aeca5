//! The URL that records are sent to.

use crate::outbox::Server;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Uri};
use percent_encoding::percent_decode_str;
use std::time::Duration;

/// What a URL says. Its query is dropped, as by Kong.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) https: bool,
    pub(super) server: Server,
    pub(super) path: Box<str>,
    /// The `Host` header.
    pub(super) host: HeaderValue,
    /// Made of the name and the password in the URL.
    pub(super) authorization: Option<HeaderValue>,
}

// === impl Endpoint ===

impl Endpoint {
    /// Takes a URL apart. An error says what is wrong with it, and shows nothing of it.
    pub(super) fn read(text: &str, timeout: Duration) -> Result<Self, &'static str> {
        let uri: Uri = text.split('#').next().unwrap_or_default().parse().map_err(|_| "this is no URL")?;
        let https = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err("only http and https can be spoken"),
        };
        let whole = uri.authority().ok_or("it has no host")?;
        let user = whole.as_str().rsplit_once('@').map(|(user, _)| user);
        if whole.port_u16().is_none() && !whole.as_str().ends_with(whole.host()) {
            return Err("its port is none");
        }
        let port = uri.port_u16().unwrap_or(if https { 443 } else { 80 });
        let usual = uri.port_u16().is_none_or(|port| port == if https { 443 } else { 80 });
        let named = if usual { whole.host().to_owned() } else { format!("{}:{port}", whole.host()) };
        let host = HeaderValue::from_str(&named).map_err(|_| "it has no host")?;
        let bare = whole.host().trim_matches(['[', ']']).into();
        let path = if uri.path().is_empty() { "/" } else { uri.path() };
        Ok(Self { https, server: Server { host: bare, port, timeout }, path: path.into(), host, authorization: basic(user) })
    }
}

/// Name and password, which are escaped where they stand in a URL.
fn basic(user: Option<&str>) -> Option<HeaderValue> {
    let (name, password) = user?.split_once(':').unwrap_or((user?, ""));
    let plain = |text: &str| percent_decode_str(text).collect::<Vec<_>>();
    let pair = [plain(name), vec![b':'], plain(password)].concat();
    let mut value = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(pair))).ok()?;
    value.set_sensitive(true);
    Some(value)
}
