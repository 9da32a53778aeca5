//! nginx's charset: added to text types that name none (`kong/proxying.md`, "Charset"; recorded).
//!
//! The last thing that happens to an answer's head, whoever made it: plugins see the type without it.

use http::{HeaderMap, HeaderValue, StatusCode, header};

/// The types that get a charset, and what they become when written in lower case, as nearly everyone does.
const TYPES: [(&str, &str); 6] = [
    ("text/html", "text/html; charset=UTF-8"),
    ("text/plain", "text/plain; charset=UTF-8"),
    ("text/xml", "text/xml; charset=UTF-8"),
    ("text/vnd.wap.wml", "text/vnd.wap.wml; charset=UTF-8"),
    ("application/javascript", "application/javascript; charset=UTF-8"),
    ("application/rss+xml", "application/rss+xml; charset=UTF-8"),
];

/// Appends `; charset=UTF-8` to a `Content-Type` that is exactly one of nginx's text types. Not on 301 and 302, where
/// nginx keeps off for the sake of old browsers.
pub fn add_charset(status: StatusCode, headers: &mut HeaderMap) {
    if matches!(status, StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND) {
        return;
    }
    let Some(value) = headers.get_mut(header::CONTENT_TYPE) else { return };
    let Some((plain, full)) = TYPES.iter().find(|(name, _)| value.as_bytes().eq_ignore_ascii_case(name.as_bytes()))
    else {
        return;
    };
    *value = if value == plain { HeaderValue::from_static(full) } else { cased(value) };
}

/// The same for a type in another letter case, which stays as it is written.
fn cased(value: &HeaderValue) -> HeaderValue {
    let full = [value.as_bytes(), b"; charset=UTF-8"].concat();
    HeaderValue::from_bytes(&full).unwrap_or_else(|_| value.clone())
}
