//! `gateway check --online`: what the servers behind a file say, as findings at their places in the file, and as a table.

use super::args::Check;
use super::findings::Compiled;
use super::{edge, print};
use crate::config::places::{Places, places};
use crate::config::report::{Diagnostic, Span};
use crate::probe::prefix::{Prefix, prefixes};
use crate::probe::{Answer, Question, Server, Trouble, ask_all, servers};
use crate::settings::Settings;
use crate::snapshot::Snapshot;
use std::io::{self, IsTerminal};

const UNREACHABLE_CODE: &str = "upstream-unreachable";
const TLS_CODE: &str = "upstream-tls";
const HTTP_CODE: &str = "upstream-no-http";
const PATH_CODE: &str = "upstream-path";

/// Columns for the longest address of a table.
const WIDTH: usize = 40;

/// What the servers said.
pub(super) struct Online {
    servers: Vec<Server>,
    answers: Vec<Answer>,
}

/// Asks the servers of what was compiled; what is wrong goes into its report. `None` if there is nothing to serve.
///
/// # Errors
/// When nobody can be asked; a message.
pub(super) fn ask(compiled: &mut Compiled, settings: &Settings, args: &Check) -> Result<Option<Online>, String> {
    let Some(snapshot) = &compiled.snapshot else { return Ok(None) };
    let mut settings = settings.clone();
    settings.resolve.extend(args.resolve.iter().cloned());
    let places = places(&compiled.source, edge::world(&edge::variable), &settings);
    let servers = servers(snapshot, &places);
    let questions: Vec<_> = servers.iter().map(|server| (server, Question::whole_server())).collect();
    let answers = asked(&questions, &settings, args)?;
    let mut found: Vec<_> =
        servers.iter().zip(&answers).filter_map(|(server, answer)| finding(server, answer)).collect();
    found.extend(misled(snapshot, &places, &servers, &answers, &settings, args)?);
    compiled.report.found.extend(found);
    Ok(Some(Online { servers, answers }))
}

/// Asks, and shows how far it is on a terminal.
fn asked(questions: &[(&Server, Question)], settings: &Settings, args: &Check) -> Result<Vec<Answer>, String> {
    let (terminal, all) = (io::stderr().is_terminal(), questions.len());
    let progress = |count: usize| {
        if terminal {
            print::err(&format!("\r\x1b[K{count} of {all} questions to upstream servers answered"));
        }
    };
    let answers = ask_all(questions, settings, args.timeout, progress);
    if terminal {
        print::err("\r\x1b[K");
    }
    answers
}

/// What keeps requests from a server, if anything does.
fn finding(server: &Server, answer: &Answer) -> Option<Diagnostic> {
    let trouble = answer.trouble.as_ref()?;
    let (service, place) = server.services.first()?;
    let (code, reason, help) = said(server, trouble);
    let found = Diagnostic::warning(code, *place, format!("service `{service}` cannot use {}: {reason}", server.url));
    let others = server.services.iter().skip(1).filter(|(_, other)| other != place);
    let found = others.fold(found, |found, (name, other)| found.also(*other, format!("neither can `{name}`")));
    Some(match help {
        Some(help) => found.help(help),
        None => found,
    })
}

/// Code, reason, and what to do.
fn said(server: &Server, trouble: &Trouble) -> (&'static str, String, Option<String>) {
    let inside = "ask from where the gateway runs, such as its container, or lead a name elsewhere with --resolve";
    match trouble {
        Trouble::Name(reason) => {
            (UNREACHABLE_CODE, format!("its name is not known ({reason})"), Some(inside.to_owned()))
        }
        Trouble::Connect(reason) => (
            UNREACHABLE_CODE,
            format!("it takes no connection ({reason})"),
            Some(format!("is it running, and on port {}? {inside}", server.port)),
        ),
        Trouble::NoTls => {
            (TLS_CODE, "it does not speak TLS".to_owned(), Some("write `http` in place of `https`".to_owned()))
        }
        Trouble::OnlyTls => {
            (TLS_CODE, "it speaks TLS only".to_owned(), Some("write `https` in place of `http`".to_owned()))
        }
        Trouble::Handshake(reason) => (TLS_CODE, format!("TLS fails ({reason})"), None),
        Trouble::Untrusted(reason) => {
            let help = "`ca_certificates` of the service names its authority, or else `lua_ssl_trusted_certificate`";
            (TLS_CODE, format!("its certificate is not believed: {reason}"), Some(help.to_owned()))
        }
        Trouble::NoHttp => {
            let help = "is that its port? only HTTP can be proxied";
            (HTTP_CODE, "something answers there, but not in HTTP/1.1".to_owned(), Some(help.to_owned()))
        }
        Trouble::Silent(limit) => {
            let help = "is it busy, or does it speak another protocol? --timeout waits longer";
            (HTTP_CODE, format!("it takes connections, and does not answer within {limit:?}"), Some(help.to_owned()))
        }
        Trouble::Closed => {
            let help = "is it starting, or does it let nobody in from here?";
            (HTTP_CODE, "it takes connections, and closes them without an answer".to_owned(), Some(help.to_owned()))
        }
    }
}

