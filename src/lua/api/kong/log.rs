//! `kong.log`: lines of the gateway's own log.

use super::{Answer, Api, Args, function, log_record, none, plain};
use crate::lua::api::inspect;
use crate::lua::api::log::{self, Level};
use crate::lua::phase::Phases;
use mlua::{Lua, Value};

/// The levels, and `kong.log(…)` itself.
pub(super) const API: Api = Api::new(
    "kong.log",
    &[
        plain("emerg", |lua, args| line(lua, 1, args)),
        plain("alert", |lua, args| line(lua, 2, args)),
        plain("crit", |lua, args| line(lua, 3, args)),
        plain("err", |lua, args| line(lua, 4, args)),
        plain("warn", |lua, args| line(lua, 5, args)),
        plain("notice", |lua, args| line(lua, 6, args)),
        plain("info", |lua, args| line(lua, 7, args)),
        plain("debug", |lua, args| line(lua, 8, args)),
        function("serialize", Phases::LOG, log_record::serialize),
        function("set_serialize_value", Phases::BEFORE.and(Phases::AFTER), log_record::set_value),
    ],
)
.call(|lua, args| {
    log::kong(lua, Level(6), args, 1);
    none()
});

/// `kong.log.inspect(…)`, and its switch.
pub(super) const INSPECT: Api =
    Api::new("kong.log.inspect", &[plain("off", |lua, _| switch(lua, true)), plain("on", |lua, _| switch(lua, false))])
        .call(show);

/// Where the VM keeps whether nothing is shown.
const OFF: &str = "kong.log.inspect.off";

fn line(lua: &Lua, level: i64, args: &Args) -> Answer {
    log::kong(lua, Level(level), args, 0);
    none()
}

fn switch(lua: &Lua, off: bool) -> Answer {
    lua.set_named_registry_value(OFF, off)?;
    none()
}

fn show(lua: &Lua, args: &Args) -> Answer {
    if lua.named_registry_value::<Value>(OFF)? == Value::Boolean(true) {
        return none();
    }
    let shown: Vec<String> = args.iter().skip(1).map(inspect::text).collect();
    log::write(Level(8), &format!("{} {}", log::place(lua), shown.join(" ")));
    none()
}
