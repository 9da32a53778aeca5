//! Certificates that are to be ordered and will not be, or not as it is written.

use super::subject::Subject;
use super::{Rule, listeners};
use crate::acme::Domains;
use crate::config::report::Report;
use crate::config::value::Checked;
use crate::plugin::acme::external_key;

pub(super) static TERMS: Rule = Rule {
    code: "acme-terms",
    summary: "no certificate is ordered, since Let's Encrypt's terms are not accepted",
    explain: "Let's Encrypt serves nobody who does not accept its terms of service, and `tos_accepted` is not set. Kong accepts \
        them by itself; this gateway does not, and orders nothing.\n\nRead https://letsencrypt.org/repository/, and write \
        `tos_accepted: true`.",
    bad: r"plugins:
  - name: acme
    config: {account_email: me@example.com, domains: [api.example.com]}",
    good: r"plugins:
  - name: acme
    config: {account_email: me@example.com, domains: [api.example.com], tos_accepted: true}",
    run: terms,
};

pub(super) static ACCOUNT: Rule = Rule {
    code: "acme-account",
    summary: "an authority will not know the account",
    explain: "Some authorities (ZeroSSL, Google) issue certificates only to an account that was made on their web site. It is \
        named by `eab_kid`, and `eab_hmac_key` proves it: both are needed, and the key is written in base64url, as the \
        authority shows it. Kong fetches them from ZeroSSL by itself; this gateway does not.\n\nWrite both, or neither.",
    bad: r"plugins:
  - name: acme
    config: {account_email: me@example.com, domains: [api.example.com], api_uri: https://acme.zerossl.com/v2/DV90}",
    good: r"plugins:
  - name: acme
    config:
      account_email: me@example.com
      domains: [api.example.com]
      api_uri: https://acme.zerossl.com/v2/DV90
      eab_kid: V6iRR0p3SXcQ
      eab_hmac_key: zWNDZM6eQGHWpSRTPal5",
    run: account,
};

pub(super) static LISTENERS: Rule = Rule {
    code: "acme-listeners",
    summary: "certificates are ordered, and no listener for it is there",
    explain: "An authority asks for the domain's port 80 over plain HTTP before it issues a certificate (HTTP-01), so that some \
        listener has to be reached by that port and speak HTTP without TLS. And the certificates are shown by listeners with \
        `ssl`, so that one of those has to be there as well.\n\nAdd what is missing to `proxy_listen`. If something in \
        front ends TLS, the plugin is not needed.",
    bad: r"_gateway:
  proxy_listen: 0.0.0.0:80
plugins:
  - name: acme
    config: {account_email: me@example.com, domains: [api.example.com], tos_accepted: true}",
    good: r"_gateway:
  proxy_listen: 0.0.0.0:80, 0.0.0.0:443 ssl http2
plugins:
  - name: acme
    config: {account_email: me@example.com, domains: [api.example.com], tos_accepted: true}",
    run: doors,
};

pub(super) static STORAGE: Rule = Rule {
    code: "acme-storage",
    summary: "certificates are kept in a folder, not where the file says",
    explain: "Kong can keep certificates in Redis, Consul or Vault, so that several Kongs share them. This gateway keeps them in \
        a folder (setting `acme_storage`), and asks no other storage. One gateway needs nothing else. Several order each its \
        own, and an authority's question may reach one that does not know the answer.\n\nRemove `storage` and \
        `storage_config`, and see to it that the folder outlives the gateway (in a container: a volume).",
    bad: r"plugins:
  - name: acme
    config:
      account_email: me@example.com
      domains: [api.example.com]
      tos_accepted: true
      storage: redis
      storage_config: {redis: {host: redis, port: 6379}}",
    good: r"plugins:
  - name: acme
    config: {account_email: me@example.com, domains: [api.example.com], tos_accepted: true}",
    run: storage,
};

pub(super) static IDLE: Rule = Rule {
    code: "acme-idle",
    summary: "a setting of the plugin acme has no effect",
    explain: "Certificates are for names that TLS clients ask for: an address, a name with a port or with a `*` at its end is \
        never asked for, and without any domain nothing is ordered. The chain is the one that the authority prefers, whatever \
        `preferred_chain` says, and the key of the account is one that the gateway makes, whatever `account_key` says.\n\n\
        Write plain names, or `*.` and a name: then each name below it gets a certificate of its own when a client asks \
        for it.",
    bad: r#"plugins:
  - name: acme
    config: {account_email: me@example.com, tos_accepted: true, domains: [api.example.com, "10.1.2.3"]}"#,
    good: r"plugins:
  - name: acme
    config: {account_email: me@example.com, tos_accepted: true, domains: [api.example.com]}",
    run: idle,
};

/// Storages that Kong asks, and this gateway does not. `shm` is memory, and the default.
const ELSEWHERE: &[&str] = &["redis", "consul", "vault"];
/// Fields that change nothing.
const WITHOUT_EFFECT: &[(&str, &str)] = &[
    ("preferred_chain", "the authority's own choice of a chain is shown"),
    ("account_key", "the gateway makes a key for its account, and keeps it"),
];

fn terms(subject: &Subject<'_>, report: &mut Report) {
    for (plugin, config) in subject.plugins("acme") {
        let url = config.str("api_uri").unwrap_or_default();
        if !config.bool("tos_accepted") && url.contains("api.letsencrypt.org") {
            let warning = TERMS.warn(plugin.place, "nothing is ordered: Let's Encrypt's terms are not accepted");
            report.push(warning.help("read https://letsencrypt.org/repository/, and write `tos_accepted: true`"));
        }
    }
}

fn account(subject: &Subject<'_>, report: &mut Report) {
    for (plugin, config) in subject.plugins("acme") {
        let (id, key) = (config.get("eab_kid"), config.get("eab_hmac_key"));
        let zerossl = config.str("api_uri").is_some_and(|url| url.contains("zerossl.com"));
        let (place, message) = match (id, key) {
            (None, None) if zerossl => {
                (plugin.place, "ZeroSSL wants `eab_kid` and `eab_hmac_key`, which are on its web site")
            }
            (Some(id), None) => (id.span, "`eab_kid` without `eab_hmac_key` names an account and does not prove it"),
            (None, Some(key)) => (key.span, "`eab_hmac_key` without `eab_kid` is no account's"),
            (Some(_), Some(key)) if key.as_str().and_then(external_key).is_none() => {
                (key.span, "`eab_hmac_key` is not base64url: the authority will not know the account")
            }
            _ => continue,
        };
        report.push(ACCOUNT.warn(place, message).help("write both as the authority shows them"));
    }
}

fn doors(subject: &Subject<'_>, report: &mut Report) {
    let settings = subject.settings;
    let Some((plugin, _)) = subject.plugins("acme").next().filter(|_| !listeners::unknown(settings)) else { return };
    let plain = settings.proxy_listen.iter().any(|listen| !listen.ssl);
    let message = match (listeners::speaks_tls(settings), plain) {
        (true, true) => return,
        (false, _) => "no listener speaks TLS: nobody will see the certificates",
        (true, false) => "every listener wants TLS: an authority asks over plain HTTP on port 80, and gets no answer",
    };
    let help = "write both to `proxy_listen`: `0.0.0.0:80, 0.0.0.0:443 ssl http2`";
    report.push(LISTENERS.warn(plugin.place, message).help(help));
}

fn storage(subject: &Subject<'_>, report: &mut Report) {
    for (_, config) in subject.plugins("acme") {
        let named = |field: &&Checked| field.as_str().is_some_and(|named| ELSEWHERE.contains(&named));
        let Some(field) = config.get("storage").filter(named) else { continue };
        let storage = field.as_str().unwrap_or_default();
        let folder = subject.settings.prefix.join(&subject.settings.acme_storage);
        let message = format!("`{storage}` is not asked: certificates are kept in {}", folder.display());
        let help = "the setting `acme_storage` names another folder; several gateways do not share certificates";
        report.push(STORAGE.warn(field.span, message).help(help));
    }
}

/// A record that nobody wrote is there, and empty.
fn is_written(field: &Checked) -> bool {
    field.as_str().is_some() || field.get("key_id").is_some()
}

fn idle(subject: &Subject<'_>, report: &mut Report) {
    for (plugin, config) in subject.plugins("acme") {
        for (field, instead) in WITHOUT_EFFECT {
            if let Some(found) = config.get(field).filter(|found| is_written(found)) {
                report.push(IDLE.warn(found.span, format!("`{field}` has no effect: {instead}")));
            }
        }
        if config.bool("allow_any_domain") {
            continue;
        }
        for domain in config.list("domains") {
            let Some(text) = domain.as_str().filter(|text| !Domains::is_usable(text)) else { continue };
            let message = format!("no TLS client can ask for `{text}`: no certificate is ordered for it");
            report.push(IDLE.warn(domain.span, message).help("write a name, or `*.` and a name"));
        }
        if config.list("domains").is_empty() {
            let warning = IDLE.warn(plugin.place, "no certificate is ordered: there are no `domains`");
            report.push(warning.help("write `domains: [NAME]`"));
        }
    }
}
