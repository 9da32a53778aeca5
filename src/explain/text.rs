//! An explanation for people. Pure.

use super::paint::{Paint, folded};
use super::reason::{of_criterion, of_failure};
use super::secrets::Secrets;
use super::{Answer, Answerer, Asked, Change, Explanation, Loser, Outcome, Question, Ran, Routing, Step, Winner};
use crate::config::outline::PluginOutline;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use std::fmt::Write as _;

/// How an explanation looks.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    /// Characters in a line, where lines can be broken.
    pub width: usize,
    /// Colours.
    pub paint: Paint,
    /// Whether all routes are told, not only the nearest.
    pub all: bool,
    /// Whether secrets are shown.
    pub secrets: Secrets<'a>,
}

/// Characters of the column of labels.
const LABEL: usize = 12;
/// Routes that lost which are told.
const NEAREST: usize = 3;
/// Most bytes of an answer's body that are shown.
const BODY: usize = 300;

/// One explanation under way.
struct Page<'a> {
    look: &'a Look<'a>,
    out: String,
}

/// The explanation as text that ends with a line end.
#[must_use]
pub fn text(question: &Question, told: &Explanation, look: &Look<'_>) -> String {
    let mut page = Page { look, out: String::new() };
    page.request(question, told);
    if let Some(routing) = &told.routing {
        page.routing(routing);
    }
    page.steps(&told.steps);
    match &told.outcome {
        Outcome::Upstream(asked) => page.upstream(asked),
        Outcome::Answer(answer) => page.answer(answer),
        Outcome::Unparsable(why) => page.unparsable(why),
    }
    page.out
}

// === impl Page ===

