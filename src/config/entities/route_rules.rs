//! What a route's `protocols` demand of its other fields (`kong/declarative.md` §4, routes), and its `expression`
//! (Kong 3's `kong/db/schema/entities/routes.lua`).

use crate::config::schema::Wrong;
use crate::config::value::Checked;
use crate::route::expression::Expression;

/// Place and Kong's words for a thing wrong.
type Fault = (&'static str, String);

/// What goes with no `expression`.
const LISTS: &[&str] = &["methods", "hosts", "paths", "headers", "snis", "sources", "destinations"];
const FAMILIES: &[&[&str]] = &[&["http", "https"], &["tcp", "tls", "udp"], &["tls_passthrough"], &["grpc", "grpcs"]];
const HTTP: &[&str] = &["methods", "hosts", "headers", "paths"];
const HTTPS: &[&str] = &["methods", "hosts", "headers", "paths", "snis"];
const GRPC: &[&str] = &["hosts", "headers", "paths"];
const GRPCS: &[&str] = &["hosts", "headers", "paths", "snis"];
const STREAM: &[&str] = &["sources", "destinations", "snis"];

/// Known ones, of one family.
pub(super) fn protocols(list: &Checked) -> Result<(), String> {
    let crate::config::value::Value::List(items) = &list.value else { return Ok(()) };
    let names: Vec<&str> = items.iter().filter_map(Checked::as_str).collect();
    let known = |name: &str| FAMILIES.iter().any(|family| family.contains(&name));
    match names.iter().find(|name| !known(name)) {
        Some(unknown) => return Err(format!("unknown type: {unknown}")),
        None if names.is_empty() => return Err("unknown type: nil".to_owned()),
        None => {}
    }
    let used: Vec<String> = FAMILIES
        .iter()
        .filter(|family| names.iter().any(|name| family.contains(name)))
        .map(|family| format!("({})", family.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ")))
        .collect();
    if used.len() < 2 { Ok(()) } else { Err(format!("these sets are mutually exclusive: {}", used.join(", "))) }
}

/// What is wrong with an expression.
pub(super) fn expression(text: &str) -> Result<(), Wrong> {
    Expression::parse(text).map(|_| ()).map_err(|fault| {
        let kong = format!("Router Expression failed validation: {}", fault.message);
        let message = format!("can't be read: {}", fault.message);
        let (label, help) = (fault.label.map(Into::into), fault.help.map(Into::into));
        Wrong { at: fault.at, code: "bad-expression", message, label, help, kong }
    })
}

/// Which fields are forbidden, and of which one is needed.
pub(super) fn by_protocols(route: &Checked) -> Vec<Fault> {
    let mut wrong = by_expression(route);
    wrong.extend(of_protocols(route).into_iter().filter(|(_, message)| !is_met(route, message)));
    wrong
}

/// An expression is all that a route asks.
fn is_met(route: &Checked, message: &str) -> bool {
    route.get("expression").is_some_and(|field| !field.is_null()) && message.starts_with("must set ")
}

/// What goes with an expression, and what only with one.
fn by_expression(route: &Checked) -> Vec<Fault> {
    let set = |name: &str| route.get(name).is_some_and(|field| !field.is_null());
    let number = |name: &str| route.int(name).unwrap_or_default() != 0;
    let lists = LISTS.iter().any(|name| !is_empty(route, name));
    let all = "'methods', 'hosts', 'paths', 'headers', 'snis', 'sources' or 'destinations'";
    let refused = [
        (set("expression") && lists, ("expression", all)),
        (set("expression") && number("regex_priority"), ("regex_priority", "'expression'")),
        (number("priority") && lists, ("priority", all)),
    ];
    let first = refused.into_iter().find(|(wrong, _)| *wrong).map(|(_, words)| words);
    let words = |(field, others)| {
        format!("Router Expression failed validation: cannot set '{field}' with {others} simultaneously")
    };
    first.map(|refused| ("@entity", words(refused))).into_iter().collect()
}

fn of_protocols(route: &Checked) -> Vec<Fault> {
    let has = |name: &str| route.strs("protocols").any(|protocol| protocol == name);
    let stream = has("tcp") || has("tls") || has("udp") || has("tls_passthrough");
    if stream {
        return stream_rules(route, has("tls_passthrough"), has("tls") || has("tls_passthrough"));
    }
    if has("grpc") || has("grpcs") {
        return grpc_rules(route, has("grpcs"));
    }
    let mut wrong = forbidden(route, &["sources", "destinations"], "'http' or 'https'");
    if has("https") {
        wrong.extend(needed(route, HTTPS, "https"));
    } else if has("http") {
        wrong.extend(needed(route, HTTP, "http"));
        wrong.extend(no_snis(route));
    }
    wrong
}

fn stream_rules(route: &Checked, passthrough: bool, tls: bool) -> Vec<Fault> {
    let mut wrong = forbidden(route, HTTP, "'tcp', 'tls', 'tls_passthrough' or 'udp'");
    if passthrough && is_empty(route, "snis") {
        wrong.push(("@entity", "must set snis when 'protocols' is 'tls_passthrough'".to_owned()));
    } else if !passthrough && STREAM.iter().all(|name| is_empty(route, name)) {
        let message = format!("must set one of {} when 'protocols' is 'tcp', 'tls' or 'udp'", listed(STREAM));
        wrong.push(("@entity", message));
    }
    if !tls {
        wrong.extend(no_snis(route));
    }
    wrong
}

fn grpc_rules(route: &Checked, secure: bool) -> Vec<Fault> {
    let mut wrong = forbidden(route, &["methods", "sources", "destinations"], "'grpc' or 'grpcs'");
    // The default is false here; whoever writes true is told (the reader filled in true for those who wrote nothing).
    if route.bool("strip_path") && route.get("strip_path").is_some_and(|field| field.span != route.span) {
        wrong.push(("strip_path", "cannot set 'strip_path' when 'protocols' is 'grpc' or 'grpcs'".to_owned()));
    }
    let (fields, name) = if secure { (GRPCS, "grpcs") } else { (GRPC, "grpc") };
    wrong.extend(needed(route, fields, name));
    if !secure {
        wrong.extend(no_snis(route));
    }
    wrong
}

fn is_empty(route: &Checked, name: &str) -> bool {
    use crate::config::value::Value::{List, Map};
    route.get(name).is_none_or(|field| match &field.value {
        List(items) => items.is_empty(),
        Map(pairs) => pairs.is_empty(),
        _ => false,
    })
}

fn forbidden(route: &Checked, names: &[&'static str], protocols: &str) -> Vec<Fault> {
    let written = names.iter().filter(|name| route.get(name).is_some());
    written.map(|name| (*name, format!("cannot set '{name}' when 'protocols' is {protocols}"))).collect()
}

fn needed(route: &Checked, names: &[&'static str], protocol: &str) -> Option<Fault> {
    let none = names.iter().all(|name| is_empty(route, name));
    none.then(|| ("@entity", format!("must set one of {} when 'protocols' is '{protocol}'", listed(names))))
}

fn no_snis(route: &Checked) -> Vec<Fault> {
    if is_empty(route, "snis") {
        return Vec::new();
    }
    let message = "'snis' can only be set when 'protocols' is 'grpcs', 'https', 'tls' or 'tls_passthrough'";
    vec![("snis", "length must be 0".to_owned()), ("@entity", message.to_owned())]
}

fn listed(names: &[&str]) -> String {
    names.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ")
}
