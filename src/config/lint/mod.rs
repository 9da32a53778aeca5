//! What works, and is probably not meant: warnings about a configuration that has no errors.
//!
//! One table, one file per rule or family of rules. To add one: write `lint/NAME.rs`, and a line in [`RULES`]. A rule
//! speaks only where it is right nearly always; what it needs to know and cannot, it takes to be fine.

mod acme;
mod authorization;
mod bearer;
mod catch_all;
mod certificates;
mod cors;
mod dashboard;
mod doubled_path;
mod guard;
mod health;
mod injected;
mod jwt_key;
mod limits;
mod listeners;
mod literal_token;
mod no_answer;
mod path_syntax;
mod placeholder;
mod port;
mod secrets;
mod shadow;
mod subject;
mod tls;
mod token;

use super::model::Model;
use super::report::{Diagnostic, Report, Source, Span};
use crate::courtesy::breathe;
use crate::route::Spec;
use crate::settings::Settings;
use crate::world::World;
use subject::Subject;

/// One kind of warning.
pub struct Rule {
    /// Its code, stable and greppable.
    pub code: &'static str,
    /// What it is about: one line, lower case, no full stop.
    pub summary: &'static str,
    /// Why it matters and what to do: paragraphs, for `docs/checks.md`.
    pub explain: &'static str,
    /// A piece of a file that is told of.
    pub bad: &'static str,
    /// The same as it should be.
    pub good: &'static str,
    /// Looks for it.
    run: fn(&Subject<'_>, &mut Report),
}

/// Every rule there is.
pub static RULES: &[&Rule] = &[
    &shadow::ROUTE,
    &shadow::PATH,
    &no_answer::ROUTE,
    &no_answer::UPSTREAM,
    &health::STUCK,
    &health::IDLE,
    &catch_all::RULE,
    &path_syntax::EXPRESSION,
    &path_syntax::TEMPLATE,
    &doubled_path::RULE,
    &port::RULE,
    &placeholder::RULE,
    &placeholder::DEMO,
    &literal_token::RULE,
    &bearer::MALFORMED,
    &bearer::EXPIRED,
    &bearer::EXPIRING,
    &bearer::ROLE,
    &bearer::SIGNATURE,
    &bearer::EXPOSED,
    &authorization::RULE,
    &dashboard::RULE,
    &limits::BY_PROXY,
    &limits::TOO_LOW,
    &limits::NOT_SHARED,
    &cors::CREDENTIALS,
    &cors::ORIGIN,
    &secrets::SHORT,
    &secrets::GUESSED,
    &jwt_key::RULE,
    &secrets::UNHASHED,
    &certificates::TIME,
    &certificates::NAME,
    &certificates::CHAIN,
    &certificates::SELF_SIGNED,
    &tls::RULE,
    &acme::TERMS,
    &acme::ACCOUNT,
    &acme::LISTENERS,
    &acme::STORAGE,
    &acme::IDLE,
];

/// Looks for everything. The model has no errors, and its routes ask for `specs`.
pub(super) fn run(
    model: &Model,
    specs: &[Spec],
    source: &Source,
    world: World<'_>,
    settings: &Settings,
    report: &mut Report,
) {
    let subject = Subject::new(model, specs, &source.text, world, settings);
    for rule in RULES {
        breathe();
        (rule.run)(&subject, report);
    }
}

// === impl Rule ===

impl Rule {
    /// A finding of this kind.
    fn warn(&self, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::warning(self.code, span, message)
    }
}

impl std::fmt::Debug for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rule").field("code", &self.code).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::RULES;
    use std::collections::HashSet;

    #[test]
    fn rules_are_told_apart_and_explained() {
        let codes: HashSet<_> = RULES.iter().map(|rule| rule.code).collect();
        assert_eq!(codes.len(), RULES.len());
        for rule in RULES {
            assert!(rule.code.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{}", rule.code);
            assert!(!rule.summary.is_empty() && !rule.summary.ends_with('.'), "{}", rule.code);
            assert!(rule.explain.len() > 100 && rule.explain.ends_with('.'), "{}", rule.code);
        }
    }
}
