//! What all log plugins have in common: the record of a request, with the fields that a file adds, and the queue that takes
//! it out of the process.

use super::record::{self, Known};
use super::{Build, Ctx, Head};
use crate::config::schema::{Field, Rule, Wrong};
use crate::config::value::Checked;
use crate::lua::catalog::Catalog;
use crate::lua::{Chunk, Current, Facts, Phase, chunk};
use crate::outbox::{Outbox, Outboxes, Plan, Server};
use crate::settings::UntrustedLua;
use ipnet::IpNet;
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::Duration;

const PLACE: &Field = &Field::string("");
const CODE: &Field = &Field::string("").rules(&[Rule::Code(parses)]);

/// Fields of the record, as Lua says them: a chunk for a place in it (`kong/plugins.md` §20).
pub(super) const CUSTOM: Field = Field::map("custom_fields_by_lua", PLACE, CODE);

/// How often lines are sent to who does not take them, as in Kong 2.
pub(super) const ATTEMPTS: u32 = 10;

/// Writes records.
#[derive(Debug)]
pub(super) struct Logger {
    name: &'static str,
    custom: Box<[Custom]>,
    facts: Arc<Facts>,
    outbox: Arc<Outbox>,
}

/// The plugin whose first field is a [`Logger`], and that does nothing but write.
macro_rules! writes_records {
    ($plugin:ident) => {
        impl crate::plugin::Plugin for $plugin {
            fn log(&self, cx: &mut crate::plugin::Ctx) {
                self.0.log(cx);
            }

            fn keeps_head(&self) -> bool {
                true
            }

            fn records(&self) -> bool {
                true
            }

            fn remark(&self) -> Option<String> {
                Some(self.0.remark())
            }
        }
    };
}
pub(super) use writes_records;

/// A field that a chunk gives.
#[derive(Debug)]
struct Custom {
    place: Box<str>,
    chunk: Chunk,
}

fn parses(text: &str) -> Result<(), Wrong> {
    chunk::check(text)
        .map_err(|wrong| Wrong::lua(wrong.at, &wrong.message, format!("Error parsing function: {}", wrong.kong)))
}

/// The server that `host`, `port` and `timeout` name.
pub(super) fn server(config: &Checked) -> Server {
    let port = config.int("port").and_then(|port| u16::try_from(port).ok()).unwrap_or_default();
    let host = config.str("host").unwrap_or_default();
    let host = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    Server { host: host.into(), port, timeout: milliseconds(config, "timeout") }
}

/// A field of milliseconds.
pub(super) fn milliseconds(config: &Checked, name: &str) -> Duration {
    seconds(config.get(name).and_then(Checked::as_num).unwrap_or_default() / 1000.0)
}

/// So many seconds; none for what is no time, a day at most.
pub(super) fn seconds(number: f64) -> Duration {
    Duration::try_from_secs_f64(number.min(86_400.0)).unwrap_or_default()
}

// === impl Logger ===

impl Logger {
    /// Writes the records of a plugin as this plan says.
    pub(super) fn build(name: &'static str, plan: Plan, config: &Checked, cx: &mut Build<'_>) -> Self {
        let rules = cx.shared.get_or_insert_default::<Arc<UntrustedLua>>().clone();
        let custom = config.pairs(CUSTOM.name).iter().filter_map(|(place, text)| {
            let label = format!("{name} custom_fields_by_lua {place}");
            Some(Custom { place: place.as_ref().into(), chunk: Chunk::new(text.as_str()?, label, Arc::clone(&rules)) })
        });
        let custom = custom.collect();
        let catalog = cx.shared.get_or_insert_default::<Catalog>().clone();
        let trusted = cx.shared.get_or_insert_default::<Arc<[IpNet]>>().clone();
        let facts = Arc::new(Facts { consumers: cx.consumers(), catalog, trusted, instance: chunk::number() });
        let outbox = cx.shared.get_or_insert_default::<Outboxes>().of(plan, cx.before.get());
        Self { name, custom, facts, outbox }
    }

    /// Queues the record of a request.
    pub(super) fn log(&self, cx: &mut Ctx) {
        self.log_after("", cx);
    }

    /// The same, behind some text.
    pub(super) fn log_after(&self, start: &str, cx: &mut Ctx) {
        let mut line = start.as_bytes().to_vec();
        // Writing to memory cannot fail.
        let _ = serde_json::to_writer(&mut line, &self.record(cx));
        self.outbox.push(line);
    }

    /// For [`Plugin::remark`](super::Plugin::remark).
    pub(super) fn remark(&self) -> String {
        format!("writes a record of the request to {}", self.outbox.plan.to)
    }

    fn record(&self, cx: &mut Ctx) -> Map<String, Value> {
        let known = Known { entities: self.facts.catalog.get(), consumers: self.facts.consumers.get() };
        let mut record = record::of(cx, cx.head.as_deref(), known);
        if !self.custom.is_empty() {
            self.customize(&mut record, cx);
        }
        record
    }

    /// A field that fails is left as it was, and told of.
    fn customize(&self, record: &mut Map<String, Value>, cx: &mut Ctx) {
        let compat = cx.compat;
        let mut current = self.current(cx);
        for Custom { place, chunk } in &self.custom {
            let (back, result) = crate::lua::value(chunk, current);
            current = back;
            match result {
                Ok(value) => record::set(record, place, Some(value).filter(|value| !value.is_null()), compat),
                Err(fault) => tracing::error!("[kong] [{}] {fault}", self.name),
            }
        }
        *cx = current.cx;
        cx.head = Some(Box::new(Head::of(&current.req)));
    }

    fn current(&self, cx: &mut Ctx) -> Current {
        let empty = Ctx::new(cx.compat, cx.client, cx.tls, cx.now, cx.wall);
        let mut cx = std::mem::replace(cx, empty);
        let req = cx.head.take().map(|head| head.into_request()).unwrap_or_default();
        let res = cx.facts.as_ref().and_then(|facts| facts.end.as_ref()).map(record::End::head);
        let mut current = Current::new(Phase::Log, req, cx, Arc::clone(&self.facts));
        current.res = res;
        current
    }
}
