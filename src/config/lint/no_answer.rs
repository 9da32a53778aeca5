//! Routes and upstreams that lead nowhere.

use super::Rule;
use super::subject::{Subject, View, named};
use crate::config::model::Entity;
use crate::config::report::{Diagnostic, Report};
use std::collections::HashMap;

pub(super) static ROUTE: Rule = Rule {
    code: "route-without-service",
    summary: "a route leads to no service, and no plugin answers",
    explain: "Requests for this route are answered with 503: it names no `service`, is not written inside of one, and \
        has no plugin that answers itself, such as `request-termination` or `redirect`.\n\nWrite the route inside of a \
        service, or give it `service: NAME`.",
    bad: r"routes:
  - name: users
    paths: [/users]",
    good: r"services:
  - name: users
    url: http://users:3000
    routes:
      - name: users
        paths: [/users]",
    run: routes,
};

pub(super) static UPSTREAM: Rule = Rule {
    code: "upstream-without-targets",
    summary: "an upstream has no target that could get a request",
    explain: "A service whose `host` is the name of an upstream goes to that upstream's targets, and not to a machine of \
        this name. This one has no target, or all of them have the weight 0, so that every request is answered with \
        503.\n\nAdd a target, or remove the upstream: the service then asks DNS for its `host`.",
    bad: r"services:
  - name: users
    url: http://users-cluster
upstreams:
  - name: users-cluster",
    good: r#"services:
  - name: users
    url: http://users-cluster
upstreams:
  - name: users-cluster
    targets: [{target: "users-1:3000"}, {target: "users-2:3000"}]"#,
    run: upstreams,
};

/// Plugins that may answer in place of a service.
const ANSWER: &[&str] = &[
    "ai-proxy",
    "aws-lambda",
    "azure-functions",
    "grpc-gateway",
    "post-function",
    "pre-function",
    "redirect",
    "request-termination",
];

fn routes(subject: &Subject<'_>, report: &mut Report) {
    let nowhere = |view: &&View<'_>| view.service.is_none() && !view.has(ANSWER);
    for view in subject.routes().filter(nowhere) {
        let message = format!("{} leads to no service", view.name());
        let warning = ROUTE.warn(view.route.place, message).label("answered with 503");
        report.push(warning.help("write it inside of a service, or give it `service: NAME`"));
    }
}

fn upstreams(subject: &Subject<'_>, report: &mut Report) {
    let model = subject.model;
    let mut weights: HashMap<usize, i64> = HashMap::new();
    for target in model.all("targets") {
        if let Some(at) = model.position("upstreams", target, "upstream") {
            *weights.entry(at).or_default() += target.fields.int("weight").unwrap_or_default();
        }
    }
    let users = model.all("services").iter().rev();
    let users: HashMap<_, _> = users.filter_map(|service| Some((service.fields.str("host")?, service))).collect();
    for (at, upstream) in model.all("upstreams").iter().enumerate() {
        let weight = weights.get(&at).copied();
        let user = upstream.key.as_deref().and_then(|name| users.get(name));
        if let Some(user) = user.filter(|_| weight.unwrap_or_default() == 0) {
            report.push(lame(upstream, user, weight.is_some()));
        }
    }
}

fn lame(upstream: &Entity, user: &Entity, has_targets: bool) -> Diagnostic {
    let lacks = if has_targets { "has only targets of weight 0" } else { "has no targets" };
    let warning = UPSTREAM.warn(upstream.place, format!("{} {lacks}", named("upstream", upstream)));
    let place = user.fields.get("host").map_or(user.place, |host| host.span);
    let warning = warning.also(place, format!("requests to {} are answered with 503", named("service", user)));
    let first = if has_targets { "give a target a weight" } else { "add a target" };
    warning.help(format!("{first}, or remove the upstream so that DNS is asked for this host"))
}
