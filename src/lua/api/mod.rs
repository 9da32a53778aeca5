//! The functions that Lua may call, one file for each of Kong's and nginx's tables.
//!
//! A table is an [`Api`]: its path and an ordered list of [`Function`]s. To add a function, write it and add a line:
//!
//! ```ignore
//! function("get_header", Phases::REQUEST, get_header),
//!
//! fn get_header(lua: &Lua, cx: &mut Current, args: &Args) -> Answer { … }
//! ```
//!
//! It reads its arguments from [`Args`], the request from [`Current`], and answers with values ([`one`], [`none`],
//! [`many`], [`failed`]), raises an error at the place of the call ([`raise`]), or ends the phase ([`end`]). Its phases are
//! checked before it is called.

mod call;
mod cjson;
mod headers;
mod json;
mod kong;
mod ngx;
mod value;

pub(super) use call::Slot;

use super::current::Current;
use super::phase::Phases;
use call::{Answer, Args, Stop, end, failed, none, one, raise};
use mlua::{Lua, MultiValue, Table, Value};
use std::rc::Rc;

/// A function of the API.
#[derive(Clone, Copy)]
struct Function {
    name: &'static str,
    phases: Phases,
    body: Body,
}

/// What a function needs.
#[derive(Clone, Copy)]
enum Body {
    /// The request.
    Request(fn(&Lua, &mut Current, &Args) -> Answer),
    /// Only its arguments. It may call back into Lua, since nothing of the request is lent to it; one that does is
    /// counted by the prelude, so that it does not nest without end.
    Plain(fn(&Lua, &Args) -> Answer),
}

/// Reads a key of a table that is none; `nil` where there is none.
type Get = fn(&Lua, &mut Current, &Value) -> Answer;

/// Sets one.
type Set = fn(&Lua, &mut Current, &Value, &Value) -> Answer;

/// A table of the API.
struct Api {
    /// Where it is, e.g. `kong.service.request`.
    path: &'static str,
    functions: &'static [Function],
    /// Values that never change.
    constants: &'static [(&'static str, Constant)],
    /// What a key holds that is neither.
    get: Option<Get>,
    set: Option<Set>,
}

/// A value of a table.
#[derive(Clone, Copy)]
enum Constant {
    Int(i64),
    /// `ngx.null`, `cjson.null`.
    Null,
}

/// Every table; one that lies within another comes after it.
const TABLES: &[&[Api]] = &[kong::TABLES, ngx::TABLES, cjson::TABLES];

/// Modules that can be required, and the paths of their tables.
const MODULES: &[(&str, &str)] = &[("cjson", "cjson"), ("cjson.safe", "cjson_safe")];

/// Makes `kong` and `ngx`, and the modules. `wrap` and `dynamic` are the prelude's.
pub(super) fn install(
    lua: &Lua,
    slot: &Rc<Slot>,
    wrap: &mlua::Function,
    dynamic: &mlua::Function,
) -> mlua::Result<Table> {
    let root = lua.create_table()?;
    for api in TABLES.iter().copied().flatten() {
        let table = place(lua, &root, api.path)?;
        for function in api.functions {
            table.raw_set(function.name, wrap.call::<mlua::Function>(native(lua, slot, function)?)?)?;
        }
        for (name, constant) in api.constants {
            table.raw_set(*name, constant.value())?;
        }
        if api.get.is_some() || api.set.is_some() {
            let get = api.get.map(|get| getter(lua, slot, get)).transpose()?;
            let set = api.set.map(|set| setter(lua, slot, set)).transpose()?;
            dynamic.call::<()>((table, get, set))?;
        }
    }
    Ok(root)
}

/// `require` of all of Lua: the modules that there are.
pub(super) fn require(lua: &Lua, root: Table) -> mlua::Result<mlua::Function> {
    lua.create_function(move |lua, name: Value| {
        let Value::String(name) = &name else {
            return Ok(call::answered(lua, raise("bad argument #1 to 'require' (string expected)")));
        };
        let known = MODULES.iter().find(|(module, _)| *name == *module);
        Ok(call::answered(
            lua,
            match known {
                Some((_, path)) => one(lua, place(lua, &root, path)?),
                None => raise(format!("module '{}' not found", name.to_string_lossy())),
            },
        ))
    })
}

/// The table at a path, made where it is missing.
fn place(lua: &Lua, root: &Table, path: &str) -> mlua::Result<Table> {
    path.split('.').try_fold(root.clone(), |table, name| {
        if let Some(inner) = table.raw_get(name)? {
            return Ok(inner);
        }
        let inner = lua.create_table()?;
        table.raw_set(name, &inner)?;
        Ok(inner)
    })
}

fn native(lua: &Lua, slot: &Rc<Slot>, function: &'static Function) -> mlua::Result<mlua::Function> {
    let slot = Rc::clone(slot);
    lua.create_function(move |lua, args: MultiValue| {
        let args = Args::new(args);
        Ok(call::answered(
            lua,
            match function.body {
                Body::Request(body) => slot.with(|cx| {
                    cx.phase.check(function.phases).map_err(Stop::Raise)?;
                    body(lua, cx, &args)
                }),
                Body::Plain(body) => body(lua, &args),
            },
        ))
    })
}

fn getter(lua: &Lua, slot: &Rc<Slot>, get: Get) -> mlua::Result<mlua::Function> {
    let slot = Rc::clone(slot);
    lua.create_function(move |lua, key: Value| Ok(call::answered(lua, slot.with(|cx| get(lua, cx, &key)))))
}

fn setter(lua: &Lua, slot: &Rc<Slot>, set: Set) -> mlua::Result<mlua::Function> {
    let slot = Rc::clone(slot);
    lua.create_function(move |lua, (key, value): (Value, Value)| {
        Ok(call::answered(lua, slot.with(|cx| set(lua, cx, &key, &value))))
    })
}

/// A function that looks at the request.
const fn function(name: &'static str, phases: Phases, body: fn(&Lua, &mut Current, &Args) -> Answer) -> Function {
    Function { name, phases, body: Body::Request(body) }
}

/// A function of its arguments alone.
const fn plain(name: &'static str, body: fn(&Lua, &Args) -> Answer) -> Function {
    Function { name, phases: Phases::ANY, body: Body::Plain(body) }
}

// === impl Api ===

impl Api {
    /// A table of functions.
    const fn new(path: &'static str, functions: &'static [Function]) -> Self {
        Self { path, functions, constants: &[], get: None, set: None }
    }

    /// With values that never change.
    const fn constants(mut self, constants: &'static [(&'static str, Constant)]) -> Self {
        self.constants = constants;
        self
    }

    /// With keys that are looked up.
    const fn get(mut self, get: Get) -> Self {
        self.get = Some(get);
        self
    }

    /// With keys that can be set.
    const fn set(mut self, set: Set) -> Self {
        self.set = Some(set);
        self
    }
}

// === impl Constant ===

impl Constant {
    fn value(self) -> Value {
        match self {
            Self::Int(number) => Value::Integer(number),
            Self::Null => Value::NULL,
        }
    }
}
