//! `ngx.re`: regular expressions as PCRE knows them.

mod replace;

use super::{Answer, Api, Args, Stop, calling, many, one, plain, raise};
use crate::lua::api::value;
use crate::pcre::{Capture, Pcre};
use lru::LruCache;
use mlua::{Lua, Table, Value};
use replace::replace;
use std::cell::{Cell, RefCell};
use std::num::NonZeroUsize;
use std::rc::Rc;

pub(super) const API: Api = Api::new(
    "ngx.re",
    &[
        plain("find", find),
        plain("gmatch", gmatch),
        calling("gsub", |lua, args| replace(lua, args, usize::MAX)),
        plain("match", match_),
        calling("sub", |lua, args| replace(lua, args, 1)),
    ],
);

/// How many compiled patterns a worker keeps.
const KEPT: NonZeroUsize = NonZeroUsize::MIN.saturating_add(255);

/// By pattern and options.
type Compiled = LruCache<(Box<[u8]>, Box<[u8]>), Rc<Pcre>>;

thread_local! {
    static COMPILED: RefCell<Compiled> = RefCell::new(LruCache::new(KEPT));
}

/// What all of these functions begin with.
struct Call {
    subject: Vec<u8>,
    regex: Rc<Pcre>,
    /// Whether the subject is characters, not bytes.
    utf: bool,
}

fn text(args: &Args, at: usize, name: &str) -> Result<Vec<u8>, Stop> {
    match args.get(at) {
        Value::Boolean(_) => raise(format!("bad argument #{} to '{name}' (string expected, got boolean)", at + 1)),
        other => value::scalar(other).map_or_else(
            || raise(format!("bad argument #{} to '{name}' (string expected, got {})", at + 1, value::kind(other))),
            Ok,
        ),
    }
}

/// `Err` within: the pattern is none, and the function says so in its own way.
fn call(args: &Args, options_at: usize, name: &str) -> Result<Result<Call, String>, Stop> {
    let (subject, pattern) = (text(args, 0, name)?, text(args, 1, name)?);
    let options = match args.get(options_at) {
        Value::Nil => Vec::new(),
        _ => text(args, options_at, name)?,
    };
    let (pattern_text, utf) = (pattern.clone(), options.contains(&b'u') || options.contains(&b'U'));
    let known = COMPILED.with_borrow_mut(|known| known.get(&(pattern.into(), options.as_slice().into())).cloned());
    if let Some(regex) = known {
        return Ok(Ok(Call { subject, regex, utf }));
    }
    let compiled = compile(&pattern_text, &options)?.map(Rc::new);
    Ok(compiled.map(|regex| {
        COMPILED.with_borrow_mut(|known| known.put((pattern_text.into(), options.into()), Rc::clone(&regex)));
        Call { subject, regex, utf }
    }))
}

/// A pattern with OpenResty's options, written into it. `j` and `o` say how to compile, which is not theirs to say here,
/// and `d` asks for another algorithm.
fn compile(pattern: &[u8], options: &[u8]) -> Result<Result<Pcre, String>, Stop> {
    let (mut flags, mut verbs, mut anchor) = (String::new(), "", "");
    for &option in options {
        match option {
            b'i' | b's' | b'm' | b'x' => flags.push(char::from(option)),
            b'u' | b'U' => verbs = "(*UTF)",
            b'a' => anchor = "\\G",
            b'J' => flags.push('J'),
            b'j' | b'o' | b'd' | b'D' => {}
            other => {
                let (flag, all) = (char::from(other), String::from_utf8_lossy(options));
                return raise(format!("unknown flag \"{flag}\" (flags \"{all}\")"));
            }
        }
    }
    let Ok(pattern) = std::str::from_utf8(pattern) else { return Ok(Err("the pattern is no UTF-8".to_owned())) };
    let flags = if flags.is_empty() { flags } else { format!("(?{flags})") };
    let whole = match anchor {
        "" => format!("{verbs}{flags}{pattern}"),
        // A comment of an extended pattern ends with its line.
        anchor if options.contains(&b'x') => format!("{verbs}{anchor}{flags}(?:{pattern}\n)"),
        anchor => format!("{verbs}{anchor}{flags}(?:{pattern})"),
    };
    Ok(Pcre::new(&whole).map_err(|_| format!("pcre_compile() failed in \"{pattern}\"")))
}

