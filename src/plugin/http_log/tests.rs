#![allow(clippy::unwrap_used)]

use super::HttpLog;
use super::endpoint::Endpoint;
use crate::config::load;
use crate::config::report::Source;
use crate::entity::Compat;
use crate::outbox::{Destination, Http, Outboxes, Pace, Retry};
use crate::plugin::Plugin;
use crate::plugin::testing::lines;
use crate::settings::Settings;
use crate::world::World;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// The queue of the plugin of a file, or what is wrong with it.
fn queued(version: &str, config: &str) -> Result<(Http, Pace), Vec<String>> {
    let text = format!("_format_version: '{version}'\nplugins:\n- name: http-log\n  config: {config}\n");
    let (snapshot, report) = load(&Source { name: "kong.yml".into(), text: text.into() }, World::EMPTY, &Settings::default());
    let Some(snapshot) = snapshot else { return Err(report.found.into_iter().map(|found| found.message).collect()) };
    let [outbox] = snapshot.outboxes.all() else { panic!("one queue") };
    match &outbox.plan.to {
        Destination::Http(http) => Ok(((**http).clone(), outbox.plan.pace)),
        other => panic!("{other}"),
    }
}

#[test]
fn an_endpoint_is_a_url_without_its_query() {
    let read = |text: &str| {
        Endpoint::read(text, SECOND).map(|it| {
            let host = it.host.to_str().unwrap().to_owned();
            (it.https, it.server.host.to_string(), it.server.port, it.path.to_string(), host, it.authorization)
        })
    };
    let plain = |https, name: &str, port, path: &str, host: &str| {
        Ok((https, name.to_owned(), port, path.to_owned(), host.to_owned(), None))
    };
    assert_eq!(read("http://h"), plain(false, "h", 80, "/", "h"));
    assert_eq!(read("https://h:8443/a/b?c=d#e"), plain(true, "h", 8443, "/a/b", "h:8443"));
    assert_eq!(read("http://h:80/#e"), plain(false, "h", 80, "/", "h"));
    assert_eq!(read("https://[::1]/"), plain(true, "::1", 443, "/", "[::1]"));
    let authorization = read("http://us%40er:p%3a@h").unwrap().5.unwrap();
    assert_eq!(authorization, "Basic dXNAZXI6cDo=");
    assert!(authorization.is_sensitive());
    assert!(read("ftp://h/").is_err() && read("http://h:99999/").is_err());
}

#[test]
fn settings_of_kong_2() {
    let config = "{http_endpoint: 'http://h', headers: {x-a: [b, c], user-agent: [d]}, queue_size: 5, retry_count: 3, \
                  flush_timeout: 0.5, method: PUT}";
    let (http, pace) = queued("2.1", config).unwrap();
    let expected = ["content-type: application/json", "host: h", "user-agent: d", "x-a: b", "x-a: c"];
    assert_eq!(lines(&http.headers), expected);
    assert_eq!((http.method.as_str(), http.failure, &*http.around[0]), ("PUT", 400, "["));
    assert_eq!((pace.batch, pace.gather, pace.retry), (5, SECOND / 2, Retry::Squares(3)));
    let (http, pace) = queued("2.1", "{http_endpoint: 'http://h'}").unwrap();
    assert_eq!((&*http.around[0], pace.batch, pace.gather, pace.retry), ("", 1, 2 * SECOND, Retry::Squares(10)));
}

#[test]
fn settings_of_kong_3() {
    let config = "{http_endpoint: 'http://h', headers: {x-a: b}, queue: {max_batch_size: 5, max_entries: 7, max_bytes: 9}}";
    let (http, pace) = queued("3.0", config).unwrap();
    assert_eq!(lines(&http.headers)[2], "x-a: b");
    assert_eq!((http.failure, &*http.around[1]), (300, "]"));
    let retry = Retry::Doubling { first: SECOND / 100, longest: 60 * SECOND, total: 60 * SECOND };
    assert_eq!(pace, Pace { entries: 7, bytes: 9, batch: 5, gather: SECOND, retry });
    let (_, pace) = queued("3.0", "{http_endpoint: 'http://h', queue_size: 3, flush_timeout: 4, retry_count: 1}").unwrap();
    assert_eq!((pace.batch, pace.gather, pace.retry), (3, 4 * SECOND, retry));
}

#[test]
fn what_cannot_be_sent_is_refused() {
    for (version, config, words) in [
        ("2.1", "{http_endpoint: nourl}", "must be a whole URL"),
        ("2.1", "{http_endpoint: 'ftp://user:pass@h'}", "only http and https can be spoken"),
        ("2.1", "{http_endpoint: 'http://h', headers: {Host: [a]}}", "Host"),
        ("2.1", "{http_endpoint: 'http://h', headers: {x-a: [\"a\\nb\"]}}", "holds what no header may"),
        ("2.1", "{http_endpoint: 'http://h', queue: {}}", "queue"),
        ("3.0", "{http_endpoint: 'http://h', queue: {max_batch_size: 0}}", "max_batch_size"),
    ] {
        let found = queued(version, config).unwrap_err().join("\n");
        assert!(found.contains(words) && !found.contains("pass@"), "{config}: {found}");
    }
}

#[test]
fn what_is_shown_has_no_secrets() {
    let config = serde_json::json!({ "http_endpoint": "https://user:s3cret@h/t0ken?k=s3cret", "headers": { "x": ["s3cret"] } });
    let mut shared = http::Extensions::new();
    let (plugin, _) = crate::plugin::testing::build_sharing::<HttpLog>(&config, Compat::Kong2, &mut shared);
    let plugin = plugin.unwrap();
    assert_eq!(plugin.remark().unwrap(), "writes a record of the request to https://h:443");
    let shown = format!("{plugin:?} {:?}", shared.get::<Outboxes>());
    assert!(!shown.contains("s3cret") && !shown.contains("t0ken"), "{shown}");
}