impl Page<'_> {
    fn line(&mut self, line: &str) {
        self.out.push_str(line.trim_end());
        self.out.push('\n');
    }

    fn head(&mut self, name: &str, rest: &str) {
        let label = format!("{name:<LABEL$}");
        let rest = folded(rest, LABEL, LABEL, self.look.width);
        let label = self.look.paint.bold(&label).into_owned();
        self.line(&format!("{label}{rest}"));
    }

    /// A line under a heading: a label, and a text that may be broken.
    fn item(&mut self, label: &str, rest: &str) {
        let label = format!("{label:<LABEL$}");
        let rest = folded(rest, LABEL, LABEL + 2, self.look.width);
        let label = self.look.paint.dim(&label).into_owned();
        self.line(&format!("{label}{rest}"));
    }

    fn request(&mut self, question: &Question, told: &Explanation) {
        let url = question.url();
        self.head("request", &format!("{} {}", question.method, self.look.secrets.target(&url)));
        let trust = if told.trusted { ", which is trusted (trusted_ips)" } else { "" };
        let client =
            if told.client == question.from { String::new() } else { format!("; the client is {}", told.client) };
        let name = question.other_server_name().map(|name| format!("; with TLS for {name}")).unwrap_or_default();
        self.item("", &format!("from {}{trust}{client}; to port {}{name}", question.from, told.port));
        for note in &told.notes {
            self.item("  note", note);
        }
    }

    fn routing(&mut self, routing: &Routing) {
        self.out.push('\n');
        match &routing.winner {
            Some(winner) => self.winner(winner),
            None => self.head("route", "none"),
        }
        let shown = if self.look.all { routing.losers.len() } else { NEAREST };
        let mut last = "";
        for loser in routing.losers.iter().take(shown) {
            let label = match &routing.winner {
                None => "  nearest",
                Some(_) if loser.lost.is_some() => "  beats",
                Some(_) => "  not",
            };
            self.item(if label == last { "" } else { label }, &loser_line(loser));
            last = label;
        }
        let left = routing.losers.len().saturating_sub(shown);
        if left > 0 {
            self.item("", &format!("and {left} more (--all)"));
        }
    }

    fn winner(&mut self, winner: &Winner) {
        self.head("route", &format!("{} (line {})", winner.name, winner.line));
        for (at, (kind, texts)) in winner.asks.iter().enumerate() {
            self.item(if at == 0 { "  asks for" } else { "" }, &format!("{kind} {}", texts.join(", ")));
        }
    }

    fn steps(&mut self, steps: &[Step]) {
        if steps.is_empty() {
            return;
        }
        self.out.push('\n');
        for (at, step) in steps.iter().enumerate() {
            let scope = step.outline.as_ref().map(scope).unwrap_or_default();
            let label = if at == 0 { "plugins" } else { "" };
            self.head(label, &format!("{}  {scope}", step.name));
            self.step(step);
        }
    }

    fn step(&mut self, step: &Step) {
        match step.ran {
            Ran::Answered(status) => self.item("", &format!("  answers with {}", titled(status))),
            Ran::NotReached if step.answer.is_empty() => self.item("", "  is not reached"),
            Ran::NotReached => self.item("", "  is not reached by the request, but by the answer"),
            Ran::Passed if step.request.is_empty() && step.answer.is_empty() && step.remark.is_none() => {
                self.item("", "  changes nothing");
            }
            Ran::Passed => {}
        }
        for change in &step.request {
            self.change("", change);
        }
        for change in &step.answer {
            self.change("answer ", change);
        }
        if let Some(remark) = &step.remark {
            self.item("", &format!("  {remark}"));
        }
    }

    fn change(&mut self, what: &str, change: &Change) {
        let (paint, secrets) = (self.look.paint, self.look.secrets);
        let line = match change {
            Change::Added(name, value) => paint.green(&format!("+ {}", field(secrets, name, value))).into_owned(),
            Change::Removed(name, value) => paint.red(&format!("- {}", field(secrets, name, value))).into_owned(),
            Change::Became(what, before, after) => became(secrets, what, before, after),
        };
        self.line(&format!("{:LABEL$}  {what}{line}", ""));
    }

    fn upstream(&mut self, asked: &Asked) {
        self.out.push('\n');
        let scheme = if asked.tls { "https" } else { "http" };
        self.head("upstream", &format!("service {} (line {}), {}", asked.service, asked.line, asked.url));
        match asked.peers.as_slice() {
            [(_, None)] => {}
            [(peer, _)] => self.item("", &format!("at {scheme}://{peer}")),
            many => {
                let of =
                    |(peer, weight): &(String, Option<u32>)| format!("{peer} (weight {})", weight.unwrap_or_default());
                self.item("", &format!("at one of {}", many.iter().map(of).collect::<Vec<_>>().join(", ")));
                asked.choice.iter().for_each(|choice| self.item("", choice));
            }
        }
        let target = self.look.secrets.target(&asked.target).into_owned();
        self.line(&format!("{:LABEL$}{} {target} HTTP/1.1", "", asked.method));
        self.fields(&asked.headers);
        if !asked.body.is_empty() {
            self.item("", &format!("and a body of {} bytes", asked.body.len()));
        }
    }

    fn answer(&mut self, answer: &Answer) {
        self.out.push('\n');
        let status = titled(answer.status);
        let by = match &answer.by {
            Answerer::Gateway(failure) => format!("by the gateway: {}", of_failure(*failure)),
            Answerer::Plugin(name) => format!("by the plugin {name}"),
        };
        self.head("answer", &format!("{status}, {by}"));
        self.fields(&answer.headers);
        if !answer.body.is_empty() {
            self.body(&String::from_utf8_lossy(&answer.body));
        }
    }

    /// The beginning, without what could steer a terminal.
    fn body(&mut self, body: &str) {
        let short: String = body.trim_end().chars().take(BODY).filter(|c| *c == '\n' || !c.is_control()).collect();
        let more = if body.trim_end().chars().nth(BODY).is_some() { "…" } else { "" };
        (short + more).lines().for_each(|line| self.line(&format!("{:LABEL$}{line}", "")));
    }

    fn unparsable(&mut self, why: &str) {
        self.out.push('\n');
        self.head("answer", &format!("400 Bad Request, by the parser of HTTP: {why}"));
    }

    fn fields(&mut self, headers: &HeaderMap) {
        // How long it takes is not known.
        let known = headers.iter().filter(|(name, _)| !name.as_str().ends_with("-latency"));
        let mut lines: Vec<_> = known.map(|(name, value)| field(self.look.secrets, name, value)).collect();
        // The order of different names means nothing, so people get one that they can search.
        lines.sort_by_key(|line| line.split(':').next().unwrap_or_default().to_owned());
        for line in lines {
            self.line(&format!("{:LABEL$}{line}", ""));
        }
    }
}

fn field(secrets: Secrets<'_>, name: &HeaderName, value: &HeaderValue) -> String {
    format!("{name}: {}", secrets.value(name, value))
}

fn became(secrets: Secrets<'_>, what: &str, before: &str, after: &str) -> String {
    let shown = |text: &str| match (what, text) {
        (_, "") => "nothing".to_owned(),
        ("query", text) => secrets.query(text),
        ("path", text) => secrets.target(text).into_owned(),
        (_, text) => text.to_owned(),
    };
    match (what, before) {
        ("consumer" | "user" | "upstream host", "") => format!("{what} is {}", shown(after)),
        _ => format!("{what}: {} becomes {}", shown(before), shown(after)),
    }
}

fn loser_line(loser: &Loser) -> String {
    let why = match &loser.lost {
        Some(criterion) => of_criterion(criterion),
        None => loser.misses.join("; "),
    };
    format!("{} (line {}): {why}", loser.name, loser.line)
}

/// `service rest-v1, line 35`.
fn scope(outline: &PluginOutline) -> String {
    let bound: Vec<_> = outline.scope.iter().map(|(kind, name)| format!("{kind} {name}")).collect();
    let bound = if bound.is_empty() { "all requests".to_owned() } else { bound.join(", ") };
    format!("of {bound} (line {})", outline.line)
}

fn titled(status: StatusCode) -> String {
    let reason = status.canonical_reason().unwrap_or_default();
    let mut text = status.as_u16().to_string();
    if !reason.is_empty() {
        let _ = write!(text, " {reason}");
    }
    text
}
