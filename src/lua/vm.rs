//! The VM of a worker thread: made when the first chunk runs there, thrown away when it runs out of memory.

use super::api::{self, Slot};
use super::chunk::{Chunk, number};
use super::current::Current;
use super::limits::{FULL, TOO_LONG, Watch};
use super::pattern::{self, Group};
use super::sandbox::Sandbox;
use super::template::{self, Names, Template};
use crate::settings::LuaMode;
use mlua::chunk::{Chunk as Compiler, ChunkMode};
use mlua::{Error, Function, IntoLua, Lua, LuaOptions, LuaString, MultiValue, StdLib, Table, Value};
use serde_json::Value as Json;
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;
use std::sync::Weak;

/// Why a chunk did not run to its end: words for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault(String);

/// A VM.
struct Vm {
    id: u64,
    lua: Lua,
    slot: Rc<Slot>,
    watch: Rc<Watch>,
    sandbox: Sandbox,
    /// Forgets how deep the last call was; the prelude's.
    surface: Function,
    /// Calls the function of a template; the prelude's.
    render: Function,
    /// A table of headers; the prelude's.
    folded: Function,
    loaded: RefCell<HashMap<u64, Loaded>>,
}

/// A chunk as a function.
struct Loaded {
    function: Function,
    /// Whether that is what runs for every request from now on.
    settled: bool,
    lease: Weak<()>,
}

/// Steps up to which a pattern is LuaJIT's to match: a fraction of a millisecond.
const LIGHT: u32 = 1 << 17;

thread_local! {
    static VM: RefCell<Option<Rc<Vm>>> = const { RefCell::new(None) };
}

/// What a chunk may never have: it would undo the limits, or load what is no text.
const REMOVED: &[&str] = &["jit", "loadfile", "dofile", "collectgarbage", "newproxy", "module", "package"];

/// Runs chunks one after another until one ends the phase or fails. The request comes back in any case.
pub fn run(chunks: &[Chunk], current: Current) -> (Current, Result<(), Fault>) {
    let vm = match of_this_thread() {
        Ok(vm) => vm,
        Err(error) => return (current, Err(Fault(message(&error)))),
    };
    let (current, result) = vm.run(chunks, current);
    vm.tidy();
    (current, result.map_err(fault))
}

/// Runs a chunk for its first value, as JSON; nil is null. The request comes back in any case.
pub fn value(chunk: &Chunk, current: Current) -> (Current, Result<Json, Fault>) {
    let vm = match of_this_thread() {
        Ok(vm) => vm,
        Err(error) => return (current, Err(Fault(message(&error)))),
    };
    let (current, result) = vm.during(current, || vm.value(chunk));
    (current, result.map_err(fault))
}

/// Lets go of what this thread compiled for chunks that are gone. Cheap when there is nothing of that kind.
pub fn forget() {
    let vm = VM.with_borrow(|place| place.as_ref().map(Rc::clone));
    vm.into_iter().for_each(|vm| vm.forget());
}

/// Bytes that this thread's VM has in use; none if there is no VM.
#[must_use]
pub fn memory() -> u64 {
    VM.with_borrow(|place| place.as_ref().map_or(0, |vm| vm.lua.used_memory() as u64))
}

/// Renders a template.
pub(super) fn render(template: &Template, names: &dyn Names) -> Result<Vec<u8>, Fault> {
    let vm = of_this_thread().map_err(|error| Fault(message(&error)))?;
    let result = vm.render(template, names);
    vm.tidy();
    result.map_err(fault)
}

/// What became of a call. A VM without memory is of no more use.
fn fault(error: Error) -> Fault {
    if matches!(error, Error::MemoryError(_)) {
        VM.with_borrow_mut(Option::take);
    }
    Fault(message(&error))
}

/// Compiles a text and runs nothing.
///
/// # Errors
/// Lua's words.
pub(super) fn compile(source: &str, name: &str) -> Result<(), String> {
    let compiled = of_this_thread().and_then(|vm| text(&vm.lua, source, name).into_function());
    compiled.map(drop).map_err(|error| message(&error))
}

/// Binary chunks are refused: they are not checked, and can do anything.
fn text<'a>(lua: &Lua, source: &'a str, name: &str) -> Compiler<'a> {
    lua.load(source).set_name(name.replace('\0', "?")).set_mode(ChunkMode::Text)
}

fn of_this_thread() -> mlua::Result<Rc<Vm>> {
    VM.with_borrow_mut(|place| match place {
        Some(vm) => Ok(Rc::clone(vm)),
        None => Ok(Rc::clone(place.insert(Rc::new(Vm::new()?)))),
    })
}

