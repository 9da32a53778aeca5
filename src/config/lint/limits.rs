//! Rate limits that hit the wrong ones.

use super::subject::{Subject, View, named};
use super::{Rule, listeners};
use crate::config::model::Entity;
use crate::config::report::{Report, Span};
use crate::config::value::Checked;

pub(super) static BY_PROXY: Rule = Rule {
    code: "limit-by-proxy",
    summary: "a rate limit counts by address, and the addresses are probably a proxy's",
    explain: "The limit counts requests by the client's address: it says so, or it counts by consumer or credential where no \
        plugin finds out who asks. No listener is on port 80 or 443, so that clients \
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
        Raise `burst` to 100 or more (the rate may stay), or limit only the paths that need it. rate-limiting has no `burst`: \
        allow 300 requests a minute or more.",
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

pub(super) static NOT_SHARED: Rule = Rule {
    code: "counts-not-shared",
    summary: "a rate limit is to be counted in Redis, and each gateway counts for itself",
    explain: "With `policy: redis` Kong counts in Redis, for all gateways together. This gateway has no client for Redis: it \
        counts in its own memory, as with `policy: local`. Behind one gateway that is the same, but for a restart, which \
        forgets the counts. Behind several, each lets through what all were to let through together.\n\nWith one gateway \
        write `policy: local`, or leave `policy` out. With several, divide the limits by their number.",
    bad: r"plugins:
  - name: rate-limiting
    config: {minute: 100, policy: redis, redis_host: redis}
services: [{name: users, url: http://users:3000, routes: [{name: users, paths: [/users]}]}]",
    good: r"plugins:
  - name: rate-limiting
    config: {minute: 100, policy: local}
services: [{name: users, url: http://users:3000, routes: [{name: users, paths: [/users]}]}]",
    run: not_shared,
};

/// A limit that is too low.
struct Low {
    /// What it allows.
    words: String,
    /// Where it says so.
    place: Span,
    /// What to do about it.
    help: &'static str,
}

/// Plugins that count requests.
const LIMITS: &[&str] = &["limit-req", "rate-limiting"];
/// Plugins that Kong may count in Redis for.
const SHARED: &[&str] = &["rate-limiting", "response-ratelimiting"];
/// Plugins that find out who asks, or may.
const TELLING: &[&str] = &[
    "basic-auth",
    "hmac-auth",
    "jwt",
    "key-auth",
    "ldap-auth",
    "oauth2",
    "openid-connect",
    "post-function",
    "pre-function",
    "session",
];
/// Fields of rate-limiting, and below how many requests a page uses up what is left. In a second not all of it comes.
const PERIODS: &[(&str, f64)] = &[("second", 20.0), ("minute", LOW), ("hour", LOW), ("day", LOW)];
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
    let by_address = |(plugin, config): &(&Entity, &Checked)| counts_addresses(subject, plugin, config);
    let limits = LIMITS.iter().chain(&["response-ratelimiting"]).flat_map(|name| subject.plugins(name));
    let Some((plugin, _)) = limits.filter(by_address).min_by_key(|(plugin, _)| plugin.place.start()) else { return };
    let warning = BY_PROXY.warn(plugin.place, "this limit counts by address, and `trusted_ips` is empty");
    let warning = warning.label("if a proxy is in front, all clients count as one");
    report.push(warning.help(
        "set `trusted_ips` to the proxy's address; if there is none, `port_maps` says by which port clients come",
    ));
}

fn not_shared(subject: &Subject<'_>, report: &mut Report) {
    for (_, config) in SHARED.iter().flat_map(|name| subject.plugins(name)) {
        let Some(policy) = config.get("policy").filter(|policy| policy.as_str() == Some("redis")) else { continue };
        let warning = NOT_SHARED.warn(policy.span, "Redis is not asked: this gateway counts for itself");
        report.push(warning.help("write `policy: local`; with several gateways, divide the limits by their number"));
    }
}

/// A consumer or credential that nobody finds out is an address.
fn counts_addresses(subject: &Subject<'_>, plugin: &Entity, config: &Checked) -> bool {
    let runs = |view: &&View<'_>| view.plugins.iter().any(|other| std::ptr::eq(*other, plugin));
    match config.str("limit_by") {
        Some("ip") => true,
        Some("consumer" | "credential") => subject.routes().filter(runs).any(|view| !view.has(TELLING)),
        _ => false,
    }
}

fn too_low(subject: &Subject<'_>, report: &mut Report) {
    let mut seen = std::collections::HashSet::new();
    for view in subject.routes().filter(|view| view.takes_all_paths() && has_pages(view)) {
        for name in LIMITS {
            let Some((_, config)) = view.plugin(name) else { continue };
            let low = if *name == "limit-req" { low_rate(config) } else { low_count(config) };
            let Some(Low { words, place, help }) = low.filter(|low| seen.insert(low.place)) else { continue };
            let message = format!("{words} is less than what one page of {} asks for at once", view.name());
            let warning = TOO_LOW.warn(place, message).also(view.route.place, "pages, with all their files");
            report.push(warning.help(help));
        }
    }
}

/// What a leaky bucket lets through, if that is little.
fn low_rate(config: &Checked) -> Option<Low> {
    let rate = config.get("rate")?;
    let text = rate.as_str()?;
    let (count, factor) =
        text.strip_suffix("r/m").map(|n| (n, 1.0)).or_else(|| Some((text.strip_suffix("r/s")?, 60.0)))?;
    let (count, burst) =
        (count.parse::<f64>().ok()? * factor, config.get("burst").and_then(Checked::as_num).unwrap_or_default());
    let words = format!("{text} with a burst of {burst}");
    let help = "raise `burst` to 100 or more, or limit only the paths that need it";
    (count < LOW && burst < PAGE).then_some(Low { words, place: rate.span, help })
}

/// What a period of the calendar lets through, if that is little: the shortest one that does.
fn low_count(config: &Checked) -> Option<Low> {
    PERIODS.iter().find_map(|(period, low)| {
        let limit = config.get(period)?;
        let count = limit.as_num().filter(|count| count < low)?;
        let help = "allow 300 or more a minute, or limit only the paths that need it";
        Some(Low {
            words: format!("{count} requests in a {period}").replace("a hour", "an hour"),
            place: limit.span,
            help,
        })
    })
}

fn has_pages(view: &View<'_>) -> bool {
    let Some(service) = view.service else { return false };
    let texts = [service.fields.str("host"), service.key.as_deref()];
    let is_page = |word: &str| PAGES.iter().any(|page| word.eq_ignore_ascii_case(page));
    texts.into_iter().flatten().any(|text| text.split(['.', '-', '_']).any(is_page))
        && !named("service", service).contains("api")
}
