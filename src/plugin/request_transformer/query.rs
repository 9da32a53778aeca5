//! Changes the query: all of it is decoded, changed, encoded again and sorted (`kong/plugins.md` §3, "Query string").

use super::Crash;
use super::changes::{Changes, InQuery, Place};
use super::template::{Env, Seen};
use crate::args::{Args, Value};
use crate::body::Body;
use crate::entity::Compat;
use crate::plugin::Ctx;
use http::Request;

/// Changes the query, if there is anything to change.
pub(super) fn change(
    changes: &Changes<InQuery>,
    req: &Request<Body>,
    cx: &mut Ctx,
    seen: &Seen,
) -> Result<(), Crash> {
    if !changes.is_empty() {
        let mut args = seen.query().cloned().unwrap_or_else(|| cx.args(req));
        apply(changes, &mut args, true, cx.compat, &Env::new(req, cx, seen))?;
        cx.set_args(&args, req);
    }
    Ok(())
}

/// Puts a form's arguments behind the query's.
pub(super) fn merge_form(form: &[u8], req: &Request<Body>, cx: &mut Ctx) {
    let form = Args::parse(form);
    if form.is_empty() {
        return;
    }
    let mut args = cx.args(req);
    for (name, values) in form.iter() {
        values.iter().for_each(|value| args.push(name, value.clone()));
    }
    cx.set_args(&args, req);
}

/// Changes arguments, of a query or of a form. Without content, as in an empty form, there is nothing to remove, rename
/// or replace. Says whether anything had to be done.
pub(super) fn apply<P>(
    changes: &Changes<P>,
    args: &mut Args,
    content: bool,
    compat: Compat,
    env: &Env<'_>,
) -> Result<bool, Crash>
where
    P: Place<Name = Box<str>, Value = Box<[u8]>>,
{
    let mut changed = false;
    if content {
        changed = !changes.remove.is_empty() || !changes.rename.is_empty();
        changes.remove.iter().for_each(|name| _ = args.remove(name.as_bytes()));
        changes.rename.iter().for_each(|(old, new)| rename(args, old, new, compat));
        for (name, value) in &*changes.replace.render(env)? {
            if is_there(args, name) {
                args.set(name.as_bytes(), vec![text(value)]);
                changed = true;
            }
        }
    }
    for (name, value) in &*changes.add.render(env)? {
        if !is_there(args, name) {
            args.push(name.as_bytes(), text(value));
            changed = true;
        }
    }
    changes.append.render(env)?.iter().for_each(|(name, value)| append(args, name, value));
    Ok(changed || !changes.append.is_empty())
}

/// Kong 2 loses an existing new name even when the old one is not there.
fn rename(args: &mut Args, old: &str, new: &str, compat: Compat) {
    match args.remove(old.as_bytes()) {
        Some(values) if old != new => args.set(new.as_bytes(), values),
        None if compat == Compat::Kong2 => _ = args.remove(new.as_bytes()),
        _ => {}
    }
}

/// A single argument without value makes way.
fn append(args: &mut Args, name: &str, value: &[u8]) {
    let lone = args.get(name.as_bytes()) == Some(&[None]);
    if lone {
        args.set(name.as_bytes(), vec![text(value)]);
    } else {
        args.push(name.as_bytes(), text(value));
    }
}

fn is_there(args: &Args, name: &str) -> bool {
    args.get(name.as_bytes()).is_some()
}

fn text(value: &[u8]) -> Value {
    Some(value.to_vec())
}
