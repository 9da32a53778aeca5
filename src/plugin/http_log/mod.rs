//! `http-log`: the records of requests, in requests to a server (`kong/plugins.md` §20).

mod endpoint;
mod schema;
#[cfg(test)]
mod tests;

use super::logger::{Logger, milliseconds, seconds, writes_records};
use super::{Build, Define};
use crate::config::schema::Record;
use crate::config::value::Checked;
use crate::entity::Compat;
use crate::outbox::{Destination, Http, Pace, Plan, Retry, Tcp};
use endpoint::Endpoint;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

/// The plugin.
#[derive(Debug)]
pub struct HttpLog(Logger);

// === impl HttpLog ===

writes_records!(HttpLog);

impl Define for HttpLog {
    const NAME: &'static str = "http-log";

    fn priority(_: Compat) -> i32 {
        12
    }

    fn schema() -> &'static Record {
        &schema::CONFIG
    }

    fn build(config: &Checked, cx: &mut Build<'_>) -> Option<Self> {
        let endpoint = endpoint(config, cx)?;
        let headers = headers(&endpoint, config, cx)?;
        let pace = pace(config, cx.compat);
        let tls = endpoint.https.then(|| endpoint.server.host.clone());
        let to = Destination::Http(Box::new(Http {
            at: Tcp { server: endpoint.server, keepalive: milliseconds(config, "keepalive"), tls },
            verify: false,
            method: config.str("method").and_then(|method| method.parse().ok()).unwrap_or(Method::POST),
            path: endpoint.path,
            headers,
            failure: if cx.compat == Compat::Kong3 { 300 } else { 400 },
            around: if pace.batch > 1 { ["[".into(), "]".into()] } else { Default::default() },
        }));
        Some(Self(Logger::build(Self::NAME, Plan { to, pace }, config, cx)))
    }
}

fn endpoint(config: &Checked, cx: &mut Build<'_>) -> Option<Endpoint> {
    let field = config.get("http_endpoint")?;
    let timeout = milliseconds(config, "timeout");
    match Endpoint::read(field.as_str()?, timeout) {
        Ok(endpoint) => Some(endpoint),
        Err(why) => {
            cx.reject_ours("invalid-value", field.span, format!("`http_endpoint`: {why}"));
            None
        }
    }
}

fn headers(endpoint: &Endpoint, config: &Checked, cx: &mut Build<'_>) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    headers.insert(HOST, endpoint.host.clone());
    let content_type = config.str("content_type").and_then(|text| HeaderValue::from_str(text).ok());
    headers.insert(CONTENT_TYPE, content_type.unwrap_or(HeaderValue::from_static("application/json")));
    if let Some(value) = &endpoint.authorization {
        headers.insert(AUTHORIZATION, value.clone());
    }
    for (name, values) in config.pairs("headers") {
        let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else { continue };
        headers.remove(&name);
        let texts = values.as_str().into_iter().chain(values.items().iter().filter_map(Checked::as_str));
        for text in texts {
            let Ok(value) = HeaderValue::from_bytes(text.as_bytes()) else {
                cx.reject_ours("invalid-value", values.span, format!("the value of `{name}` holds what no header may"));
                return None;
            };
            headers.append(&name, value);
        }
    }
    Some(headers)
}

fn pace(config: &Checked, compat: Compat) -> Pace {
    let nothing = Checked { value: crate::config::value::Value::Null, span: config.span };
    match compat {
        Compat::Kong2 => Pace {
            batch: count(config, "queue_size").unwrap_or(1),
            gather: time(config, "flush_timeout"),
            retry: Retry::Squares(count(config, "retry_count").unwrap_or_default()),
            ..Pace::default()
        },
        Compat::Kong3 => queue(config, config.get("queue").unwrap_or(&nothing)),
    }
}

fn queue(config: &Checked, queue: &Checked) -> Pace {
    let usual = Pace::default();
    let delay = if config.get("flush_timeout").is_some() { time(config, "flush_timeout") } else { time(queue, "max_coalescing_delay") };
    Pace {
        entries: count(queue, "max_entries").unwrap_or(usual.entries),
        bytes: count(queue, "max_bytes").unwrap_or(usual.bytes),
        batch: count(config, "queue_size").or_else(|| count(queue, "max_batch_size")).unwrap_or(1),
        gather: delay,
        retry: Retry::Doubling {
            first: time(queue, "initial_retry_delay"),
            longest: time(queue, "max_retry_delay"),
            total: time(queue, "max_retry_time"),
        },
    }
}

fn count<N: TryFrom<i64>>(config: &Checked, name: &str) -> Option<N> {
    N::try_from(config.int(name)?).ok()
}

fn time(config: &Checked, name: &str) -> std::time::Duration {
    seconds(config.get(name).and_then(Checked::as_num).unwrap_or_default())
}
