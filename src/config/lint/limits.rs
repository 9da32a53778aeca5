//! Rate limits that hit the wrong ones.

use super::subject::{Subject, View, named};
use super::{Rule, listeners};
use crate::config::model::Entity;
use crate::config::report::{Report, Span};
use crate::config::value::Checked;

pub(super) static BY_PROXY: Rule = Rule {
    code: "limit-by-proxy",
    summary: "a rate limit counts by address, and the addresses are probably a proxy's",
    explain: "The limit counts requests by the client's address. No listener is on port 80 or 443, so that clients \
        probably come through something else (nginx, a load balancer), and `trusted_ips` is empty, so that all of them \
        have its address: together they get what was meant for each.\n\nSet `trusted_ips` to the address of what is in \
        front (and `real_ip_header`, if it is not X-Real-IP). If clients come directly, by a port that is mapped, say so \
        with `port_maps`.",
    bad: r#"_gateway:
  proxy_listen: 127.0.0.1:8000
plugins:
  - name: limit-req
    config: {rate: 100r/m, burst: 100}
services: [{name: users, url: "http://users:3000", routes: [{name: users, paths: [/users]}]}]"#,
    good: r#"_gateway:
  proxy_listen: 127.0.0.1:8000
  trusted_ips: [127.0.0.1]   # where nginx runs
plugins:
  - name: limit-req
    config: {rate: 100r/m, burst: 100}
services: [{name: users, url: "http://users:3000", routes: [{name: users, paths: [/users]}]}]"#,
    run: by_proxy,
};

pub(super) static TOO_LOW: Rule = Rule {
    code: "limit-too-low",
    summary: "a rate limit is so low that a page's own files hit it",
    explain: "A web page asks for 20 to 50 files at once. A limit below 60 requests a minute with little `burst` answers \
        some of them with 429, and the page stays empty or without style; it happens at random, and more often to people \
        with slow connections. This is told of routes for all paths that lead to something that looks like pages.\n\n\
        Raise `burst` to 100 or more (the rate may stay), or limit only the paths that need it.",
    bad: r"services:
  - name: web-ui
    url: http://web-ui:3000
    routes: [{name: web-ui, paths: [/]}]
    plugins:
      - name: limit-req
        config: {rate: 30r/m, burst: 10}",
    good: r"services:
  - name: web-ui
    url: http://web-ui:3000
    routes: [{name: web-ui, paths: [/]}]
    plugins:
      - name: limit-req
        config: {rate: 30r/m, burst: 200}",
    run: too_low,
};

/// Files that a page asks for at once.
const PAGE: f64 = 50.0;
/// Below so many requests a minute, a page uses up what is left.
const LOW: f64 = 60.0;
/// Words in the name or host of a service with pages.
const PAGES: &[&str] =
    &["dashboard", "front", "frontend", "portal", "site", "spa", "studio", "ui", "web", "webapp", "website", "www"];

fn by_proxy(subject: &Subject<'_>, report: &mut Report) {
    let settings = subject.settings;
    let direct = listeners::on(settings, 80) || listeners::on(settings, 443);
    let told = settings.proxy_listen.iter().any(|listen| listen.proxy_protocol);
    if listeners::unknown(settings) || direct || told || !settings.trusted_ips.is_empty() {
        return;
    }
    let by_ip = |(_, config): &(&Entity, &Checked)| config.str("limit_by") == Some("ip");
    let limits = ["limit-req", "rate-limiting"].into_iter().flat_map(|name| subject.plugins(name));
    let Some((plugin, _)) = limits.filter(by_ip).min_by_key(|(plugin, _)| plugin.place.start) else { return };
    let warning = BY_PROXY.warn(plugin.place, "this limit counts by address, and `trusted_ips` is empty");
    let warning = warning.label("if a proxy is in front, all clients count as one");
    report.push(warning.help(
        "set `trusted_ips` to the proxy's address; if there is none, `port_maps` says by which port clients come",
    ));
}

fn too_low(subject: &Subject<'_>, report: &mut Report) {
    let mut seen = std::collections::HashSet::new();
    for view in subject.routes.iter().filter(|view| view.takes_all_paths() && has_pages(view)) {
        for name in ["limit-req", "rate-limiting"] {
            let Some((plugin, config)) = view.plugin(name) else { continue };
            let Some((words, place)) = low(plugin, config).filter(|(_, place)| seen.insert(*place)) else { continue };
            let message = format!("{words} is less than what one page of {} asks for at once", view.name());
            let warning = TOO_LOW.warn(place, message).also(view.route.place, "pages, with all their files");
            report.push(warning.help("raise `burst` to 100 or more, or limit only the paths that need it"));
        }
    }
}

/// What a limit allows, if that is little, and where it says so.
fn low(plugin: &Entity, config: &Checked) -> Option<(String, Span)> {
    if plugin.fields.str("name") == Some("rate-limiting") {
        let minute = config.get("minute")?;
        let count = minute.as_num().filter(|count| *count < LOW)?;
        return Some((format!("{count} requests a minute"), minute.span));
    }
    let rate = config.get("rate")?;
    let text = rate.as_str()?;
    let (count, factor) =
        text.strip_suffix("r/m").map(|n| (n, 1.0)).or_else(|| Some((text.strip_suffix("r/s")?, 60.0)))?;
    let (count, burst) =
        (count.parse::<f64>().ok()? * factor, config.get("burst").and_then(Checked::as_num).unwrap_or_default());
    (count < LOW && burst < PAGE).then(|| (format!("{text} with a burst of {burst}"), rate.span))
}

fn has_pages(view: &View<'_>) -> bool {
    let Some(service) = view.service else { return false };
    let texts = [service.fields.str("host"), service.key.as_deref()];
    let is_page = |word: &str| PAGES.iter().any(|page| word.eq_ignore_ascii_case(page));
    texts.into_iter().flatten().any(|text| text.split(['.', '-', '_']).any(is_page))
        && !named("service", service).contains("api")
}