/// Routes whose `strip_path` is the wrong way round.
fn misled(
    snapshot: &Snapshot,
    places: &Places,
    servers: &[Server],
    answers: &[Answer],
    settings: &Settings,
    args: &Check,
) -> Result<Vec<Diagnostic>, String> {
    let prefixes = prefixes(snapshot, places, servers, answers);
    let questions: Vec<_> = prefixes
        .iter()
        .flat_map(|prefix| prefix.questions().map(|question| (&servers[prefix.server], question)))
        .collect();
    let answers = asked(&questions, settings, args)?;
    let pairs = prefixes.iter().zip(answers.chunks_exact(2));
    let found = pairs.filter_map(|(prefix, pair)| {
        let (sent, other) = Prefix::misled(&pair[0], &pair[1])?;
        Some(wrong_way_round(prefix, sent, other))
    });
    Ok(found.collect())
}

fn wrong_way_round(prefix: &Prefix, sent: u16, other: u16) -> Diagnostic {
    let does = if prefix.stripped { "cuts this off" } else { "leaves this in the path" };
    let message = format!(
        "route `{}` {does}, and its upstream answers {sent} for `{}`, but {other} for `{}`",
        prefix.route, prefix.sent, prefix.other
    );
    let place: Span = prefix.place;
    Diagnostic::warning(PATH_CODE, place, message)
        .help(format!("is it `strip_path: {}` that you want?", !prefix.stripped))
}

// === impl Online ===

impl Online {
    /// Whether every server can be used.
    pub(super) fn is_fine(&self) -> bool {
        self.answers.iter().all(|answer| answer.trouble.is_none())
    }

    /// Each server with its services, and below it what answered. Short lines, for narrow terminals.
    pub(super) fn table(&self) -> String {
        let width = self.servers.iter().map(|server| server.url.chars().count()).max().unwrap_or_default().min(WIDTH);
        let rows = self.servers.iter().zip(&self.answers).map(|(server, answer)| {
            let mark = if answer.trouble.is_none() { "ok" } else { "no" };
            let names: Vec<_> = server.services.iter().map(|(name, _)| name.as_str()).collect();
            let facts: String = facts(server, answer).iter().map(|line| format!("    {line}\n")).collect();
            format!("{mark}  {:width$}  {}\n{facts}", server.url, names.join(", "))
        });
        rows.collect()
    }

    /// `3 of 4 upstream servers can be used`.
    pub(super) fn verdict(&self) -> String {
        let fine = self.answers.iter().filter(|answer| answer.trouble.is_none()).count();
        match self.answers.len() {
            0 => "there are no upstream servers to ask\n".to_owned(),
            all if fine == all => format!("all upstream servers can be used ({all})\n"),
            all => format!("{fine} of {} can be used\n", super::count::number(all, "upstream server")),
        }
    }
}

/// `nginx answers `OPTIONS *` with 405, 3 ms, at 10.0.0.2:80`; what TLS brought; addresses that do not answer.
fn facts(server: &Server, answer: &Answer) -> Vec<String> {
    let mut first = Vec::new();
    first.extend(answer.trouble.as_ref().map(|trouble| said(server, trouble).1));
    first.extend(answer.http.as_ref().map(|http| match &http.server {
        Some(server) => format!("{server} answers `OPTIONS *` with {}", http.status),
        None => format!("answers `OPTIONS *` with {}", http.status),
    }));
    first.extend(answer.http.as_ref().map(|_| format!("{} ms", answer.took.as_millis())));
    first.extend(answer.address.map(|address| format!("at {address}")));
    let mut lines = vec![first.join(", ")];
    if let Some(tls) = &answer.tls {
        lines.push(format!("{}, certificate {}", tls.version, tls.certificate));
        lines.extend(tls.doubt.as_ref().map(|doubt| format!("not verified; it would not be believed: {doubt}")));
    }
    let failed = answer.failed.iter().filter(|_| answer.address.is_some());
    lines.extend(failed.map(|(address, reason)| format!("not at {address}: {reason}")));
    lines
}
