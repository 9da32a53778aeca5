//! Routes and paths that no request reaches.

use super::Rule;
use super::subject::{Subject, View, named};
use crate::config::report::{Diagnostic, Report, Span};
use crate::route::Shadow;
use std::collections::BTreeMap;

pub(super) static ROUTE: Rule = Rule {
    code: "unreachable-route",
    summary: "no request can reach a route",
    explain: "Everything that this route accepts is taken by other routes, which are tried first: they have the same \
        paths (or an expression that takes them), and ask for the same hosts, methods, headers and server names, or for \
        fewer. `protocols` and plugins make no difference: they are looked at when the route is chosen.\n\nOf two routes \
        that ask for the same, the older one (`created_at`) goes first, then the one that stands first in the file; Kong \
        leaves this open. In files for Kong 2, expressions go before all plain paths.\n\nRemove the route, or let it ask \
        for something that the other one does not, such as another host or a longer path.",
    bad: r"services:
  - name: users
    url: http://users:3000
    routes:
      - name: users
        paths: [/users, /people]
      - name: people
        paths: [/people]",
    good: r"services:
  - name: users
    url: http://users:3000
    routes:
      - name: users
        paths: [/users]
      - name: people
        paths: [/people]",
    run: routes,
};

pub(super) static PATH: Rule = Rule {
    code: "unreachable-path",
    summary: "a path of a route is never used",
    explain: "The route has other paths by which it is reached, but requests for this one are taken by another route, \
        which is tried first and asks for no more; or the route names the same path twice. See `unreachable-route` for \
        who goes first.\n\nRemove the path, or let the route ask for something that the other one does not.",
    bad: r"services:
  - name: users
    url: http://users:3000
    routes:
      - name: users
        paths: [/users, /people]
      - name: teams
        paths: [/people, /teams]",
    good: r"services:
  - name: users
    url: http://users:3000
    routes:
      - name: users
        paths: [/users, /people]
      - name: teams
        paths: [/teams]",
    run: paths,
};

/// What is in the shadow, by route, and whether that is all of the route.
fn all(subject: &Subject<'_>) -> Vec<(Vec<Shadow>, bool)> {
    let mut by_route: BTreeMap<usize, Vec<Shadow>> = BTreeMap::new();
    for shadow in &subject.shadows {
        by_route.entry(shadow.route).or_default().push(*shadow);
    }
    let whole = |(route, found): (usize, Vec<Shadow>)| {
        let whole = found.len() >= subject.routes[route].route.fields.list("paths").len().max(1);
        (found, whole)
    };
    by_route.into_iter().map(whole).collect()
}

fn routes(subject: &Subject<'_>, report: &mut Report) {
    for (found, _) in all(subject).iter().filter(|(_, whole)| *whole) {
        report.push(unreachable(subject, found));
    }
}

fn unreachable(subject: &Subject<'_>, found: &[Shadow]) -> Diagnostic {
    let own = found[0].route;
    let view = &subject.routes[own];
    let mut takers: Vec<usize> = found.iter().map(|shadow| shadow.by).filter(|by| *by != own).collect();
    takers.sort_unstable();
    takers.dedup();
    let warning = ROUTE.warn(view.route.place, format!("no request reaches {}", view.name()));
    let label = if takers.len() > 1 {
        "this route takes some of its requests first, and others the rest"
    } else {
        "this route takes all of its requests first"
    };
    let warning =
        takers.first().iter().fold(warning, |warning, by| warning.also(subject.routes[**by].route.place, label));
    warning
        .help("remove it, or let it ask for something that the other does not: another host, a longer path, a method")
}

fn paths(subject: &Subject<'_>, report: &mut Report) {
    for (found, _) in all(subject).iter().filter(|(_, whole)| !*whole) {
        for shadow in found {
            report.push(unused(subject, *shadow));
        }
    }
}

fn unused(subject: &Subject<'_>, shadow: Shadow) -> Diagnostic {
    let (view, taker) = (&subject.routes[shadow.route], &subject.routes[shadow.by]);
    let text = view.route.fields.strs("paths").nth(shadow.path).unwrap_or_default();
    if shadow.route == shadow.by {
        let message = format!("{} has the path `{text}` twice", view.name());
        return PATH.warn(place(view, shadow.path), message).also(place(view, shadow.by_path), "the same path");
    }
    let message = format!("the path `{text}` of {} is never used", view.name());
    let warning = PATH.warn(place(view, shadow.path), message);
    let label = format!("requests for it go to {}, which is tried first", named("route", taker.route));
    let warning = warning.also(place(taker, shadow.by_path), label);
    warning.help("remove it here, or let the route ask for something that the other does not")
}

fn place(view: &View<'_>, path: usize) -> Span {
    view.route.fields.list("paths").get(path).map_or(view.route.place, |path| path.span)
}
