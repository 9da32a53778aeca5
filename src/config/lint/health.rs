//! Health checks that can never do what they are there for.

use super::Rule;
use super::subject::{Subject, named};
use crate::config::model::Entity;
use crate::config::report::Report;
use crate::config::value::Checked;

pub(super) static STUCK: Rule = Rule {
    code: "unhealthy-for-ever",
    summary: "a target that becomes unhealthy never gets a request again",
    explain: "Health checks take a target out after so many failures, but nothing brings it back: requests no longer go \
        there, so what they would count (`passive.healthy`) does not happen, and it is not asked by checks, or their \
        successes are not counted. As in Kong it stays out until somebody posts to `/upstreams/…/targets/…/healthy` or \
        the gateway is restarted; when all are out, every request is answered with 503.\n\nSet \
        `active.unhealthy.interval` and `active.healthy.successes`.",
    bad: r#"upstreams:
  - name: users
    targets: [{target: "users-1:3000"}, {target: "users-2:3000"}]
    healthchecks:
      passive: {unhealthy: {http_failures: 5}}"#,
    good: r#"upstreams:
  - name: users
    targets: [{target: "users-1:3000"}, {target: "users-2:3000"}]
    healthchecks:
      passive: {unhealthy: {http_failures: 5}}
      active: {http_path: /health, unhealthy: {interval: 5}, healthy: {successes: 1}}"#,
    run: stuck,
};

pub(super) static IDLE: Rule = Rule {
    code: "health-check-without-effect",
    summary: "a health check asks nobody, or counts nothing",
    explain: "Healthy targets are asked every `active.healthy.interval` seconds, and become unhealthy by the failures of \
        `active.unhealthy`. Here one of the two is 0, so that checks take no target out, whatever they find. (The names \
        mislead: `unhealthy.interval` is for targets that are out already.)\n\nSet both, or neither.",
    bad: r#"upstreams:
  - name: users
    targets: [{target: "users-1:3000"}, {target: "users-2:3000"}]
    healthchecks:
      active: {healthy: {interval: 5, successes: 1}, unhealthy: {interval: 5}}"#,
    good: r#"upstreams:
  - name: users
    targets: [{target: "users-1:3000"}, {target: "users-2:3000"}]
    healthchecks:
      active:
        healthy: {interval: 5, successes: 1}
        unhealthy: {interval: 5, http_failures: 2, tcp_failures: 2, timeouts: 2}"#,
    run: idle,
};

/// The checks of an upstream, as numbers that are 0 or not.
struct Checks<'a>(&'a Checked);

// === impl Checks ===

impl Checks<'_> {
    fn is_set(&self, path: &[&str]) -> bool {
        let found = path.iter().try_fold(self.0, |at, key| at.get(key));
        found.and_then(Checked::as_num).is_some_and(|number| number > 0.0)
    }

    /// Whether any failure counts.
    fn counts_failures(&self, kind: &str) -> bool {
        ["http_failures", "tcp_failures", "timeouts"].iter().any(|name| self.is_set(&[kind, "unhealthy", name]))
    }

    fn asks_the_healthy(&self) -> bool {
        self.is_set(&["active", "healthy", "interval"])
    }

    fn can_be_lost(&self) -> bool {
        self.counts_failures("passive") || self.asks_the_healthy() && self.counts_failures("active")
    }

    fn can_come_back(&self) -> bool {
        self.is_set(&["active", "unhealthy", "interval"]) && self.is_set(&["active", "healthy", "successes"])
    }
}

fn each(subject: &Subject<'_>, mut look: impl FnMut(&Entity, &Checked, &Checks<'_>)) {
    for upstream in subject.model.all("upstreams") {
        if let Some(checks) = upstream.fields.get("healthchecks") {
            look(upstream, checks, &Checks(checks));
        }
    }
}

fn stuck(subject: &Subject<'_>, report: &mut Report) {
    each(subject, |upstream, place, checks| {
        if checks.can_be_lost() && !checks.can_come_back() {
            let message = format!("a target of {} that becomes unhealthy stays so", named("upstream", upstream));
            let warning = STUCK.warn(place.span, message).label("nothing finds it well again");
            let help = "set `active.unhealthy.interval` and `active.healthy.successes`, so that it is asked";
            report.push(warning.also(upstream.place, "of this upstream").help(help));
        }
    });
}

fn idle(subject: &Subject<'_>, report: &mut Report) {
    each(subject, |upstream, place, checks| {
        let name = named("upstream", upstream);
        let (message, help) = match (checks.asks_the_healthy(), checks.counts_failures("active")) {
            (true, false) => (
                format!("checks of {name} find failures that nothing counts"),
                "set `active.unhealthy.http_failures`, `tcp_failures` and `timeouts`",
            ),
            (false, true) => (format!("no check of {name} asks a healthy target"), "set `active.healthy.interval`"),
            _ => return,
        };
        let place = place.get("active").map_or(place.span, |active| active.span);
        let warning = IDLE.warn(place, message);
        report.push(warning.also(upstream.place, "of this upstream").help(help));
    });
}
