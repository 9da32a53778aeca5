//! Tokens that the gateway adds to requests, or that its consumers show: whether they can work, and for whom.

use super::injected::{self, Bearer, Injected, bearers};
use super::subject::Subject;
use super::token::{self, date};
use super::{Rule, guard};
use crate::config::expand;
use crate::config::report::{Diagnostic, Report};
use crate::token::Token;
use crate::token::key::{Keys, Secret};
use crate::token::verify::{self, Fault as Unverified};
use std::collections::HashSet;
use std::time::Duration;

pub(super) static MALFORMED: Rule = Rule {
    code: "bearer-malformed",
    summary: "an `Authorization` that is added is no well-formed bearer token",
    explain: "The header that the gateway puts into requests is empty, lacks `Bearer`, has it twice, has quotes in it, or \
        holds a token that is cut off or damaged. The upstream answers every request with 401.\n\nLook at the variable \
        that the value comes from; copy the token again, without quotes and as one line.",
    bad: r#"config:
  remove: {headers: [Authorization]}
  add: {headers: ["Authorization: ${SERVICE_KEY}"]}   # without `Bearer`"#,
    good: r#"config:
  remove: {headers: [Authorization]}
  add: {headers: ["Authorization: Bearer ${SERVICE_KEY}"]}"#,
    run: malformed,
};

pub(super) static EXPIRED: Rule = Rule {
    code: "bearer-expired",
    summary: "a token in the configuration has expired",
    explain: "The upstream answers requests with this token with 401 (PostgREST: `JWT expired`, PGRST301 or PGRST303).\n\n\
        Make a new token with the same secret and role, and put it where this one comes from.",
    bad: r#"config:
  remove: {headers: [Authorization]}
  add: {headers: ["Authorization: Bearer ${EXPIRED_KEY}"]}   # until last month"#,
    good: r#"config:
  remove: {headers: [Authorization]}
  add: {headers: ["Authorization: Bearer ${SERVICE_KEY}"]}"#,
    run: expired,
};

pub(super) static EXPIRING: Rule = Rule {
    code: "bearer-expiring",
    summary: "a token in the configuration expires within 30 days",
    explain: "From that day on, the upstream answers requests with this token with 401.\n\nMake a new token with the same \
        secret and role in time, and put it where this one comes from.",
    bad: r#"config:
  remove: {headers: [Authorization]}
  add: {headers: ["Authorization: Bearer ${ENDING_KEY}"]}   # until next month"#,
    good: r#"config:
  remove: {headers: [Authorization]}
  add: {headers: ["Authorization: Bearer ${SERVICE_KEY}"]}   # for years"#,
    run: expiring,
};

pub(super) static ROLE: Rule = Rule {
    code: "bearer-role",
    summary: "a token has another role than the name that it goes by",
    explain: "A variable or consumer named after the service role holds the token of `anon`, or the other way round; the \
        two keys were probably swapped. With `anon` in place of the service role, upstreams refuse what they should do; \
        with the service role in place of `anon`, everybody has the whole database.\n\nSwap the values.",
    bad: r#"config:
  remove: {headers: [Authorization]}
  add: {headers: ["Authorization: Bearer ${WRONG_SERVICE_KEY}"]}   # a token of `anon`"#,
    good: r#"config:
  remove: {headers: [Authorization]}
  add: {headers: ["Authorization: Bearer ${SERVICE_KEY}"]}"#,
    run: role,
};

pub(super) static SIGNATURE: Rule = Rule {
    code: "bearer-signature",
    summary: "a token is not signed with the `JWT_SECRET` at hand",
    explain: "The environment has `JWT_SECRET` (or `SUPABASE_JWT_SECRET`, `GOTRUE_JWT_SECRET`, `PGRST_JWT_SECRET`), or \
        names a file with it in `JWT_SECRET_FILE`, and this token was signed with something else. An upstream with that \
        secret answers with 401 (PostgREST: PGRST301, `No suitable key` or `JWSInvalidSignature`). It happens when the \
        secret was changed and the keys were not.\n\n\
        Make the token anew with this secret, or set the secret that it was signed with. Nothing is told where none of \
        these variables is set, or where the token is signed with a private key.",
    bad: r#"config:
  remove: {headers: [Authorization]}
  add: {headers: ["Authorization: Bearer ${FOREIGN_KEY}"]}   # made with another JWT_SECRET"#,
    good: r#"config:
  remove: {headers: [Authorization]}
  add: {headers: ["Authorization: Bearer ${SERVICE_KEY}"]}   # made with this one"#,
    run: signature,
};

