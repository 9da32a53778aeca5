//! Templates (`kong/templates-and-functions.md` §1) as chunks: text with expressions, which see a request and little else.

use super::chunk::{Chunk, Syntax};
use super::session::Session;
use super::vm::{self, Fault};
use crate::args::Args;
use crate::entity::Compat;
use crate::plugin::Group;
use crate::settings::UntrustedLua;
use mlua::{IntoLua, Lua, LuaString, Table, Value};
use std::fmt::Write;
use std::sync::Arc;

/// A template, compiled once by each worker.
#[derive(Debug)]
pub struct Template {
    pub(super) chunk: Chunk,
    /// Whether it sees what the sandbox of functions does besides: Kong 3.
    pub(super) extras: bool,
}

/// A part of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// Text that stays as it is.
    Text(&'a str),
    /// An expression.
    Code(&'a str),
}

/// What a template can look up. It is asked only for what the template names, once for each rendering.
pub trait Names {
    /// Request headers: names in lower case, each once, with its values.
    fn headers(&self) -> Vec<(&str, Vec<&[u8]>)>;
    /// The arguments of the query.
    fn arguments(&self) -> &Args;
    /// The groups of the route's regex path.
    fn captures(&self) -> &[Group];
    /// The request's tables in Lua.
    fn session(&self) -> &Session;
}

/// What Kong calls the code of a template in its messages.
const NAME: &str = "TMP";

/// What ours are called.
const LABEL: &str = "request-transformer template";

// === impl Template ===

impl Template {
    /// A template of these parts.
    ///
    /// # Errors
    /// What is wrong with an expression that is no Lua; the place is that in the template.
    pub fn new<'a>(
        parts: impl Iterator<Item = Part<'a>> + Clone,
        compat: Compat,
        rules: Arc<UntrustedLua>,
    ) -> Result<Self, Syntax> {
        let source = format!("local __text = ... return (function() return {} end)()", joined(parts.clone()));
        compile(&source).map_err(|wrong| locate(parts, wrong))?;
        Ok(Self { chunk: Chunk::new(&source, LABEL.to_owned(), rules), extras: compat == Compat::Kong3 })
    }

    /// The text for a request.
    ///
    /// # Errors
    /// When it fails, or takes too long.
    pub fn render(&self, names: &dyn Names) -> Result<Vec<u8>, Fault> {
        vm::render(self, names)
    }
}

impl PartialEq for Template {
    fn eq(&self, other: &Self) -> bool {
        self.chunk.id == other.chunk.id
    }
}

/// With the place in the template instead of that in the code that was made of it: in the first expression that is wrong.
fn locate<'a>(parts: impl Iterator<Item = Part<'a>>, wrong: Syntax) -> Syntax {
    const AROUND: &str = "return (";
    let mut before = 0;
    for part in parts {
        match part {
            Part::Text(text) => before += text.len(),
            Part::Code(inside) => {
                before += "$(".len();
                if let Err(found) = compile(&format!("{AROUND}{inside}) or ''")) {
                    let place = |at: usize| before + at.saturating_sub(AROUND.len()).min(inside.len());
                    let at = place(found.at.start)..place(found.at.end);
                    return Syntax { at, kong: wrong.kong, ..found };
                }
                before += inside.len() + ")".len();
            }
        }
    }
    wrong
}

/// Whether Kong would load a text as a template where it looks at load: there, unlike later, lines that begin with `#` are
/// Lua. Parts are those of a piece of text without such lines.
///
/// # Errors
/// What is wrong with it, in the words of LuaJIT.
pub fn check<'a, P: Iterator<Item = Part<'a>> + Clone>(
    text: &'a str,
    parts: impl Fn(&'a str) -> P,
) -> Result<(), Syntax> {
    let mut code = "return function(__text) ".to_owned();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find('\n').map_or(rest.len(), |at| at + 1);
        if rest.starts_with('#') {
            code.push_str(rest[..end].trim_start_matches('#'));
            rest = &rest[end..];
        } else {
            let end = rest.match_indices("\n#").next().map_or(rest.len(), |(at, _)| at + 1);
            let _ = write!(code, "__text({})", joined(parts(&rest[..end])));
            rest = &rest[end..];
        }
    }
    code.push_str("\nend");
    compile(&code).map_err(|wrong| locate(parts(text), Syntax { at: 0..text.len(), ..wrong }))
}

