//! Requests as machines write them: one JSON object in a line. Pure.
//!
//! `method` (GET), `url`, `target` (in place of the URL's), `headers` (`[[name, value], …]`), `from`, `body` or
//! `body_b64`, `http` (`1.0`, `1.1`, `2`), `sni` (in place of the URL's host; empty is none), `no_host`.

use super::Question;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Version;
use serde_json::Value;

/// Reads one line.
///
/// # Errors
/// What of it is no question.
pub fn read(line: &str) -> Result<Question, String> {
    let given: Value = serde_json::from_str(line).map_err(|error| format!("no JSON: {error}"))?;
    let text = |key: &str| given.get(key).and_then(Value::as_str);
    let url = text("url").ok_or("`url` is missing")?;
    let mut question = Question::new(text("method").unwrap_or("GET"), url)?.with_headers(headers(&given)?);
    if given.get("no_host").and_then(Value::as_bool).unwrap_or_default() {
        question.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("host"));
    }
    if let Some(body) = body(&given)? {
        question = question.with_body(body);
    }
    if let Some(from) = text("from") {
        question.from = from.parse().map_err(|_| format!("`from` is no address: `{from}`"))?;
    }
    if let Some(name) = text("sni") {
        question.sni = Some(name.to_ascii_lowercase()).filter(|name| !name.is_empty());
    }
    question.target = text("target").map_or(question.target, str::to_owned);
    question.version = version(text("http").unwrap_or("1.1"))?;
    Ok(question)
}

/// A version by its number.
///
/// # Errors
/// When it is another.
pub fn version(number: &str) -> Result<Version, String> {
    match number {
        "1.0" => Ok(Version::HTTP_10),
        "1.1" => Ok(Version::HTTP_11),
        "2" => Ok(Version::HTTP_2),
        other => Err(format!("`{other}` is none of the versions 1.0, 1.1 and 2")),
    }
}

fn headers(given: &Value) -> Result<Vec<(String, String)>, String> {
    let Some(lines) = given.get("headers") else { return Ok(Vec::new()) };
    let pair = |line: &Value| Some((line.get(0)?.as_str()?.to_owned(), line.get(1)?.as_str()?.to_owned()));
    let lines = lines.as_array().ok_or("`headers` is no list")?;
    lines.iter().map(|line| pair(line).ok_or_else(|| format!("`headers`: no pair of texts: {line}"))).collect()
}

fn body(given: &Value) -> Result<Option<Bytes>, String> {
    if let Some(text) = given.get("body").and_then(Value::as_str) {
        return Ok(Some(Bytes::copy_from_slice(text.as_bytes())));
    }
    let Some(encoded) = given.get("body_b64").and_then(Value::as_str) else { return Ok(None) };
    STANDARD.decode(encoded).map(|bytes| Some(bytes.into())).map_err(|_| "`body_b64` is no base64".to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn reads_everything() {
        let line = r#"{"method":"PUT","url":"https://a/x","target":"/y","headers":[["Host","b"],["A","1"]],"from":"::1",
            "body_b64":"YWI=","http":"1.0","sni":"C"}"#;
        let question = read(line).unwrap();
        assert_eq!((&*question.method, &*question.target, question.version), ("PUT", "/y", Version::HTTP_10));
        assert_eq!((question.from.to_string(), question.sni.as_deref()), ("::1".to_owned(), Some("c")));
        assert_eq!((&*question.body, question.headers.len()), (&b"ab"[..], 3));
        assert_eq!(read(r#"{"url":"http://a","no_host":true}"#).unwrap().headers, []);
    }

    #[test]
    fn says_what_is_wrong() {
        for (line, why) in [
            ("x", "no JSON"),
            ("{}", "`url` is missing"),
            (r#"{"url":"http://a","from":"b"}"#, "`from` is no address: `b`"),
            (r#"{"url":"http://a","headers":["b"]}"#, "`headers`: no pair of texts"),
            (r#"{"url":"http://a","http":"3"}"#, "`3` is none of the versions"),
        ] {
            assert!(read(line).unwrap_err().contains(why), "{line}");
        }
    }
}