/// An error of Lua's in one line, without a trace of calls.
pub(super) fn message(error: &Error) -> String {
    let text = match error {
        Error::CallbackError { cause, .. } => return message(cause),
        Error::RuntimeError(text) | Error::SyntaxError { message: text, .. } => text.clone(),
        Error::MemoryError(_) => "not enough memory".to_owned(),
        other => other.to_string(),
    };
    text.split("\nstack traceback:").next().unwrap_or_default().to_owned()
}

// === impl Fault ===

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// === impl Vm ===

impl Vm {
    fn new() -> mlua::Result<Self> {
        let libraries =
            StdLib::TABLE | StdLib::STRING | StdLib::MATH | StdLib::OS | StdLib::IO | StdLib::BIT | StdLib::JIT;
        let lua = Lua::new_with(libraries, LuaOptions::new())?;
        // Compiled code runs no hooks, so nothing could end it.
        lua.load("jit.off()").exec()?;
        let (slot, watch) = (Rc::new(Slot::default()), Watch::install(&lua)?);
        let stopped = {
            let (slot, watch) = (Rc::clone(&slot), Rc::clone(&watch));
            lua.create_function(move |_, ()| Ok(slot.has_ended() || watch.is_over()))?
        };
        let prelude: Table = lua.load(include_str!("prelude.lua")).set_name("=prelude").call(stopped)?;
        let patterns = prelude.raw_get::<Function>("patterns")?.call((scan(&lua, &watch)?, LIGHT))?;
        guard(&lua, &prelude.raw_get("guarded")?, &patterns)?;
        let wrap: Function = prelude.raw_get("wrap")?;
        let root = api::install(&lua, &slot, &prelude)?;
        for name in ["kong", "ngx"] {
            lua.globals().raw_set(name, root.raw_get::<Value>(name)?)?;
        }
        lua.globals().raw_set("require", wrap.call::<Function>(api::require(&lua, root)?)?)?;
        let part = |name: &str| prelude.raw_get::<Function>(name);
        let (surface, render, folded) = (part("surface")?, part("render")?, part("folded")?);
        let (sandbox, loaded) = (Sandbox::new(&lua, &prelude)?, RefCell::default());
        Ok(Self { id: number(), lua, slot, watch, sandbox, surface, render, folded, loaded })
    }

    fn run(&self, chunks: &[Chunk], current: Current) -> (Current, mlua::Result<()>) {
        self.during(current, || self.run_all(chunks))
    }

    /// Works while the request is where functions of the API find it.
    fn during<T>(&self, mut current: Current, work: impl FnOnce() -> mlua::Result<T>) -> (Current, mlua::Result<T>) {
        current.cx.lua.enter(self.id);
        let now = current.cx.now;
        self.slot.enter(current);
        self.watch.start();
        let result = self.surface.call::<()>(()).and_then(|()| work());
        self.watch.stop();
        (self.slot.leave(now), result)
    }

    /// Collects what nobody needs when it is much. A VM whose chunks keep too much is given up, and all that they keep
    /// with it: the next chunk gets a new one.
    fn tidy(&self) {
        if self.lua.used_memory() < FULL {
            return;
        }
        let collected = self.lua.gc_collect().and_then(|()| self.lua.gc_collect());
        if collected.is_err() || self.lua.used_memory() >= FULL {
            tracing::warn!("Lua's globals held {} MB, and were forgotten", self.lua.used_memory() >> 20);
            VM.with_borrow_mut(Option::take);
        }
    }

    fn value(&self, chunk: &Chunk) -> mlua::Result<Json> {
        refuse_if_off(chunk, true)?;
        let (function, _) = self.load(chunk, || self.sandbox.environment(&self.lua, &chunk.rules))?;
        let text = api::json(&function.call::<Value>(())?).map_err(Error::runtime)?;
        serde_json::from_str(&String::from_utf8_lossy(&text)).map_err(Error::runtime)
    }

    fn render(&self, template: &Template, names: &dyn Names) -> mlua::Result<Vec<u8>> {
        refuse_if_off(&template.chunk, template.extras)?;
        let env = || self.sandbox.template(&self.lua, &template.chunk.rules, template.extras);
        let (function, _) = self.load(&template.chunk, env)?;
        self.slot.clear();
        self.watch.start();
        let result = self.lua.scope(|scope| {
            let look = |lua: &Lua, name: LuaString| template::look(lua, &name.as_bytes(), names, &self.folded, self.id);
            self.render.call::<LuaString>((function, scope.create_function(look)?))
        });
        self.watch.stop();
        result.map(|text| text.as_bytes().to_vec())
    }

    fn run_all(&self, chunks: &[Chunk]) -> mlua::Result<()> {
        for chunk in chunks {
            match self.run_one(chunk) {
                Err(_) if self.slot.has_ended() && !self.watch.is_over() => break,
                result => result?,
            }
        }
        Ok(())
    }

