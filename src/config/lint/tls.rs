//! What needs TLS where no listener speaks it.

use super::subject::{Subject, View};
use super::{Rule, listeners};
use crate::config::report::Report;

pub(super) static RULE: Rule = Rule {
    code: "no-tls-listener",
    summary: "a route needs TLS, and no listener speaks it",
    explain: "The route has only the protocol `https` (or `grpcs`), and no entry of `proxy_listen` has the flag `ssl`: \
        every request is answered with 426 or a redirect, for ever. This is not told where `trusted_ips` is set, since \
        then something in front may say `X-Forwarded-Proto: https`.\n\nAdd a listener such as `0.0.0.0:443 ssl http2`, \
        set `trusted_ips` to what speaks TLS in front, or let the route take `http` as well.",
    bad: r"_gateway:
  proxy_listen: 127.0.0.1:8000
services:
  - name: users
    url: http://users:3000
    routes:
      - name: users
        paths: [/users]
        protocols: [https]",
    good: r#"_gateway:
  proxy_listen: ["127.0.0.1:8000", "127.0.0.1:8443 ssl"]
services:
  - name: users
    url: http://users:3000
    routes:
      - name: users
        paths: [/users]
        protocols: [https]"#,
    run,
};

fn run(subject: &Subject<'_>, report: &mut Report) {
    let settings = subject.settings;
    if listeners::unknown(settings) || listeners::speaks_tls(settings) || !settings.trusted_ips.is_empty() {
        return;
    }
    let secure = |view: &&View<'_>| {
        let mut protocols = view.route.fields.strs("protocols");
        protocols.all(|name| matches!(name, "https" | "grpcs"))
    };
    let mut views = subject.routes().filter(secure);
    let Some(first) = views.next() else { return };
    let more = match views.count() {
        0 => String::new(),
        1 => ", and so does 1 other".to_owned(),
        n => format!(", and so do {n} others"),
    };
    let message = format!("{} needs https{more}, but no listener speaks TLS", first.name());
    let warning = RULE.warn(first.route.place, message).label("every request is sent away");
    report.push(
        warning
            .help("add a listener such as `0.0.0.0:443 ssl http2`, or set `trusted_ips` to what speaks TLS in front"),
    );
}
