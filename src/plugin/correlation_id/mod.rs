//! `correlation-id`: names each request, for whoever looks at several logs (`kong/plugins.md` §15, recorded suite of that
//! name).

mod generator;
#[cfg(test)]
mod tests;

use super::{Build, Ctx, Define, Flow, Plugin};
use crate::body::Body;
use crate::config::schema::{Default, Field, Record, Rule};
use crate::config::value::Checked;
use crate::entity::Compat;
use generator::Generator;
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::{HeaderName, HeaderValue, Request, Response};

/// The plugin.
#[derive(Debug)]
pub struct CorrelationId {
    header: [HeaderName; 1],
    generator: Generator,
    echoes: bool,
}

/// The request's id, left for the answer.
#[derive(Clone)]
struct Known(HeaderValue);

const DEFAULT: &str = "Kong-Request-ID";

static CONFIG: Record = Record {
    fields: &[
        Field::string("header_name").default(Default::Str(DEFAULT)),
        Field::string("generator").default(Default::Str("uuid#counter")).required().rules(&[Rule::OneOf(GENERATORS)]),
        Field::boolean("echo_downstream").default(Default::Bool(false)).required(),
    ],
    checks: &[],
};

const GENERATORS: &[&str] = &["uuid", "uuid#counter", "tracker"];

// === impl CorrelationId ===

impl Plugin for CorrelationId {
    fn access(&self, req: &mut Request<Body>, cx: &mut Ctx) -> Flow {
        let [name] = &self.header;
        let headers = req.headers_mut();
        let id = match given(headers.get(name)) {
            Some(id) => id,
            None => {
                let id = self.generator.make(&cx.arrival, cx.wall);
                headers.insert(name, id.clone());
                id
            }
        };
        if cx.request_id.is_none() {
            cx.request_id = id.to_str().ok().map(Into::into);
        }
        if self.echoes {
            cx.stash.insert(Known(id));
        }
        Flow::Continue
    }

    fn response(&self, res: &mut Response<Body>, cx: &mut Ctx) {
        if !self.echoes {
            return;
        }
        let [name] = &self.header;
        let known = cx.stash.get::<Known>().map(|known| known.0.clone());
        let id = known.or_else(|| given(cx.kept.get(name))).unwrap_or_else(|| self.generator.make(&cx.arrival, cx.wall));
        res.headers_mut().insert(name, id);
    }

    fn keeps(&self) -> &[HeaderName] {
        if self.echoes { &self.header } else { &[] }
    }

    fn remark(&self) -> Option<String> {
        Some("makes another id for each request that has none".to_owned())
    }
}

/// What the client calls its request, if anything.
fn given(value: Option<&HeaderValue>) -> Option<HeaderValue> {
    value.filter(|value| !value.is_empty()).cloned()
}

impl Define for CorrelationId {
    const NAME: &'static str = "correlation-id";

    fn priority(compat: Compat) -> i32 {
        match compat {
            Compat::Kong2 => 1,
            Compat::Kong3 => 100_001,
        }
    }

    fn schema() -> &'static Record {
        &CONFIG
    }

    fn build(config: &Checked, cx: &mut Build<'_>) -> Option<Self> {
        Some(Self {
            header: [header(config, cx)?],
            generator: Generator::named(config.str("generator")),
            echoes: config.bool("echo_downstream"),
        })
    }
}

/// The header's name. Kong takes any text.
fn header(config: &Checked, cx: &mut Build<'_>) -> Option<HeaderName> {
    let text = config.str("header_name").unwrap_or(DEFAULT);
    let span = config.get("header_name").map_or(config.span, |field| field.span);
    let wrong = match HeaderName::try_from(text) {
        Err(_) => format!("`{}` cannot be the name of a header", text.escape_debug()),
        Ok(name) if [CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING].contains(&name) => {
            format!("the header `{text}` has a meaning of its own and cannot hold an id")
        }
        Ok(name) => return Some(name),
    };
    cx.reject_ours("invalid-value", span, wrong);
    None
}
