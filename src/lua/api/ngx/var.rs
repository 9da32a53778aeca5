//! `ngx.var`: nginx's variables, as far as a chunk may want them.

use super::req::Rewritten;
use super::time::{seconds, since_epoch};
use super::{Answer, Api, Stop, none, one, raise};
use crate::lua::api::{headers, response, target, value};
use crate::lua::current::{Current, Payload};
use crate::route::normalize::normalize;
use http::{HeaderMap, HeaderName, HeaderValue};
use mlua::{Lua, Value};
use percent_encoding::percent_decode;

pub(super) const API: Api = Api::new("ngx.var", &[]).get(get).set(set);

/// What a variable holds; `None` where there is none, or it has no value.
type Found = Option<Vec<u8>>;

/// Finds a variable by the rest of its name.
type Find = fn(&mut Current, &str) -> Found;

/// Variables that are a family: what their names begin with, and who knows the rest.
const FAMILIES: &[(&str, Find)] = &[
    ("arg_", argument),
    ("cookie_", cookie),
    ("http_", |cx, name| line(cx.req.headers(), name)),
    ("sent_http_", |cx, name| line(response::headers(cx), name)),
    ("upstream_http_", |cx, name| line(&cx.cx.received.as_ref()?.headers, name)),
];

fn get(lua: &Lua, cx: &mut Current, key: &Value) -> Answer {
    let Value::String(key) = key else { return one(lua, Value::Nil) };
    let key = key.to_string_lossy();
    let family = FAMILIES.iter().find_map(|(start, find)| Some((find, key.strip_prefix(start)?)));
    let found = match family {
        Some((find, rest)) => find(cx, rest),
        None => of_request(cx, &key).or_else(|| of_connection(cx, &key)).or_else(|| of_exchange(cx, &key)),
    };
    match found {
        Some(text) => one(lua, lua.create_string(text)?),
        None => one(lua, Value::Nil),
    }
}

fn of_request(cx: &mut Current, name: &str) -> Found {
    match name {
        "args" | "query_string" => Some(cx.cx.query_of(&cx.req).into()).filter(|query: &Vec<u8>| !query.is_empty()),
        "content_length" | "content_type" => line(cx.req.headers(), name),
        "host" => Some(target::host(cx.req.headers())),
        "is_args" => Some(if cx.cx.query_of(&cx.req).is_empty() { "" } else { "?" }.into()),
        "request" => Some(target::line(cx).into()),
        "request_body" => match &cx.payload {
            Payload::Whole(body) if !body.is_empty() => Some(body.to_vec()),
            _ => None,
        },
        "request_id" => Some(request_id(cx).into()),
        "request_method" => Some(cx.req.method().as_str().into()),
        "request_uri" => Some(target::raw(cx).into()),
        "server_protocol" => Some(target::protocol(cx).into()),
        "uri" | "document_uri" => Some(uri(cx)),
        _ => None,
    }
}

/// The path decoded and normal, or what `ngx.req.set_uri` made of it.
fn uri(cx: &Current) -> Vec<u8> {
    if let Some(Rewritten(uri)) = cx.cx.stash.get::<Rewritten>() {
        return uri.clone();
    }
    let path = normalize(cx.req.uri().path().as_bytes()).unwrap_or_default();
    percent_decode(&path).collect()
}

fn request_id(cx: &mut Current) -> String {
    let made = cx.cx.arrival.random;
    cx.cx.request_id.get_or_insert_with(|| made().simple().to_string().into()).to_string()
}

fn of_connection(cx: &mut Current, name: &str) -> Found {
    let (peer, server) = (cx.cx.peer.address, cx.cx.arrival.server);
    let text = match name {
        "connection" => cx.cx.arrival.connection.to_string(),
        "connection_requests" => cx.cx.arrival.on_connection.to_string(),
        "https" => if cx.cx.tls { "on" } else { "" }.to_owned(),
        "pid" => cx.cx.arrival.process.to_string(),
        "realip_remote_addr" => peer.ip().to_string(),
        "realip_remote_port" | "remote_port" => peer.port().to_string(),
        "remote_addr" => cx.cx.client.to_string(),
        "scheme" => if cx.cx.tls { "https" } else { "http" }.to_owned(),
        "server_addr" => server.ip().to_string(),
        "server_name" => "kong".to_owned(),
        "server_port" => server.port().to_string(),
        _ => return None,
    };
    Some(text.into())
}