pub(super) static EXPOSED: Rule = Rule {
    code: "service-role-exposed",
    summary: "everybody who reaches a route gets the service role",
    explain: "The gateway adds a token of `service_role` to requests, and no plugin on the route asks who they come from. \
        That role passes all rules of the database, so that whoever can reach the listener can read and change \
        everything.\n\nPut a plugin in front that lets in only those who may (`basic-auth`, `key-auth`, `htpasswd`, \
        `ip-restriction`), or listen on a loopback address behind something that does. This is told only when a \
        listener can be reached from other machines.",
    bad: r#"_gateway:
  proxy_listen: 0.0.0.0:8000
  trusted_ips: [10.0.0.0/8]
services:
  - name: rest
    url: http://rest:3000
    routes: [{name: rest, paths: [/rest]}]
    plugins:
      - name: request-transformer
        config:
          remove: {headers: [Authorization]}
          add: {headers: ["Authorization: Bearer ${SERVICE_KEY}"]}"#,
    good: r#"_gateway:
  proxy_listen: 0.0.0.0:8000
  trusted_ips: [10.0.0.0/8]
services:
  - name: rest
    url: http://rest:3000
    routes: [{name: rest, paths: [/rest]}]
    plugins:
      - name: request-transformer
        config:
          remove: {headers: [Authorization]}
          add: {headers: ["Authorization: Bearer ${SERVICE_KEY}"]}
      - name: htpasswd
        config: {file: /run/secrets/users}"#,
    run: exposed,
};

/// Variables that hold the secret.
const SECRETS: &[&str] = &["JWT_SECRET", "SUPABASE_JWT_SECRET", "GOTRUE_JWT_SECRET", "PGRST_JWT_SECRET"];
/// How long before its end a token is told of.
const SOON: Duration = Duration::from_secs(30 * 86_400);

/// What is wrong with a header, after its name, and what to do.
type Fault = (String, String);

fn malformed(subject: &Subject<'_>, report: &mut Report) {
    let mut seen = HashSet::new();
    for header in injected::all(subject).iter().filter(|header| header.is_authorization() && !header.is_template()) {
        if let Some((fault, help)) = fault(header, subject.variable(header.span)).filter(|_| seen.insert(header.span)) {
            report.push(MALFORMED.warn(header.span, format!("{} {fault}", header.described())).help(help));
        }
    }
}

/// `variable` is where the value comes from, if it comes from one.
fn fault(header: &Injected<'_>, variable: Option<&str>) -> Option<Fault> {
    let value = header.value.trim_end();
    let source = variable.map_or_else(|| "here".to_owned(), |name| format!("in the variable `{name}`"));
    let into = variable.map_or_else(|| "here".to_owned(), |name| format!("into the variable `{name}`"));
    let say = |fault: &str, help: String| Some((fault.to_owned(), help));
    if value.is_empty() || value.eq_ignore_ascii_case("bearer") {
        return say("has no token in it", format!("put one {source}"));
    }
    let token = header.token()?;
    if token.get(..7).is_some_and(|word| word.eq_ignore_ascii_case("bearer ")) {
        let or = variable.map_or_else(String::new, |name| format!(", here or in the variable `{name}`"));
        return say("has `Bearer` twice", format!("remove one of them{or}"));
    }
    if token.starts_with(['"', '\'']) {
        return say("has its token in quotes", format!("remove the quotes {source}"));
    }
    match token::read(token) {
        _ if !token.starts_with("eyJ") => None,
        Err(reason) => {
            Some((format!("is damaged: {reason}"), format!("copy the whole token {into} again, as one line")))
        }
        Ok(_) if value.starts_with("eyJ") => {
            say("has no `Bearer` in front of the token", "write `Bearer` and a blank in front of it".to_owned())
        }
        Ok(_) => None,
    }
}

/// Says something of each token that can be read.
fn each(subject: &Subject<'_>, report: &mut Report, say: impl Fn(&Bearer<'_>, &Token) -> Option<Diagnostic>) {
    for bearer in bearers(subject) {
        let Ok(token) = token::read(bearer.token) else { continue };
        let label = token::described(&token, subject.world.now);
        report.found.extend(say(&bearer, &token).map(|found| found.label(label)));
    }
}

