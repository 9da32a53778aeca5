//! `add` where the client's own header is in the way.

use super::Rule;
use super::injected::{self, Injected};
use super::subject::{Subject, View};
use super::token;
use crate::config::report::Report;
use crate::config::value::Checked;
use std::collections::HashSet;
use uuid::Uuid;

pub(super) static RULE: Rule = Rule {
    code: "authorization-not-removed",
    summary: "`Authorization` is added, which does nothing for clients that send their own",
    explain: "`add` of `request-transformer` leaves a header alone that the request has already. A client that sends an \
        `Authorization` of its own is passed on with it, and the upstream refuses what it does not know (PostgREST: \
        PGRST301).\n\nRemove the header first: `remove: {headers: [Authorization]}` runs before `add`. This is not told \
        of a token of the role `anon`, which is fine as what clients without one get.",
    bad: r#"config:
  add: {headers: ["Authorization: Bearer ${SERVICE_KEY}"]}"#,
    good: r#"config:
  remove: {headers: [Authorization]}
  add: {headers: ["Authorization: Bearer ${SERVICE_KEY}"]}"#,
    run,
};

fn run(subject: &Subject<'_>, report: &mut Report) {
    let taken = taken_before(subject);
    for (plugin, config) in subject.plugins("request-transformer") {
        let headers = injected::of(config);
        let Some(added) = headers.iter().find(|header| header.how == "add" && is_credential(header)) else { continue };
        let replaced = headers.iter().any(|header| header.how == "replace" && header.is_authorization());
        if replaced || removes(config) || taken.contains(&plugin.id) {
            continue;
        }
        let warning = RULE.warn(added.span, "`Authorization` is added, but not where the client sends its own");
        let warning = warning.label("has no effect on a request that has this header");
        report.push(warning.help("add `remove: {headers: [Authorization]}` to the same `config`: it runs first"));
    }
}

/// Something that clients cannot have themselves. What clients without a token get may well be `anon`.
fn is_credential(header: &Injected<'_>) -> bool {
    let anonymous = header
        .token()
        .and_then(|token| token::read(token).ok())
        .is_some_and(|token| token::role(&token) == Some("anon"));
    header.is_authorization() && !header.is_template() && !anonymous
}

fn removes(config: &Checked) -> bool {
    let names =
        |how: &str| config.get(how).into_iter().flat_map(|lists| lists.list("headers")).filter_map(Checked::as_str);
    let is = |text: &str| text.split(':').next().is_some_and(|name| name.trim().eq_ignore_ascii_case("authorization"));
    names("remove").chain(names("rename")).any(is)
}

/// The plugins on whose every route another one checks the client's header and takes it away.
fn taken_before(subject: &Subject<'_>) -> HashSet<Uuid> {
    let hides = |view: &View<'_>| {
        ["basic-auth", "htpasswd", "hmac-auth", "ldap-auth", "oauth2"]
            .iter()
            .any(|name| view.plugin(name).is_some_and(|(_, config)| config.bool("hide_credentials")))
    };
    let on = |hidden: bool| {
        let all = subject.routes().filter_map(|view| Some((view, view.plugin("request-transformer")?.0.id)));
        all.filter(|(view, _)| hides(view) == hidden).map(|(_, id)| id).collect::<HashSet<_>>()
    };
    &on(true) - &on(false)
}
