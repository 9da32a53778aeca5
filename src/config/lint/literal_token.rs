//! Tokens that are typed into the file.

use super::Rule;
use super::subject::Subject;
use super::token;
use crate::config::report::{Diagnostic, Report, Span};
use crate::token::Token;

pub(super) static RULE: Rule = Rule {
    code: "literal-token",
    summary: "a JSON Web Token stands in the file itself",
    explain: "Whoever can read the file, its backups or its history in git has the token, and when the secret that signed \
        it is changed, the file has to be changed as well, in every place. For a token of `service_role` this means the \
        whole database.\n\nWrite `${NAME}` in its place and set that variable, or `NAME_FILE` to a file that holds it. \
        The token of the role `anon` is no secret (browsers get it), but changes together with the other.",
    bad: r#"config:
  remove: {headers: [Authorization]}
  add: {headers: ["Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoiYW5vbiJ9.c2lnbmF0dXJl"]}"#,
    good: r#"config:
  remove: {headers: [Authorization]}
  add: {headers: ["Authorization: Bearer ${ANON_KEY}"]}"#,
    run,
};

/// Bytes of a token that are underlined. None is shorter.
const SHOWN: usize = 12;

/// Other lines with the same token that are named. They are not shown: a line of stars says nothing.
const MOST: usize = 5;

fn run(subject: &Subject<'_>, report: &mut Report) {
    let mut found: Vec<(&str, Vec<Span>)> = Vec::new();
    for (at, text) in token::all(subject.text).filter(|(at, _)| !is_comment(subject.text, *at)) {
        // Its beginning: all of it would push the rest of the line out of sight.
        let span = Span::new(at, at + SHOWN);
        match found.iter_mut().find(|(known, _)| *known == text) {
            Some((_, places)) => places.push(span),
            None => found.push((text, vec![span])),
        }
    }
    let readable = found.iter().filter_map(|(text, places)| Some((token::read(text).ok()?, places)));
    report.found.extend(readable.map(|(token, places)| warning(&token, places, subject)));
}

fn warning(token: &Token, places: &[Span], subject: &Subject<'_>) -> Diagnostic {
    let role = token::role(token);
    let service = role == Some("service_role");
    let message = match role {
        Some("service_role") => "the key to the whole database stands in the file itself: a token of `service_role`",
        _ => "a token stands in the file itself",
    };
    let name = match role {
        Some("service_role") => "SUPABASE_SERVICE_KEY",
        Some("anon") => "SUPABASE_ANON_KEY",
        _ => "TOKEN",
    };
    let hint = if service { ", and change the JWT secret if others have seen the file" } else { "" };
    let warning = RULE
        .warn(places[0], message)
        .label(token::described(token, subject.world.now) + &again(&places[1..], subject.text));
    warning.help(format!("write `${{{name}}}` in its place and set that variable{hint}"))
}

/// The lines in which it stands besides.
fn again(places: &[Span], text: &str) -> String {
    let line = |place: &Span| text.as_bytes()[..place.start()].iter().filter(|byte| **byte == b'\n').count() + 1;
    let lines: Vec<_> = places.iter().take(MOST).map(|place| line(place).to_string()).collect();
    let more = places.len().saturating_sub(MOST);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    match lines.len() {
        0 => String::new(),
        1 => format!("; again in line {}", lines[0]),
        _ => format!("; again in lines {}{more}", lines.join(", ")),
    }
}

/// Whether the line is a comment up to here.
fn is_comment(text: &str, at: usize) -> bool {
    let line = text[..at].rsplit('\n').next().unwrap_or_default();
    line.trim_start().starts_with('#')
}
