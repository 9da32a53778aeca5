//! Changes a form in the body (`application/x-www-form-urlencoded`).

use super::changes::{Changes, InBody};
use super::query;
use crate::args::Args;
use crate::entity::Compat;

/// The new form; `None` when nothing changed.
pub(super) fn change(changes: &Changes<InBody>, body: &[u8], compat: Compat) -> Option<String> {
    let mut args = Args::parse(body);
    query::apply(changes, &mut args, !body.is_empty(), compat).then(|| args.encode())
}