fn of_exchange(cx: &mut Current, name: &str) -> Found {
    let detour = || cx.cx.detour.as_ref();
    match name {
        "msec" => Some(format!("{:.3}", seconds(since_epoch(cx))).into()),
        "request_time" => Some(format!("{:.3}", seconds(crate::lua::limits::passed(cx.cx.now))).into()),
        "status" => cx.res.as_ref().map(|res| res.status().as_str().into()),
        "upstream_host" => Some(cx.cx.host.as_ref().map(|host| host.as_bytes().to_vec()).unwrap_or_default()),
        "upstream_scheme" => detour()?.https.map(|https| if https { "https" } else { "http" }.into()),
        "upstream_status" => Some(cx.cx.received.as_ref()?.status.as_str().into()),
        "upstream_uri" => Some(cx.cx.path.clone().into()),
        _ => Some(detour()?.forwarded.get(forwarded(name)?)?.as_bytes().to_vec()),
    }
}

/// The header that a variable `upstream_x_forwarded_…` becomes.
fn forwarded(name: &str) -> Option<HeaderName> {
    let rest = name.strip_prefix("upstream_x_forwarded_")?;
    let known = ["for", "host", "path", "port", "prefix", "proto"].contains(&rest);
    HeaderName::from_bytes(format!("x-forwarded-{rest}").as_bytes()).ok().filter(|_| known)
}

/// A header's lines as one: `_` stands for `-`.
fn line(headers: &HeaderMap, name: &str) -> Found {
    let name = name.replace('_', "-");
    let lines: Vec<&[u8]> = headers.get_all(&*name).iter().map(HeaderValue::as_bytes).collect();
    let between: &[u8] = if name.eq_ignore_ascii_case("cookie") { b"; " } else { b", " };
    (!lines.is_empty()).then(|| lines.join(between))
}

/// An argument as it stands in the query, by its name in whatever letter case. Without `=` it has no value.
fn argument(cx: &mut Current, name: &str) -> Found {
    let pairs = cx.cx.query_of(&cx.req).split('&').filter_map(|pair| pair.split_once('='));
    let mut values = pairs.filter(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.into());
    values.next()
}

fn cookie(cx: &mut Current, name: &str) -> Found {
    let all = line(cx.req.headers(), "cookie")?;
    let pairs = all.split(|&byte| byte == b';').map(<[u8]>::trim_ascii_start);
    let value = |pair: &[u8]| {
        let at = pair.iter().position(|&byte| byte == b'=')?;
        pair.get(..at)?.eq_ignore_ascii_case(name.as_bytes()).then(|| pair.get(at + 1..).map(<[u8]>::to_vec))?
    };
    pairs.filter_map(value).next()
}

fn set(_: &Lua, cx: &mut Current, key: &Value, given: &Value) -> Answer {
    let key = value::scalar(key).unwrap_or_default();
    let key = String::from_utf8_lossy(&key);
    let text = match given {
        Value::Nil => Vec::new(),
        other => value::scalar(other).map_or_else(|| raise("bad variable value"), Ok)?,
    };
    match &*key {
        "upstream_uri" => cx.cx.path = target::path(&text),
        "upstream_host" => cx.cx.host = Some(headers::value(&text)).filter(|host| !host.is_empty()),
        "upstream_scheme" => set_scheme(cx, &text)?,
        "args" => cx.cx.query = Some(target::query(&text)),
        name => match forwarded(name) {
            Some(name) => drop(cx.cx.detour().forwarded.insert(name, headers::value(&text))),
            None => return raise(unwritable(name)),
        },
    }
    none()
}

fn set_scheme(cx: &mut Current, text: &[u8]) -> Result<(), Stop> {
    match text {
        b"http" => cx.cx.detour().https = Some(false),
        b"https" => cx.cx.detour().https = Some(true),
        other => return raise(format!("invalid scheme: {}", String::from_utf8_lossy(other))),
    }
    Ok(())
}

/// OpenResty's words.
fn unwritable(name: &str) -> String {
    format!(
        "variable \"{name}\" not found for writing; maybe it is a built-in variable that is not changeable or you forgot \
         to use \"set ${name} '';\" in the config file to define it first"
    )
}
