//! Changes a form in the body (`application/x-www-form-urlencoded`).

use super::Crash;
use super::changes::{Changes, InBody};
use super::query;
use super::template::Env;
use crate::args::Args;
use crate::entity::Compat;

/// The new form; `None` when nothing changed.
pub(super) fn change(changes: &Changes<InBody>, body: &[u8], env: &Env<'_>, compat: Compat) -> Result<Option<String>, Crash> {
    let mut args = Args::parse(body);
    let changed = query::apply(changes, &mut args, !body.is_empty(), compat, env)?;
    Ok(changed.then(|| args.encode()))
}
