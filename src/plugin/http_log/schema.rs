//! What `config` of `http-log` may hold.

use crate::config::schema::{Default, Field, Record, Rule, Since, header_name};
use crate::plugin::logger::CUSTOM;
use crate::plugin::redirect::url;

const HEADER: &Field = &Field::string("").rules(&[Rule::Text(header_name), Rule::Text(free)]);
const VALUE: &Field = &Field::string("").rules(&[Rule::MayBeEmpty]);
const VALUES: &Field = &Field::array("", VALUE);

/// Of the plugin.
pub(super) static CONFIG: Record = Record {
    fields: &[
        Field::string("http_endpoint").required().rules(&[Rule::Text(url)]),
        Field::string("method").default(Default::Str("POST")).rules(&[Rule::OneOf(&["POST", "PUT", "PATCH"])]),
        Field::string("content_type")
            .default(Default::Str("application/json"))
            .rules(&[Rule::OneOf(&["application/json"])])
            .since(Since::Kong2Only),
        Field::string("content_type")
            .default(Default::Str("application/json"))
            .rules(&[Rule::OneOf(&["application/json", "application/json; charset=utf-8"])])
            .since(Since::Kong3),
        Field::number("timeout").default(Default::Int(10_000)),
        Field::number("keepalive").default(Default::Int(60_000)),
        Field::integer("retry_count").default(Default::Int(10)).since(Since::Kong2Only),
        Field::integer("queue_size").default(Default::Int(1)).since(Since::Kong2Only),
        Field::number("flush_timeout").default(Default::Int(2)).since(Since::Kong2Only),
        // In Kong 3 these are older names of settings of the queue, and `retry_count` means nothing any more.
        Field::integer("retry_count").since(Since::Kong3),
        Field::integer("queue_size").since(Since::Kong3),
        Field::number("flush_timeout").since(Since::Kong3),
        Field::map("headers", HEADER, VALUES).since(Since::Kong2Only),
        Field::map("headers", HEADER, VALUE).since(Since::Kong3),
        Field::record("queue", &QUEUE).since(Since::Kong3),
        CUSTOM,
    ],
    checks: &[],
};

static QUEUE: Record = Record {
    fields: &[
        Field::integer("max_batch_size").default(Default::Int(1)).rules(&[Rule::Between(1.0, 1_000_000.0)]),
        Field::number("max_coalescing_delay").default(Default::Int(1)).rules(&[Rule::Between(0.0, 3600.0)]),
        Field::integer("max_entries").default(Default::Int(10_000)).rules(&[Rule::Between(1.0, 1_000_000.0)]),
        Field::integer("max_bytes"),
        Field::number("max_retry_time").default(Default::Int(60)),
        Field::number("initial_retry_delay").default(Default::Num(0.01)).rules(&[Rule::Between(0.001, 1_000_000.0)]),
        Field::number("max_retry_delay").default(Default::Int(60)).rules(&[Rule::Between(0.001, 1_000_000.0)]),
        Field::integer("concurrency_limit").default(Default::Int(1)).rules(&[Rule::OneOf(&["-1", "1"])]),
    ],
    checks: &[],
};

/// Headers that the plugin itself sets.
fn free(name: &str) -> Result<(), String> {
    let taken = ["Host", "Content-Length", "Content-Type"].into_iter().find(|own| own.eq_ignore_ascii_case(name));
    taken.map_or(Ok(()), |own| Err(format!("cannot contain '{own}' header")))
}