/// Where to begin: `ctx.pos`, from 1.
fn start(args: &Args) -> Result<usize, Stop> {
    let Value::Table(table) = args.get(3) else { return Ok(0) };
    let pos = value::int(&table.raw_get("pos")?).unwrap_or(1);
    Ok(usize::try_from(pos - 1).unwrap_or_default())
}

/// Leaves where the match ended.
fn proceed(args: &Args, end: usize) -> Result<(), Stop> {
    if let Value::Table(table) = args.get(3) {
        table.raw_set("pos", end + 1)?;
    }
    Ok(())
}

fn failed(lua: &Lua, nils: usize, message: &str) -> Answer {
    let mut values = vec![Value::Nil; nils];
    values.push(Value::String(lua.create_string(message)?));
    many(values)
}

/// A group's text; `false` for one that took no part.
fn group(lua: &Lua, subject: &[u8], capture: &Capture) -> mlua::Result<Value> {
    match capture.range.and_then(|(start, end)| subject.get(start..end)) {
        Some(text) => lua.create_string(text).map(Value::String),
        None => Ok(Value::Boolean(false)),
    }
}

/// Groups by number and by name.
fn groups(lua: &Lua, subject: &[u8], captures: &[Capture], table: &Table) -> mlua::Result<()> {
    for (at, capture) in captures.iter().enumerate() {
        let text = group(lua, subject, capture)?;
        if let Some(name) = &capture.name {
            table.raw_set(&**name, &text)?;
        }
        table.raw_set(at, text)?;
    }
    Ok(())
}

/// Where the whole match is.
fn range(captures: &[Capture]) -> (usize, usize) {
    captures.first().and_then(|whole| whole.range).unwrap_or_default()
}

fn match_(lua: &Lua, args: &Args) -> Answer {
    let call = match call(args, 2, "match")? {
        Ok(call) => call,
        Err(message) => return failed(lua, 1, &message),
    };
    let captures = match call.regex.captures_at(&call.subject, start(args)?) {
        Ok(Some(captures)) => captures,
        Ok(None) => return one(lua, Value::Nil),
        Err(message) => return failed(lua, 1, &message),
    };
    proceed(args, range(&captures).1)?;
    let table = match args.get(4) {
        Value::Table(table) => table.clone(),
        _ => lua.create_table()?,
    };
    groups(lua, &call.subject, &captures, &table)?;
    one(lua, table)
}

/// The first and the last position, from 1, of the match or of one of its groups.
fn find(lua: &Lua, args: &Args) -> Answer {
    let call = match call(args, 2, "find")? {
        Ok(call) => call,
        Err(message) => return failed(lua, 2, &message),
    };
    let nth = value::int(args.get(4)).and_then(|nth| usize::try_from(nth).ok()).unwrap_or_default();
    match call.regex.captures_at(&call.subject, start(args)?) {
        Ok(Some(captures)) => {
            proceed(args, range(&captures).1)?;
            let Some(capture) = captures.get(nth) else { return failed(lua, 2, "nth out of bound") };
            match capture.range {
                Some((start, end)) => many([position(start + 1), position(end)]),
                None => many([Value::Nil, Value::Nil]),
            }
        }
        Ok(None) => many([Value::Nil, Value::Nil]),
        Err(message) => failed(lua, 2, &message),
    }
}

#[allow(clippy::cast_precision_loss)]
fn position(at: usize) -> Value {
    Value::Number(at as f64)
}

/// A function that gives one match after another.
fn gmatch(lua: &Lua, args: &Args) -> Answer {
    let call = match call(args, 2, "gmatch")? {
        Ok(call) => call,
        Err(message) => return failed(lua, 1, &message),
    };
    let next = Cell::new(Some(0));
    let iterate = lua.create_function(move |lua, ()| {
        let found = next.take().map(|from| call.regex.captures_at(&call.subject, from));
        let Some(captures) = found.transpose().map_err(mlua::Error::runtime)?.flatten() else { return Ok(None) };
        next.set(Some(call.after(range(&captures))));
        let table = lua.create_table()?;
        groups(lua, &call.subject, &captures, &table)?;
        Ok(Some(table))
    })?;
    one(lua, iterate)
}

// === impl Call ===

impl Call {
    /// Where to look on after a match: behind an empty one, a byte or a character further.
    fn after(&self, (start, end): (usize, usize)) -> usize {
        if start != end {
            return end;
        }
        let goes_on = |byte: &&u8| self.utf && **byte & 0xc0 == 0x80;
        end + 1 + self.subject.iter().skip(end + 1).take_while(goes_on).count()
    }
}
