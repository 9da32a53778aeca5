//! What a stand-in answers: the request, as JSON. Pure.

use super::StandIn;
use http::request::Parts;
use http::{HeaderMap, Uri};
use serde_json::{Map, Value, json};

/// The request that arrived, for people to read.
pub(super) fn describe(stand_in: &StandIn, head: &Parts, body: &[u8]) -> String {
    let value = json!({
        "upstream": format!("{}:{}", stand_in.host, stand_in.port),
        "services": stand_in.services,
        "method": head.method.as_str(),
        "path": head.uri.path(),
        "query": query(&head.uri),
        "headers": headers(&head.headers),
        "body": String::from_utf8_lossy(body),
    });
    format!("{value:#}\n")
}

fn query(uri: &Uri) -> Value {
    let pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    gather(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())))
}

fn headers(map: &HeaderMap) -> Value {
    gather(map.iter().map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())))
}

/// Names to values; a name that comes again has a list.
fn gather(pairs: impl Iterator<Item = (String, String)>) -> Value {
    let mut all = Map::new();
    for (name, value) in pairs {
        match all.get_mut(&name) {
            None => drop(all.insert(name, value.into())),
            Some(Value::Array(list)) => list.push(value.into()),
            Some(first) => *first = Value::Array(vec![first.take(), value.into()]),
        }
    }
    Value::Object(all)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use http::Request;

    #[test]
    fn a_request_comes_back() {
        let stand_in = StandIn { host: "rest".into(), port: 3000, services: vec!["rest-v1".to_owned()] };
        let request =
            Request::post("/a%20b?x=1&x=2&x=3&y=%41").header("X-A", "1").header("X-B", "2").header("X-B", "3");
        let (head, ()) = request.body(()).unwrap().into_parts();
        let text = describe(&stand_in, &head, b"{\"q\":1}");
        let want = json!({
            "upstream": "rest:3000", "services": ["rest-v1"], "method": "POST", "path": "/a%20b",
            "query": {"x": ["1", "2", "3"], "y": "A"},
            "headers": {"x-a": "1", "x-b": ["2", "3"]},
            "body": "{\"q\":1}",
        });
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), want);
    }
}