fn compile(code: &str) -> Result<(), Syntax> {
    vm::compile(code, NAME).map_err(|kong| Syntax::read(code, kong))
}

/// Parts as one expression, in the lines in which they were.
fn joined<'a>(parts: impl Iterator<Item = Part<'a>>) -> String {
    let mut code = String::new();
    for part in parts {
        code.push_str(if code.is_empty() { "" } else { ".." });
        match part {
            Part::Text(text) => quote(text, &mut code),
            Part::Code(inside) => _ = write!(code, "__text(({inside}) or '')"),
        }
    }
    if code.is_empty() { "''".to_owned() } else { code }
}

/// As a literal.
fn quote(text: &str, code: &mut String) {
    code.push('"');
    for byte in text.bytes() {
        match byte {
            b'\n' => code.push_str("\\\n"),
            b' ' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => code.push(char::from(byte)),
            _ => _ = write!(code, "\\{byte:03}"),
        }
    }
    code.push('"');
}

// === names ===

/// What a name stands for; nil when it is none of ours. `folded` is the prelude's: a table of headers.
pub(super) fn look(lua: &Lua, name: &[u8], names: &dyn Names, folded: &mlua::Function, vm: u64) -> mlua::Result<Value> {
    Ok(Value::Table(match name {
        b"headers" => folded.call(headers(lua, names)?)?,
        b"query_params" => arguments(lua, names.arguments())?,
        b"uri_captures" => captures(lua, names.captures())?,
        b"shared" => match names.session().seen_shared(vm) {
            Some(table) => table.clone(),
            None => lua.create_table()?,
        },
        _ => return Ok(Value::Nil),
    }))
}

fn headers(lua: &Lua, names: &dyn Names) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    for (name, values) in names.headers() {
        match values[..] {
            [value] => table.raw_set(name, text(lua, value)?)?,
            _ => table.raw_set(name, list(lua, values.into_iter().map(|value| text(lua, value)))?)?,
        }
    }
    Ok(table)
}

fn arguments(lua: &Lua, args: &Args) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    let value = |value: &Option<Vec<u8>>| match value {
        Some(value) => text(lua, value)?.into_lua(lua),
        None => Ok(Value::Boolean(true)),
    };
    for (name, values) in args.iter() {
        match values {
            [] => {}
            [single] => table.raw_set(text(lua, name)?, value(single)?)?,
            _ => table.raw_set(text(lua, name)?, list(lua, values.iter().map(value))?)?,
        }
    }
    Ok(table)
}

/// By number and by name; of groups that share one, the first. A group that took no part is false.
fn captures(lua: &Lua, groups: &[Group]) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    for (number, group) in groups.iter().enumerate() {
        let value = match &group.text {
            Some(matched) => Value::String(text(lua, matched)?),
            None => Value::Boolean(false),
        };
        table.raw_set(number, &value)?;
        match &group.name {
            Some(name) if table.raw_get::<Value>(&**name)?.is_nil() => table.raw_set(&**name, value)?,
            _ => {}
        }
    }
    Ok(table)
}

fn list<V: IntoLua>(lua: &Lua, values: impl Iterator<Item = mlua::Result<V>>) -> mlua::Result<Table> {
    lua.create_sequence_from(values.collect::<mlua::Result<Vec<_>>>()?)
}

fn text(lua: &Lua, bytes: &[u8]) -> mlua::Result<LuaString> {
    lua.create_string(bytes)
}
