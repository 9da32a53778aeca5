//! The functions that Lua may call, one file for each of Kong's and nginx's tables.
//!
//! A table is an [`Api`]: its path and an ordered list of [`Function`]s. To add a function, write it and add a line:
//!
//! ```text
//! function("get_header", Phases::REQUEST, get_header),
//!
//! fn get_header(lua: &Lua, cx: &mut Current, args: &Args) -> Answer { … }
//! ```
//!
//! It reads its arguments from [`Args`], the request from [`Current`], and answers with values ([`one`], [`none`],
//! [`many`], [`failed`]), raises an error at the place of the call ([`raise`]), or ends the phase ([`end`]). Its phases are
//! checked before it is called.

mod arguments;
mod call;
mod cjson;
mod entity;
mod headers;
mod inspect;
mod json;
mod json_decode;
mod kong;
mod log;
mod ngx;
mod response;
mod target;
#[cfg(test)]
mod tests;
mod value;

pub(super) use call::Slot;

use super::current::Current;
use super::phase::Phases;
use call::{Answer, Args, Stop, end, failed, many, none, one, raise};
use mlua::{Lua, MultiValue, Table, Value};
use std::rc::Rc;

/// A function that looks at the request.
type WithRequest = fn(&Lua, &mut Current, &Args) -> Answer;

/// One that does not.
type WithoutRequest = fn(&Lua, &Args) -> Answer;

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
    Request(WithRequest),
    /// Only its arguments. It may call back into Lua, since nothing of the request is lent to it; one that does is
    /// counted by the prelude, so that it does not nest without end.
    Plain(WithoutRequest),
    /// Only its arguments, and it does call back into Lua.
    Calling(WithoutRequest),
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
    /// What calling the table itself does; its first argument is the table.
    call: Option<WithoutRequest>,
}

/// A value of a table.
#[derive(Clone, Copy)]
enum Constant {
    Int(i64),
    /// `ngx.null`, `cjson.null`.
    Null,
}

/// Makes tables in a VM.
struct Maker<'a> {
    lua: &'a Lua,
    slot: &'a Rc<Slot>,
    /// The prelude's, as `shallow` and `dynamic`.
    wrap: mlua::Function,
    shallow: mlua::Function,
    dynamic: mlua::Function,
}

/// Every table; one that lies within another comes after it.
const TABLES: &[&[Api]] = &[kong::TABLES, ngx::TABLES, cjson::TABLES];

/// Modules that can be required, and the paths of their tables.
const MODULES: &[(&str, &str)] = &[("cjson", "cjson"), ("cjson.safe", "cjson_safe")];

/// Makes `kong` and `ngx`, and the modules.
pub(super) fn install(lua: &Lua, slot: &Rc<Slot>, prelude: &Table) -> mlua::Result<Table> {
    let (root, maker) = (lua.create_table()?, Maker::new(lua, slot, prelude)?);
    for api in TABLES.iter().copied().flatten() {
        maker.fill(&place(lua, &root, api.path)?, api)?;
    }
    Ok(root)
}

/// A value as compact JSON.
///
/// # Errors
/// `cjson`'s words for what JSON cannot hold.
pub(super) fn json(value: &Value) -> Result<Vec<u8>, String> {
    json::encode(value)
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

/// A function that looks at the request.
const fn function(name: &'static str, phases: Phases, body: WithRequest) -> Function {
    Function { name, phases, body: Body::Request(body) }
}

/// A function of its arguments alone that calls one of them.
const fn calling(name: &'static str, body: WithoutRequest) -> Function {
    Function { name, phases: Phases::ANY, body: Body::Calling(body) }
}

/// A function of its arguments alone.
const fn plain(name: &'static str, body: WithoutRequest) -> Function {
    Function { name, phases: Phases::ANY, body: Body::Plain(body) }
}

// === impl Maker ===

impl<'a> Maker<'a> {
    fn new(lua: &'a Lua, slot: &'a Rc<Slot>, prelude: &Table) -> mlua::Result<Self> {
        let part = |name| prelude.raw_get::<mlua::Function>(name);
        Ok(Self { lua, slot, wrap: part("wrap")?, shallow: part("shallow")?, dynamic: part("dynamic")? })
    }

    fn fill(&self, table: &Table, api: &Api) -> mlua::Result<()> {
        for function in api.functions {
            table.raw_set(function.name, self.function(function)?)?;
        }
        for (name, constant) in api.constants {
            table.raw_set(*name, constant.value())?;
        }
        if let Some(call) = api.call {
            table.set_metatable(Some(self.callable(call)?))?;
        }
        if api.get.is_some() || api.set.is_some() {
            let get = api.get.map(|get| self.getter(get)).transpose()?;
            let set = api.set.map(|set| self.setter(set)).transpose()?;
            self.dynamic.call::<()>((table, get, set))?;
        }
        Ok(())
    }

    fn function(&self, function: &'static Function) -> mlua::Result<mlua::Function> {
        let native = match function.body {
            Body::Request(body) => self.with_request(function.phases, body)?,
            Body::Plain(body) => self.without_request(body)?,
            Body::Calling(body) => self.shallow.call(self.without_request(body)?)?,
        };
        self.wrap.call(native)
    }

    fn with_request(&self, phases: Phases, body: WithRequest) -> mlua::Result<mlua::Function> {
        let slot = Rc::clone(self.slot);
        self.lua.create_function(move |lua, args: MultiValue| {
            let args = Args::new(args);
            let answer = slot.with(|cx| {
                cx.phase.check(phases).map_err(Stop::Raise)?;
                body(lua, cx, &args)
            });
            Ok(call::answered(lua, answer))
        })
    }

    fn without_request(&self, body: WithoutRequest) -> mlua::Result<mlua::Function> {
        self.lua.create_function(move |lua, args: MultiValue| Ok(call::answered(lua, body(lua, &Args::new(args)))))
    }

    /// The metatable of a table that can be called.
    fn callable(&self, body: WithoutRequest) -> mlua::Result<Table> {
        let meta = self.lua.create_table()?;
        meta.raw_set("__call", self.wrap.call::<mlua::Function>(self.without_request(body)?)?)?;
        meta.raw_set("__metatable", false)?;
        Ok(meta)
    }

    fn getter(&self, get: Get) -> mlua::Result<mlua::Function> {
        let slot = Rc::clone(self.slot);
        self.lua.create_function(move |lua, key: Value| Ok(call::answered(lua, slot.with(|cx| get(lua, cx, &key)))))
    }

    fn setter(&self, set: Set) -> mlua::Result<mlua::Function> {
        let slot = Rc::clone(self.slot);
        self.lua.create_function(move |lua, (key, value): (Value, Value)| {
            Ok(call::answered(lua, slot.with(|cx| set(lua, cx, &key, &value))))
        })
    }
}

// === impl Api ===

impl Api {
    /// A table of functions.
    const fn new(path: &'static str, functions: &'static [Function]) -> Self {
        Self { path, functions, constants: &[], get: None, set: None, call: None }
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

    /// With what calling it does.
    const fn call(mut self, call: WithoutRequest) -> Self {
        self.call = Some(call);
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
