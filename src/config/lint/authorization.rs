//! `add` where the client's own header is in the way.

use super::Rule;
use super::injected::{self, Injected};
use super::subject::{Subject, View};
use super::token::Token;
use crate::config::report::Report;
use crate::config::value::Checked;

pub(super) static RULE: Rule = Rule {
    code: "authorization-not-removed",
    summary: "`Authorization` is added, which does nothing for clients that send their own",
    explain: "`add` of `request-transformer` leaves a header alone that the request has already. A client that sends an \
        `Authorization` of its own is passed on with it, and the upstream refuses what it does not know (PostgREST: \
        PGRST301).\n\nRemove the header first: `remove: {headers: [Authorization]}` runs before `add`. This is not told \
        of a token of the role `anon`, which is fine as what clients without one get.",
    run,
};

fn run(subject: &Subject<'_>, report: &mut Report) {
    for (plugin, config) in subject.plugins("request-transformer") {
        let headers = injected::of(config);
        let Some(added) = headers.iter().find(|header| header.how == "add" && is_credential(header)) else { continue };
        let replaced = headers.iter().any(|header| header.how == "replace" && header.is_authorization());
        if replaced || removes(config) || is_taken_before(subject, plugin) {
            continue;
        }
        let warning = RULE.warn(added.span, "`Authorization` is added, but not where the client sends its own");
        let warning = warning.label("has no effect on a request that has this header");
        report.push(warning.help("add `remove: {headers: [Authorization]}` to the same `config`: it runs first"));
    }
}

/// Something that clients cannot have themselves. What clients without a token get may well be `anon`.
fn is_credential(header: &Injected<'_>) -> bool {
    let anonymous =
        header.token().and_then(|token| Token::read(token).ok()).is_some_and(|token| token.role() == Some("anon"));
    header.is_authorization() && !header.is_template() && !anonymous
}

fn removes(config: &Checked) -> bool {
    let names =
        |how: &str| config.get(how).into_iter().flat_map(|lists| lists.list("headers")).filter_map(Checked::as_str);
    let is = |text: &str| text.split(':').next().is_some_and(|name| name.trim().eq_ignore_ascii_case("authorization"));
    names("remove").chain(names("rename")).any(is)
}

/// Whether a plugin that checks the client's header takes it away, wherever this one runs.
fn is_taken_before(subject: &Subject<'_>, plugin: &crate::config::model::Entity) -> bool {
    let runs_here = |view: &&View<'_>| view.plugins.iter().any(|other| std::ptr::eq(*other, plugin));
    let hides = |view: &View<'_>| {
        ["basic-auth", "htpasswd", "hmac-auth", "ldap-auth", "oauth2"]
            .iter()
            .any(|name| view.plugin(name).is_some_and(|(_, config)| config.bool("hide_credentials")))
    };
    let mut views = subject.routes.iter().filter(runs_here).peekable();
    views.peek().is_some() && views.all(hides)
}
