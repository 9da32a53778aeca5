//! `kong` itself, and its small tables: node, addresses, tables, nginx.

use super::{Answer, Api, Args, failed, function, none, one, plain, raise};
use crate::entity::Compat;
use crate::lua::current::Current;
use crate::lua::phase::Phases;
use mlua::{Lua, Table, Value};
use std::net::IpAddr;
use std::sync::OnceLock;
use uuid::Uuid;

/// `kong`.
pub(super) const KONG: Api = Api::new("kong", &[]).get(get);

/// `kong.ip`.
pub(super) const IP: Api = Api::new("kong.ip", &[function("is_trusted", Phases::ANY, is_trusted)]);

/// `kong.nginx`.
pub(super) const NGINX: Api = Api::new("kong.nginx", &[plain("get_subsystem", |lua, _| one(lua, "http"))]);

/// `kong.node`.
pub(super) const NODE: Api = Api::new(
    "kong.node",
    &[
        plain("get_hostname", |_, _| raise("kong.node.get_hostname is not available in this gateway")),
        function("get_id", Phases::ANY, get_id),
        plain("get_memory_stats", get_memory_stats),
    ],
);

/// `kong.table`.
pub(super) const TABLE: Api =
    Api::new("kong.table", &[plain("clear", clear), plain("merge", merge), plain("new", new)]);

/// `kong.vault`.
pub(super) const VAULT: Api = Api::new(
    "kong.vault",
    &[plain("get", no_vault), plain("is_reference", is_reference), plain("parse_reference", no_vault)],
);

/// What Kong has and this gateway does not.
const ABSENT: &[&[u8]] = &[b"cache", b"cluster", b"configuration", b"core_cache", b"db", b"dns", b"worker_events"];

/// The version is the one whose behaviour the file asks for.
fn get(lua: &Lua, cx: &mut Current, key: &Value) -> Answer {
    let Value::String(key) = key else { return one(lua, Value::Nil) };
    match (&*key.as_bytes(), cx.cx.compat) {
        (b"version", Compat::Kong2) => one(lua, "2.8.1"),
        (b"version", Compat::Kong3) => one(lua, "3.9.1"),
        (b"version_num", Compat::Kong2) => one(lua, 2_008_001),
        (b"version_num", Compat::Kong3) => one(lua, 3_009_001),
        (name, _) if ABSENT.contains(&name) => {
            raise(format!("kong.{} is not available in this gateway", String::from_utf8_lossy(name)))
        }
        _ => one(lua, Value::Nil),
    }
}

/// Made when it is first asked for.
fn get_id(lua: &Lua, cx: &mut Current, _: &Args) -> Answer {
    static ID: OnceLock<Uuid> = OnceLock::new();
    one(lua, ID.get_or_init(cx.cx.arrival.random).to_string())
}

/// Whether an address is one of `trusted_ips`.
fn is_trusted(lua: &Lua, cx: &mut Current, args: &Args) -> Answer {
    let text = args.text(0, "ip must be a string")?.to_string_lossy();
    let ip = text.parse::<IpAddr>().ok();
    one(lua, ip.is_some_and(|ip| cx.facts.trusted.iter().any(|net| net.contains(&ip))))
}

/// What the worker's VM holds, in bytes or in a unit of them.
fn get_memory_stats(lua: &Lua, args: &Args) -> Answer {
    #[allow(clippy::cast_precision_loss)]
    let used = lua.used_memory() as f64;
    let unit = match args.get(0) {
        Value::Nil => None,
        Value::String(unit) => Some(unit.to_string_lossy()),
        _ => return raise("unit must be a string"),
    };
    let shown = match unit.as_deref() {
        None => Value::Number(used),
        Some("b" | "B") => Value::String(lua.create_string(format!("{used}"))?),
        Some(unit) => {
            let divisor = match unit {
                "k" | "K" => 1024.0,
                "m" | "M" => 1024.0 * 1024.0,
                "g" | "G" => 1024.0 * 1024.0 * 1024.0,
                other => return raise(format!("invalid unit '{other}' (expected 'k/K', 'm/M', or 'g/G')")),
            };
            let scale = args.get(1).as_usize().unwrap_or(2).min(20);
            Value::String(lua.create_string(format!("{:.scale$} {}iB", used / divisor, unit.to_uppercase()))?)
        }
    };
    let worker = lua.create_table()?;
    worker.raw_set("http_allocated_gc", shown)?;
    let stats = lua.create_table()?;
    stats.raw_set("lua_shared_dicts", lua.create_table()?)?;
    stats.raw_set("workers_lua_vms", lua.create_sequence_from([worker])?)?;
    one(lua, stats)
}

/// A reference `{vault://NAME/…}` is known by its form; there is no vault.
fn is_reference(lua: &Lua, args: &Args) -> Answer {
    let is = matches!(args.get(0), Value::String(text) if text.as_bytes().starts_with(b"{vault://") && text.as_bytes().ends_with(b"}"));
    one(lua, is)
}

fn no_vault(lua: &Lua, _: &Args) -> Answer {
    failed(lua, "there is no vault")
}

fn new(lua: &Lua, _: &Args) -> Answer {
    one(lua, lua.create_table()?)
}

fn clear(_: &Lua, args: &Args) -> Answer {
    let Value::Table(table) = args.get(0) else { return raise("bad argument #1 to 'clear' (table expected)") };
    table.clear()?;
    none()
}

/// A new table with the pairs of both; the second one's count.
fn merge(lua: &Lua, args: &Args) -> Answer {
    let merged: Table = lua.create_table()?;
    for given in [args.get(0), args.get(1)] {
        let Value::Table(given) = given else { continue };
        for pair in given.pairs::<Value, Value>() {
            let (key, value) = pair?;
            merged.raw_set(key, value)?;
        }
    }
    one(lua, merged)
}
