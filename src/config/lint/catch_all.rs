//! Hosts that people open in a browser, and that have nothing at `/` (what happened to a real stack: its dashboard's
//! host led to its API alone).

use super::subject::{Subject, View};
use super::{Rule, listeners};
use crate::config::report::{Diagnostic, Report};
use crate::config::value::Checked;
use std::collections::BTreeMap;

pub(super) static RULE: Rule = Rule {
    code: "host-without-catch-all",
    summary: "a host that people open has API routes and nothing at `/`",
    explain: "All routes of this host have paths such as `/api`, so that whoever opens it in a browser gets 404 and `no \
        Route matched with those values`. This is told only where the gateway itself listens on port 80 or 443, of hosts \
        whose name does not say that they are an interface (`api.…`, `auth.…`).\n\nAdd a route with `paths: [/]` for \
        the host: to the service with its pages, or one with `request-termination` or `redirect`.",
    bad: r#"_format_version: "3.0"
_gateway: {proxy_listen: 0.0.0.0:80}
services:
  - name: rest
    url: http://rest:3000
    routes:
      - name: rest
        hosts: [app.example.com]
        paths: [/rest/v1/]"#,
    good: r#"_format_version: "3.0"
_gateway: {proxy_listen: 0.0.0.0:80}
services:
  - name: rest
    url: http://rest:3000
    routes:
      - name: rest
        hosts: [app.example.com]
        paths: [/rest/v1/]
  - name: web
    url: http://web:3000
    routes:
      - name: web
        hosts: [app.example.com]
        paths: [/]"#,
    run,
};

/// Words in the first label of a host that is no place for people.
const MACHINES: &[&str] = &[
    "api", "auth", "cdn", "gateway", "graphql", "gw", "hook", "hooks", "idp", "kong", "mcp", "media", "oauth",
    "realtime", "rest", "s3", "static", "storage", "webhook", "webhooks", "ws",
];

fn run(subject: &Subject<'_>, report: &mut Report) {
    // A route for all hosts takes what is left.
    let open = |view: &View<'_>| view.route.fields.list("hosts").is_empty() && view.takes_all_paths();
    if !listeners::at_the_edge(subject.settings) || subject.routes().any(open) {
        return;
    }
    let mut hosts: BTreeMap<&str, (Vec<&View<'_>>, Option<&Checked>)> = BTreeMap::new();
    for view in subject.routes() {
        for host in view.route.fields.list("hosts") {
            let (views, place) = hosts.entry(host.as_str().unwrap_or_default()).or_default();
            views.push(view);
            place.get_or_insert(host);
        }
    }
    for (host, (views, place)) in hosts.into_iter().filter(|(host, _)| is_for_people(host)) {
        if let Some(place) = place.filter(|_| !views.iter().any(|view| view.takes_all_paths())) {
            report.push(warning(host, place, &views));
        }
    }
}

fn warning(host: &str, place: &Checked, views: &[&View<'_>]) -> Diagnostic {
    let warning = RULE.warn(place.span, format!("nothing answers `/` on the host `{host}`"));
    let first = views[0].route.fields.strs("paths").next().unwrap_or_default();
    let label = match views.len() {
        1 => format!("only `{first}` leads anywhere"),
        2 => format!("only `{first}` and the paths of another route lead anywhere"),
        n => format!("only `{first}` and the paths of {} other routes lead anywhere", n - 1),
    };
    let help = "a browser that opens it gets 404; add a route with `paths: [/]` for this host";
    warning.label(label).help(help)
}

/// A name that could be typed into a browser.
fn is_for_people(host: &str) -> bool {
    let (first, rest) = host.split_once('.').unwrap_or((host, ""));
    let last = rest.rsplit('.').next().unwrap_or_default();
    let public = !rest.is_empty() && !host.contains('*') && last.parse::<u8>().is_err();
    let local = matches!(last, "local" | "localhost" | "internal" | "lan" | "test" | "invalid");
    public && !local && !first.split(['-', '_']).any(|word| MACHINES.contains(&word))
}
