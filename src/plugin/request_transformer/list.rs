//! Names with the values they get. A list of constants is used as it was read; one with a template among its values is
//! made anew for each request.

use super::Crash;
use super::changes::{Place, entries};
use super::template::{self, Env, Template};
use crate::config::report::Step;
use crate::config::value::Checked;
use crate::entity::Compat;
use crate::plugin::Build;
use std::borrow::Cow;

/// A name and what it gets.
pub(super) type Pair<P> = (<P as Place>::Name, <P as Place>::Value);

/// Names with values.
#[derive(Debug)]
pub(super) enum List<P: Place> {
    /// None depends on the request.
    Constant(Box<[Pair<P>]>),
    /// Some do.
    Drafts(Box<[(P::Name, Draft<P>)]>),
}

/// A value, or what makes it.
#[derive(Debug)]
pub(super) enum Draft<P: Place> {
    Constant(P::Value),
    Template(Template),
}

// === impl List ===

impl<P: Place> List<P> {
    /// Reads a list. An entry without value is without effect. `None` when something was reported; all of it was then.
    pub(super) fn read(config: &Checked, step: &'static str, cx: &mut Build<'_>) -> Option<Self> {
        let mut drafts = Some(Vec::new());
        for (number, (item, name, value)) in entries::<P>(config, step).enumerate().filter(|(_, e)| !e.2.is_empty()) {
            let draft = Draft::read(item, value, [step, P::FIELD], number, cx);
            match (P::name(name).zip(draft), &mut drafts) {
                (Some(pair), Some(drafts)) => drafts.push(pair),
                (Some(_), None) => {}
                (None, _) => drafts = None,
            }
        }
        drafts.map(Self::new)
    }

    fn new(drafts: Vec<(P::Name, Draft<P>)>) -> Self {
        if drafts.iter().any(|(_, draft)| matches!(draft, Draft::Template(_))) {
            return Self::Drafts(drafts.into());
        }
        let constant = |(name, draft)| match draft {
            Draft::Constant(value) => Some((name, value)),
            Draft::Template(_) => None,
        };
        Self::Constant(drafts.into_iter().filter_map(constant).collect())
    }

    /// The list for a request. All of it is rendered, used or not: where Kong crashes, this does.
    pub(super) fn render(&self, env: &Env<'_>) -> Result<Cow<'_, [Pair<P>]>, Crash> {
        match self {
            Self::Constant(pairs) => Ok(Cow::Borrowed(pairs)),
            Self::Drafts(drafts) => {
                drafts.iter().map(|(name, draft)| Ok((name.clone(), draft.render(env)?))).collect()
            }
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Constant(pairs) => pairs.len(),
            Self::Drafts(drafts) => drafts.len(),
        }
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a template may look at headers.
    pub(super) fn reads_headers(&self) -> bool {
        let reads = |draft: &Draft<P>| matches!(draft, Draft::Template(template) if template.reads_headers());
        match self {
            Self::Constant(_) => false,
            Self::Drafts(drafts) => drafts.iter().any(|(_, draft)| reads(draft)),
        }
    }
}

// === impl Draft ===

impl<P: Place> Draft<P> {
    fn read(item: &Checked, value: &str, field: [&'static str; 2], number: usize, cx: &mut Build<'_>) -> Option<Self> {
        if let Some(template) = template::read(item, value, cx) {
            return Some(Self::Template(template));
        }
        let constant = P::value(value).map(Self::Constant);
        if constant.is_none() {
            reject(item, value, field, number, cx);
        }
        constant
    }

    fn render(&self, env: &Env<'_>) -> Result<P::Value, Crash> {
        match self {
            Self::Constant(value) => Ok(value.clone()),
            Self::Template(template) => P::rendered(template.render(env)?),
        }
    }
}

/// Kong 3 looks at header values when it loads them, Kong 2 does not.
fn reject(item: &Checked, value: &str, field: [&'static str; 2], number: usize, cx: &mut Build<'_>) {
    let message = "a header's value may hold no control characters";
    match cx.compat {
        Compat::Kong2 => cx.reject_ours("bad-header-value", item.span, message),
        Compat::Kong3 => {
            let [step, list] = field.map(|key| Step::Key(key.into()));
            let kong = format!("'{value}' is not a valid header");
            cx.reject("bad-header-value", item.span, &[step, list, Step::Entry(number)], message, kong);
        }
    }
}