    /// The first time a chunk runs it may return a function: that runs at once, and alone from then on.
    fn run_one(&self, chunk: &Chunk) -> mlua::Result<()> {
        refuse_if_off(chunk, true)?;
        let (function, settled) = self.load(chunk, || self.sandbox.environment(&self.lua, &chunk.rules))?;
        let mut values: MultiValue = function.call(())?;
        if settled {
            return Ok(());
        }
        let kept = match values.pop_front() {
            Some(Value::Function(inner)) => Some(inner),
            _ => None,
        };
        if let Some(loaded) = self.loaded.borrow_mut().get_mut(&chunk.id) {
            loaded.settled = true;
            loaded.function = kept.clone().unwrap_or(function);
        }
        kept.map_or(Ok(()), |inner| inner.call(()))
    }

    /// What a chunk left behind, its globals for one, is garbage with it.
    fn forget(&self) {
        let mut loaded = self.loaded.borrow_mut();
        let before = loaded.len();
        loaded.retain(|_, old| old.lease.strong_count() > 0);
        if loaded.len() < before {
            // Only a finalizer could fail, and no chunk can make one.
            let _ = self.lua.gc_collect();
        }
    }

    /// The function of a chunk, compiled if it is new; with it, what is gone is forgotten.
    fn load(&self, chunk: &Chunk, env: impl FnOnce() -> mlua::Result<Table>) -> mlua::Result<(Function, bool)> {
        if let Some(loaded) = self.loaded.borrow().get(&chunk.id) {
            return Ok((loaded.function.clone(), loaded.settled));
        }
        let function = text(&self.lua, &chunk.source, &chunk.label).set_environment(env()?).into_function()?;
        let mut loaded = self.loaded.borrow_mut();
        loaded.retain(|_, old| old.lease.strong_count() > 0);
        loaded.insert(chunk.id, Loaded { function: function.clone(), settled: false, lease: chunk.lease() });
        Ok((function, false))
    }
}

/// Templates of Kong 2 run whatever the setting says.
fn refuse_if_off(chunk: &Chunk, concerned: bool) -> mlua::Result<()> {
    if !concerned || chunk.rules.mode != LuaMode::Off {
        return Ok(());
    }
    let words = "loading of untrusted Lua code disabled because 'untrusted_lua' config option is set to 'off'";
    Err(Error::runtime(words))
}

/// The prelude's `scan`: a match from a place on, as its bounds and groups; nil where there is none, nil and a message where
/// there is no saying.
fn scan(lua: &Lua, watch: &Rc<Watch>) -> mlua::Result<Function> {
    let watch = Rc::clone(watch);
    lua.create_function(move |lua, (subject, pattern, from, anchored): (LuaString, LuaString, usize, bool)| {
        let (subject, pattern) = (subject.as_bytes(), pattern.as_bytes());
        let failed = |words: &str| Ok(MultiValue::from_iter([Value::Nil, lua.create_string(words)?.into_lua(lua)?]));
        let from = from.saturating_sub(1);
        if from > subject.len() {
            return Ok(MultiValue::from_iter([Value::Nil]));
        }
        let found = match pattern::find(&subject, &pattern, from, anchored, &|| watch.look().is_ok()) {
            Ok(Some(found)) => found,
            Ok(None) => return Ok(MultiValue::from_iter([Value::Nil])),
            Err(pattern::Fault::Malformed(words)) => return failed(words),
            Err(pattern::Fault::Stopped) => return failed(TOO_LONG),
        };
        let group = |group| match group {
            Group::Text(start, end) => lua.create_string(&subject[start..end])?.into_lua(lua),
            Group::Place(at) => at.into_lua(lua),
        };
        let bounds = [(found.start + 1).into_lua(lua), found.end.into_lua(lua)];
        bounds.into_iter().chain(found.groups.into_iter().map(group)).collect()
    })
}

/// Puts the prelude's functions in the place of those that could be misused.
fn guard(lua: &Lua, guarded: &Table, patterns: &Table) -> mlua::Result<()> {
    let globals = lua.globals();
    let library = |name| globals.raw_get::<Table>(name);
    let put = |table: &Table, name| table.raw_set(name, guarded.raw_get::<Value>(name)?);
    for name in ["pcall", "xpcall", "load", "loadstring"] {
        put(&globals, name)?;
    }
    put(&library("coroutine")?, "resume")?;
    put(&library("coroutine")?, "wrap")?;
    for name in ["find", "match", "gmatch", "gsub"] {
        library("string")?.raw_set(name, patterns.raw_get::<Value>(name)?)?;
    }
    put(&library("table")?, "sort")?;
    for name in REMOVED {
        globals.raw_remove(*name)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
