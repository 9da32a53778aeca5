//! Origins that are too many, or that no browser has.

use super::Rule;
use super::subject::Subject;
use crate::config::report::{Diagnostic, Report};
use crate::config::value::Checked;
use crate::entity::Compat;

pub(super) static CREDENTIALS: Rule = Rule {
    code: "cors-any-with-credentials",
    summary: "every website may act with the cookies of its visitors",
    explain: "`credentials: true` lets pages read answers that were made with the visitor's cookies or login, and \
        `origins` allows all pages (`*`, or nothing, which means the same). Since browsers do not take `*` together with \
        credentials, Kong answers with the origin that asks, whichever that is: any website that a user opens can read \
        and do what this user can.\n\nList the origins that may, or leave `credentials` out; clients that send a key in \
        a header need none.",
    bad: r#"plugins:
  - name: cors
    config: {origins: ["*"], credentials: true}"#,
    good: r#"plugins:
  - name: cors
    config: {origins: ["https://app.example.com"], credentials: true}"#,
    run: credentials,
};

pub(super) static ORIGIN: Rule = Rule {
    code: "cors-origin",
    summary: "an entry of `origins` matches no browser",
    explain: "A browser's `Origin` is scheme, host and port, without a default port and in lower case: \
        `https://app.example.com`. A single plain entry is sent to browsers as it is written, which compare it letter by \
        letter; of several, each must have a scheme. In Kong 2, a `*` among others is a broken expression and matches \
        nothing.\n\nWrite the origin as the browser does.",
    bad: r#"plugins:
  - name: cors
    config: {origins: ["https://app.example.com/"]}"#,
    good: r#"plugins:
  - name: cors
    config: {origins: ["https://app.example.com"]}"#,
    run: origins,
};

fn credentials(subject: &Subject<'_>, report: &mut Report) {
    for (plugin, config) in subject.plugins("cors").filter(|(_, config)| config.bool("credentials")) {
        let star = config.list("origins").iter().find(|origin| origin.as_str() == Some("*"));
        let alone = config.list("origins").len() < 2 || subject.model.compat == Compat::Kong3;
        if !alone || (star.is_none() && !config.list("origins").is_empty()) {
            continue;
        }
        let place = config.get("credentials").map_or(plugin.place, |field| field.span);
        let warning = CREDENTIALS.warn(place, "every website may act with the cookies of whoever visits it");
        let warning = match star {
            Some(star) => warning.also(star.span, "all origins"),
            None => warning.label("`origins` is not set, which means all"),
        };
        report.push(warning.help("list the origins that may, or leave `credentials` out"));
    }
}

fn origins(subject: &Subject<'_>, report: &mut Report) {
    for (_, config) in subject.plugins("cors") {
        let all = config.list("origins");
        let found = all.iter().filter_map(|origin| wrong(origin, all.len() == 1, subject.model.compat));
        report.found.extend(found);
    }
}

fn wrong(origin: &Checked, alone: bool, compat: Compat) -> Option<Diagnostic> {
    let text = origin.as_str()?;
    if text == "*" {
        let broken = !alone && compat == Compat::Kong2;
        let warning = || ORIGIN.warn(origin.span, "`*` among other origins matches nothing in this format");
        return broken.then(|| warning().help("write it alone, or `.*`"));
    }
    let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b".:/-".contains(&b));
    let reason = if plain { fault(text, alone)? } else { return None };
    let warning = ORIGIN.warn(origin.span, format!("no browser's origin is `{text}`: {}", reason.0));
    Some(warning.help(reason.1))
}

/// What is wrong with a plain entry, and what to do.
fn fault(text: &str, alone: bool) -> Option<(&'static str, String)> {
    let Some((scheme, rest)) = text.split_once("://") else {
        let host = text.trim_end_matches('/');
        let is_host = host.contains('.') || host == "localhost" || host.starts_with("localhost:");
        return is_host.then(|| ("it has no scheme", format!("write `https://{host}` or `http://{host}`")));
    };
    let authority = rest.split('/').next().unwrap_or(rest);
    let host = match (scheme, authority.rsplit_once(':')) {
        ("http", Some((host, "80"))) | ("https", Some((host, "443"))) => host,
        _ => authority,
    };
    let better = format!("write `{}`", format!("{scheme}://{host}").to_ascii_lowercase());
    // Several are compared without path and default port.
    match () {
        () if alone && authority.len() + 1 == rest.len() => Some(("it has a slash at the end", better)),
        () if alone && authority.len() < rest.len() => Some(("it has a path", better)),
        () if alone && host.len() < authority.len() => Some(("it has the scheme's own port", better)),
        () if text.bytes().any(|b| b.is_ascii_uppercase()) => Some(("it has capital letters", better)),
        () => None,
    }
}
