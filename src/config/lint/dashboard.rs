//! Dashboards that have no login of their own, and none here.

use super::subject::{Subject, View, named};
use super::{Rule, guard, listeners};
use crate::config::report::Report;

pub(super) static RULE: Rule = Rule {
    code: "dashboard-without-login",
    summary: "a dashboard without a login of its own can be reached by everybody",
    explain: "Supabase's Studio and postgres-meta (which runs any SQL), Adminer, pgweb, Prometheus and the like ask nobody \
        who they are. Here such a service is told by its name, host and port, a listener can be reached from other \
        machines, and no plugin on the route asks for a password, a key, an address or a certificate. Naming a host such \
        as `studio.localhost` is no protection: a client may send any `Host`.\n\nAdd `basic-auth`, `htpasswd` or \
        `ip-restriction` to the route or service, or listen on a loopback address.",
    bad: r"_gateway:
  proxy_listen: 0.0.0.0:8000
  trusted_ips: [10.0.0.0/8]
services:
  - name: studio
    url: http://studio:3000
    routes: [{name: studio, paths: [/]}]",
    good: r"_gateway:
  proxy_listen: 0.0.0.0:8000
  trusted_ips: [10.0.0.0/8]
services:
  - name: studio
    url: http://studio:3000
    routes: [{name: studio, paths: [/]}]
    plugins:
      - name: htpasswd
        config: {file: /run/secrets/users}",
    run,
};

/// Words in the name or host of a service: what has no login of its own.
const WORDS: &[&str] = &[
    "adminer",
    "alertmanager",
    "dozzle",
    "inbucket",
    "jaeger",
    "kafka-ui",
    "mailhog",
    "mailpit",
    "mongo-express",
    "pg-meta",
    "pgmeta",
    "pgweb",
    "postgres-meta",
    "prometheus",
    "redis-commander",
];

fn run(subject: &Subject<'_>, report: &mut Report) {
    let mut seen = std::collections::HashSet::new();
    for view in subject.routes() {
        let Some(service) = view.service.filter(|_| is_dashboard(view) && guard::is_open(subject, view)) else {
            continue;
        };
        if !seen.insert(service.id) {
            continue;
        }
        let at = listeners::open(subject.settings).map(ToString::to_string).unwrap_or_default();
        let message =
            format!("everybody who reaches {at} gets to {}, which has no login of its own", named("service", service));
        let warning = RULE.warn(view.route.place, message).label("no plugin keeps strangers out");
        report.push(warning.help("add `basic-auth`, `htpasswd` or `ip-restriction` to it, or listen on 127.0.0.1"));
    }
}

fn is_dashboard(view: &View<'_>) -> bool {
    let Some(service) = view.service else { return false };
    let fields = &service.fields;
    // A piece of it, such as its metrics or its health, is none.
    if !view.takes_all_paths() && !matches!(fields.str("path"), None | Some("/")) {
        return false;
    }
    let host = fields.str("host").unwrap_or_default().to_ascii_lowercase();
    let label = host.split('.').next().unwrap_or_default();
    let ends_in =
        |word: &str| label.strip_suffix(word).is_some_and(|rest| rest.is_empty() || rest.ends_with(['-', '_']));
    match fields.int("port") {
        Some(3000 | 54323) if ends_in("studio") => true,
        Some(8080) if ends_in("meta") => true,
        _ => WORDS.iter().any(|word| ends_in(word)),
    }
}