/// How to make a token like this one. A role that a shell would not take as it is, is left to people.
fn anew(token: &Token) -> String {
    let simple = |role: &&str| role.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    match token::role(token).filter(simple) {
        Some(role) => format!("`gateway token mint --role {role}` makes a new one from `JWT_SECRET`"),
        None => "make a new one with the same secret and role".to_owned(),
    }
}

fn expired(subject: &Subject<'_>, report: &mut Report) {
    each(subject, report, |bearer, token| {
        let end = token::end(token).filter(|end| *end <= subject.world.now)?;
        let warning = EXPIRED.warn(bearer.span, format!("{} expired on {}", bearer.what, date(end)));
        Some(warning.help(anew(token)))
    });
}

fn expiring(subject: &Subject<'_>, report: &mut Report) {
    let now = subject.world.now;
    each(subject, report, |bearer, token| {
        let end = token::end(token).filter(|end| *end > now)?;
        let days = end.duration_since(now).ok().filter(|left| *left <= SOON)?.as_secs() / 86_400;
        let left = match days {
            0 => "today".to_owned(),
            1 => "in 1 day".to_owned(),
            days => format!("in {days} days"),
        };
        let warning = EXPIRING.warn(bearer.span, format!("{} expires {left}", bearer.what));
        Some(warning.help(anew(token)))
    });
}

fn role(subject: &Subject<'_>, report: &mut Report) {
    each(subject, report, |bearer, token| {
        let name = bearer.consumer.or_else(|| subject.variable(bearer.span))?;
        let upper = name.to_ascii_uppercase();
        let says = |word: &str| upper.split(['_', '-', '.']).any(|part| part == word);
        let role = token::role(token)?;
        let wrong = match role {
            "anon" => says("SERVICE"),
            "service_role" => says("ANON") || says("PUBLISHABLE"),
            _ => false,
        };
        let what = if bearer.consumer.is_some() { "consumer" } else { "variable" };
        let message = format!("{what} `{name}` holds a token of the role `{role}`");
        wrong.then(|| ROLE.warn(bearer.span, message).help("the two keys were probably swapped: swap their values"))
    });
}

fn signature(subject: &Subject<'_>, report: &mut Report) {
    let secrets = SECRETS.iter().filter_map(|name| Some((*name, expand::known(name, subject.world)?)));
    // A set of keys is no secret.
    let secrets = secrets.filter(|(_, secret)| !secret.trim_start().starts_with('{'));
    let keys = secrets.filter_map(|(name, secret)| Some((name, Keys::secret(Secret::new(secret.as_bytes()).ok()?))));
    let keys: Vec<_> = keys.collect();
    let Some((name, _)) = keys.first() else { return };
    each(subject, report, |bearer, token| {
        // A near miss, such as a secret in base64, may be right for the upstream.
        let wrong = |keys: &Keys| verify::signature(token, keys) == Err(Unverified::Signature(None));
        if !keys.iter().all(|(_, keys)| wrong(keys)) {
            return None;
        }
        let warning = SIGNATURE.warn(bearer.span, format!("{} is not signed with `{name}`", bearer.what));
        Some(warning.help(format!("make it anew with this secret, or set the `{name}` that it was signed with; until then PostgREST answers with 401 (PGRST301)")))
    });
}

fn exposed(subject: &Subject<'_>, report: &mut Report) {
    let (mut seen, mut read) = (HashSet::new(), HashSet::new());
    for view in subject.routes().filter(|view| guard::is_open(subject, view)) {
        // One plugin may run on thousands of routes: it is read for the first of them.
        let found = view.plugin("request-transformer").filter(|(plugin, _)| read.insert(plugin.id));
        let Some((_, config)) = found else { continue };
        let is_service = |header: &&Injected<'_>| {
            let token = header.token().and_then(|token| token::read(token).ok());
            token.is_some_and(|token| token::role(&token) == Some("service_role"))
        };
        let headers = injected::of(config);
        let Some(header) = headers.iter().find(is_service).filter(|header| seen.insert(header.span)) else { continue };
        let message = format!("everybody who reaches {} gets the service role, and with it the database", view.name());
        let warning = EXPOSED.warn(header.span, message).also(view.route.place, "no plugin keeps strangers out");
        report.push(
            warning.help("add a plugin that does (`basic-auth`, `key-auth`, `ip-restriction`), or listen on 127.0.0.1"),
        );
    }
}
