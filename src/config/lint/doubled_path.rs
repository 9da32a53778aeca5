//! A prefix that upstreams get twice.

use super::Rule;
use super::subject::{Subject, View};
use crate::config::report::Report;
use crate::route::is_plain;

pub(super) static RULE: Rule = Rule {
    code: "doubled-path",
    summary: "the service's path and the route's path begin with the same, and both are sent",
    explain: "With `strip_path: false` the whole path of a request is put behind the path of the service's `url`. Where \
        both carry the same prefix, the upstream is asked for it twice: `/api/api/users`.\n\nSet `strip_path: true`, or \
        leave the path out of the service's `url`. With `strip_path: true` the same two paths are fine: the prefix is \
        taken off and put back.",
    bad: r"services:
  - name: users
    url: http://users:3000/api
    routes:
      - name: users
        paths: [/api/v1]
        strip_path: false",
    good: r"services:
  - name: users
    url: http://users:3000
    routes:
      - name: users
        paths: [/api/v1]
        strip_path: false",
    run,
};

fn run(subject: &Subject<'_>, report: &mut Report) {
    for view in subject.routes().filter(|view| !view.route.fields.bool("strip_path")) {
        let Some((service, path)) = view.service.and_then(|service| Some((service, service.fields.get("path")?)))
        else {
            continue;
        };
        let base = path.as_str().unwrap_or_default().trim_end_matches('/');
        let Some(doubled) = doubled(view, base) else { continue };
        let message = format!("{} sends the path upstream twice", view.name());
        let label = format!("stays, since `strip_path` is false: upstream it is `{base}{doubled}`");
        let warning = RULE.warn(doubled_place(view, doubled), message).label(label);
        let place = if path.span == service.fields.span { service.place } else { path.span };
        let warning = warning.also(place, format!("`{base}` is put in front"));
        report.push(warning.help("set `strip_path: true`, or leave the path out of the service's url"));
    }
}

/// The plain path of a route that begins with the service's, segment by segment.
fn doubled<'a>(view: &View<'a>, base: &str) -> Option<&'a str> {
    let begins = |path: &&str| path.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    view.route.fields.strs("paths").filter(|path| !base.is_empty() && is_plain(path)).find(begins)
}

fn doubled_place(view: &View<'_>, path: &str) -> crate::config::report::Span {
    let found = view.route.fields.list("paths").iter().find(|item| item.as_str() == Some(path));
    found.map_or(view.route.place, |item| item.span)
}
