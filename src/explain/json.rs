//! An explanation for machines: one object. Pure.

use super::reason::{of_criterion, of_failure};
use super::secrets::Secrets;
use super::{Answer, Answerer, Asked, Change, Explanation, Loser, Outcome, Question, Ran, Step, Winner};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderMap;
use serde_json::{Map, Value, json};

/// The explanation; bodies stand in it only if secrets are shown.
#[must_use]
pub fn json(question: &Question, told: &Explanation, secrets: Secrets<'_>) -> Value {
    let (upstream, answer) = match &told.outcome {
        Outcome::Upstream(asked) => (upstream(asked, secrets), Value::Null),
        Outcome::Answer(given) => (Value::Null, self::answer(given, secrets)),
        Outcome::Unparsable(why) => (Value::Null, json!({"by": "parser", "status": 400, "why": why})),
    };
    let routing = told.routing.as_ref();
    json!({
        "request": {
            "method": question.method,
            "url": secrets.target(&question.url()),
            "from": question.from.to_string(),
            "client": told.client.to_string(),
            "trusted": told.trusted,
            "port": told.port,
        },
        "route": routing.and_then(|routing| routing.winner.as_ref()).map(winner),
        "other_routes": routing.map(|routing| routing.losers.iter().map(loser).collect::<Vec<_>>()),
        "plugins": told.steps.iter().map(|step| self::step(step, secrets)).collect::<Vec<_>>(),
        "upstream": upstream,
        "answer": answer,
        "notes": told.notes,
    })
}

fn winner(winner: &Winner) -> Value {
    let asks = winner.asks.iter().map(|(kind, texts)| ((*kind).to_owned(), json!(texts)));
    json!({"name": winner.name, "line": winner.line, "path": winner.path, "asks_for": asks.collect::<Map<_, _>>()})
}

fn loser(loser: &Loser) -> Value {
    json!({
        "name": loser.name,
        "line": loser.line,
        "path": loser.path,
        "misses": loser.misses,
        "lost": loser.lost.as_ref().map(of_criterion),
    })
}

fn step(step: &Step, secrets: Secrets<'_>) -> Value {
    let (ran, status) = match step.ran {
        Ran::Passed => ("passed", None),
        Ran::Answered(status) => ("answered", Some(status.as_u16())),
        Ran::NotReached => ("not reached", None),
    };
    let scope = step.outline.as_ref().map(|outline| {
        outline.scope.iter().map(|(kind, name)| ((*kind).to_owned(), json!(name))).collect::<Map<_, _>>()
    });
    let all = |changes: &[Change]| changes.iter().map(|change| self::change(change, secrets)).collect::<Vec<_>>();
    json!({
        "name": step.name,
        "line": step.outline.as_ref().map(|outline| outline.line),
        "scope": scope,
        "ran": ran,
        "status": status,
        "request": all(&step.request),
        "answer": all(&step.answer),
        "remark": step.remark,
    })
}

fn change(change: &Change, secrets: Secrets<'_>) -> Value {
    match change {
        Change::Added(name, value) => json!({"added": [name.as_str(), secrets.value(name, value)]}),
        Change::Removed(name, value) => json!({"removed": [name.as_str(), secrets.value(name, value)]}),
        Change::Became(what @ "query", before, after) => {
            json!({"changed": what, "before": secrets.query(before), "after": secrets.query(after)})
        }
        Change::Became(what, before, after) => {
            json!({"changed": what, "before": secrets.target(before), "after": secrets.target(after)})
        }
    }
}

fn upstream(asked: &Asked, secrets: Secrets<'_>) -> Value {
    let peers = asked.peers.iter().map(|(peer, weight)| json!({"address": peer, "weight": weight}));
    let mut object = json!({
        "service": asked.service,
        "line": asked.line,
        "url": asked.url,
        "tls": asked.tls,
        "peers": peers.collect::<Vec<_>>(),
        "choice": asked.choice,
        "method": asked.method.as_str(),
        "target": secrets.target(&asked.target),
        "headers": headers(&asked.headers, secrets),
    });
    put_body(&mut object, &asked.body, secrets);
    object
}

fn answer(given: &Answer, secrets: Secrets<'_>) -> Value {
    let (by, why) = match &given.by {
        Answerer::Gateway(failure) => ("gateway", Some(of_failure(*failure))),
        Answerer::Plugin(name) => (*name, None),
    };
    let mut object = json!({
        "by": by,
        "why": why,
        "status": given.status.as_u16(),
        "headers": headers(&given.headers, secrets),
    });
    put_body(&mut object, &given.body, secrets);
    object
}

fn headers(map: &HeaderMap, secrets: Secrets<'_>) -> Vec<[String; 2]> {
    map.iter().map(|(name, value)| [name.to_string(), secrets.value(name, value)]).collect()
}

/// As text if it is text, else in base64.
fn put_body(object: &mut Value, body: &Bytes, secrets: Secrets<'_>) {
    object["body_bytes"] = body.len().into();
    if secrets == Secrets::Shown {
        match std::str::from_utf8(body) {
            Ok(text) => object["body"] = text.into(),
            Err(_) => object["body_b64"] = STANDARD.encode(body).into(),
        }
    }
}
