//! What a chunk can see (`kong/templates-and-functions.md` §2).

use crate::settings::{LuaMode, UntrustedLua};
use mlua::{Function, Lua, Table, Value};
use std::sync::Arc;

/// Functions and values that stand alone.
const BASIC: &[&str] = &[
    "_VERSION", "assert", "error", "ipairs", "next", "pairs", "pcall", "select", "tonumber", "tostring", "type",
    "unpack", "xpcall",
];

/// Libraries and their members.
const LIBRARIES: &[(&str, &[&str])] = &[
    ("coroutine", &["create", "resume", "running", "status", "wrap", "yield"]),
    (
        "math",
        &[
            "abs", "acos", "asin", "atan", "atan2", "ceil", "cos", "cosh", "deg", "exp", "floor", "fmod", "frexp",
            "huge", "ldexp", "log", "log10", "max", "min", "modf", "pi", "pow", "rad", "random", "sin", "sinh", "sqrt",
            "tan", "tanh",
        ],
    ),
    ("os", &["clock", "date", "difftime", "time"]),
    (
        "string",
        &[
            "byte", "char", "find", "format", "gmatch", "gsub", "len", "lower", "match", "rep", "reverse", "sub",
            "upper",
        ],
    ),
    ("table", &["concat", "insert", "maxn", "remove", "sort"]),
];

/// The tables of the API, which are there in any mode.
const TABLES: &[&str] = &["kong", "ngx"];

/// Makes environments.
#[derive(Debug)]
pub(super) struct Sandbox {
    /// The library, with its members that the sandbox has.
    libraries: Vec<(&'static str, Table)>,
    /// The prelude's: a library that can be read and not changed.
    protected: Function,
    /// The prelude's: a table that is read through.
    copied: Function,
    /// The prelude's: the environment of a template.
    template: Function,
    /// The prelude's: `require` of the modules that are allowed.
    requirer: Function,
}

// === impl Sandbox ===

impl Sandbox {
    pub(super) fn new(lua: &Lua, prelude: &Table) -> mlua::Result<Self> {
        let library = |(name, members): &(&'static str, &[&str])| {
            let whole: Table = lua.globals().raw_get(*name)?;
            let part = lua.create_table()?;
            for member in *members {
                part.raw_set(*member, whole.raw_get::<Value>(*member)?)?;
            }
            Ok((*name, part))
        };
        let libraries = LIBRARIES.iter().map(library).collect::<mlua::Result<_>>()?;
        let part = |name| prelude.raw_get::<Function>(name);
        Ok(Self {
            libraries,
            protected: part("protected")?,
            copied: part("copied")?,
            template: part("template")?,
            requirer: part("requirer")?,
        })
    }

    /// A new environment: its globals are the chunk's own, and stay from one request to the next.
    pub(super) fn environment(&self, lua: &Lua, rules: &Arc<UntrustedLua>) -> mlua::Result<Table> {
        let env = lua.create_table()?;
        if rules.mode == LuaMode::On {
            let through = lua.create_table()?;
            through.raw_set("__index", lua.globals())?;
            env.set_metatable(Some(through))?;
            return Ok(env);
        }
        for name in BASIC.iter().chain(TABLES) {
            env.raw_set(*name, lua.globals().raw_get::<Value>(*name)?)?;
        }
        for (name, library) in &self.libraries {
            env.raw_set(*name, self.protected.call::<Table>((*name, library))?)?;
        }
        env.raw_set("_G", &env)?;
        self.extend(lua, &env, rules)?;
        Ok(env)
    }

    /// The environment of a template, with what Kong 3 has there besides.
    pub(super) fn template(&self, lua: &Lua, rules: &UntrustedLua, extras: bool) -> mlua::Result<Table> {
        let more = lua.create_table()?;
        match (extras, rules.mode) {
            (true, LuaMode::On) => return self.template.call(lua.globals()),
            (true, _) => self.extend(lua, &more, rules)?,
            (false, _) => {}
        }
        more.raw_set("type", lua.globals().raw_get::<Value>("type")?)?;
        self.template.call(more)
    }

    /// Adds what the settings allow besides.
    fn extend(&self, lua: &Lua, env: &Table, rules: &UntrustedLua) -> mlua::Result<()> {
        let allowed = lua.create_table_from(rules.requires.iter().map(|name| (name.as_str(), true)))?;
        env.raw_set("require", self.requirer.call::<Function>(allowed)?)?;
        for path in &rules.environment {
            self.add(lua, env, path)?;
        }
        Ok(())
    }

    /// Adds a global by its path. One that does not exist is none.
    fn add(&self, lua: &Lua, env: &Table, path: &str) -> mlua::Result<()> {
        let Some(value) = global(lua, path)? else { return Ok(()) };
        let value = match value {
            Value::Table(table) => Value::Table(self.copied.call((table,))?),
            other => other,
        };
        let (tables, name) = path.rsplit_once('.').map_or((None, path), |(tables, name)| (Some(tables), name));
        let place =
            tables.into_iter().flat_map(|path| path.split('.')).try_fold(env.clone(), |table, name| {
                match table.raw_get::<Value>(name)? {
                    Value::Table(inner) => Ok(inner),
                    _ => {
                        let inner = lua.create_table()?;
                        table.raw_set(name, &inner)?;
                        mlua::Result::Ok(inner)
                    }
                }
            })?;
        place.raw_set(name, value)
    }
}

/// What all of Lua has at a path.
fn global(lua: &Lua, path: &str) -> mlua::Result<Option<Value>> {
    let mut value = Value::Table(lua.globals());
    for name in path.split('.') {
        let Value::Table(table) = value else { return Ok(None) };
        value = table.get(name)?;
    }
    Ok(Some(value).filter(|value| !value.is_nil()))
}
