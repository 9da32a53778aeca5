//! Helpers for the tests of plugins: checked configuration by hand, and one request through one plugin.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::{Build, Ctx, Define, Flow, Plugin};
use crate::body::Body;
use crate::config::report::{Report, Span};
use crate::config::value::{Checked, Value};
use crate::consumers::{Consumers, Directory};
use crate::entity::Compat;
use crate::world::World;
use bytes::Bytes;
use http::{Extensions, HeaderMap, Request, Response};
use http_body_util::BodyExt;
use serde_json::Value as Json;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

/// A checked value from JSON. Defaults are the test's to write.
pub(crate) fn checked(json: &Json) -> Checked {
    let value = match json {
        Json::Null => Value::Null,
        Json::Bool(b) => Value::Bool(*b),
        Json::Number(n) => n.as_i64().map_or_else(|| Value::Num(n.as_f64().unwrap()), Value::Int),
        Json::String(s) => Value::Str(s.clone().into()),
        Json::Array(items) => Value::List(items.iter().map(checked).collect()),
        Json::Object(map) => Value::Map(map.iter().map(|(k, v)| (k.clone().into(), checked(v))).collect()),
    };
    Checked { value, span: Span::default() }
}

/// Builds a plugin, with what was reported on the way.
pub(crate) fn build<P: Define>(config: &Json, compat: Compat) -> (Option<P>, Report) {
    build_sharing(config, compat, &mut Extensions::new())
}

/// A plugin of a configuration with these consumers. It must build without a word.
pub(crate) fn plugin_knowing<P: Define>(config: &Json, compat: Compat, consumers: Consumers) -> P {
    let mut shared = Extensions::new();
    shared.get_or_insert_default::<Directory>().fill(Arc::new(consumers));
    let (plugin, report) = build_sharing(config, compat, &mut shared);
    assert_eq!(report.found, []);
    plugin.unwrap()
}

pub(crate) fn build_sharing<P: Define>(config: &Json, compat: Compat, shared: &mut Extensions) -> (Option<P>, Report) {
    let mut report = Report::default();
    let (files, watch) = (World::EMPTY.file, &mut Vec::new());
    let mut cx = Build {
        compat,
        report: &mut report,
        path: &[],
        files,
        watch,
        shared,
        before: &Extensions::new(),
        standing: &String::new,
    };
    let plugin = P::build(&checked(config), &mut cx);
    (plugin, report)
}

/// A plugin of Kong 2 that must build without a word.
pub(crate) fn plugin<P: Define>(config: &Json) -> P {
    let (plugin, report) = build(config, Compat::Kong2);
    assert_eq!(report.found, []);
    plugin.unwrap()
}

pub(crate) fn context(compat: Compat) -> Ctx {
    let mut cx = Ctx::new(compat, [127, 0, 0, 1].into(), false, Instant::now(), SystemTime::now());
    cx.path = "/".to_owned();
    cx
}

pub(crate) fn request(method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Request<Body> {
    let mut req = Request::builder().method(method).uri(target);
    for (name, value) in headers {
        req = req.header(*name, *value);
    }
    req.body(Body::full(Bytes::copy_from_slice(body.as_bytes()))).unwrap()
}

/// Runs `access`, and `wait` if the plugin asks for it.
pub(crate) fn access(plugin: &dyn Plugin, req: &mut Request<Body>, cx: &mut Ctx) -> Option<Response<Body>> {
    let flow = match plugin.access(req, cx) {
        Flow::Wait => block_on(plugin.wait(req, cx)),
        flow => flow,
    };
    match flow {
        Flow::Continue => None,
        Flow::Respond(res) => Some(res),
        Flow::Wait => panic!("a plugin waits only once"),
    }
}

pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

pub(crate) fn text(body: Body) -> String {
    let bytes = block_on(body.collect()).unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Headers as sorted `name: value` lines.
pub(crate) fn lines(headers: &HeaderMap) -> Vec<String> {
    let line = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        format!("{name}: {}", String::from_utf8_lossy(value.as_bytes()))
    };
    let mut lines: Vec<_> = headers.iter().map(line).collect();
    lines.sort();
    lines
}
