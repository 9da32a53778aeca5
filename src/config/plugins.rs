//! Which plugin names mean what, and how a plugin's `config` is read.

use super::check::Checker;
use super::check::record::Around;
use super::nearest::nearest;
use super::report::{Diagnostic, Span, Step};
use super::tree::{NodeId, Raw};
use super::value::Checked;
use crate::entity::Compat;
use crate::plugin::{Build, Entry, Plugin, TABLE};
use crate::settings::Plugins;
use http::Extensions;
use std::sync::Arc;

/// What a plugin entity builds.
pub(super) struct Built {
    /// Its row in the table.
    pub entry: &'static Entry,
    /// Its `config`, checked, with defaults.
    pub config: Checked,
    /// Its behaviour.
    pub plugin: Arc<dyn Plugin>,
}

/// What a plugin's name means here.
#[derive(Clone, Copy, Debug)]
pub(super) enum Status {
    /// It runs.
    Here(&'static Entry),
    /// Kong has it and we have not.
    Unsupported,
    /// The setting `plugins` names it, and it is not Kong's.
    Foreign,
    /// There is none, only a later Kong has it, or the setting `plugins` leaves it out.
    Unknown,
}

/// Plugins that come with Kong 2.8 (`kong/plugins.md` §1, `kong/constants.lua`).
const BUNDLED: &[&str] = &[
    "acl",
    "acme",
    "aws-lambda",
    "azure-functions",
    "basic-auth",
    "bot-detection",
    "correlation-id",
    "cors",
    "datadog",
    "file-log",
    "grpc-gateway",
    "grpc-web",
    "hmac-auth",
    "http-log",
    "ip-restriction",
    "jwt",
    "key-auth",
    "ldap-auth",
    "loggly",
    "oauth2",
    "post-function",
    "pre-function",
    "prometheus",
    "proxy-cache",
    "rate-limiting",
    "request-size-limiting",
    "request-termination",
    "request-transformer",
    "response-ratelimiting",
    "response-transformer",
    "session",
    "statsd",
    "syslog",
    "tcp-log",
    "udp-log",
    "zipkin",
];

/// Those that Kong 3.9 has besides.
const BUNDLED_3: &[&str] = &[
    "ai-prompt-decorator",
    "ai-prompt-guard",
    "ai-prompt-template",
    "ai-proxy",
    "ai-request-transformer",
    "ai-response-transformer",
    "opentelemetry",
    "redirect",
    "standard-webhooks",
];

/// Those of Kong Enterprise, which its documentation and decK's files show beside the others.
const ENTERPRISE: &[&str] = &[
    "ace",
    "ai-a2a-proxy",
    "ai-aws-guardrails",
    "ai-azure-content-safety",
    "ai-gcp-model-armor",
    "ai-lakera-guard",
    "ai-llm-as-judge",
    "ai-mcp-oauth2",
    "ai-mcp-proxy",
    "ai-model-selector",
    "ai-prompt-compressor",
    "ai-proxy-advanced",
    "ai-rag-injector",
    "ai-rate-limiting-advanced",
    "ai-sanitizer",
    "ai-semantic-cache",
    "ai-semantic-prompt-guard",
    "ai-semantic-response-guard",
    "app-dynamics",
    "application-registration",
    "canary",
    "confluent",
    "confluent-consume",
    "datakit",
    "degraphql",
    "exit-transformer",
    "forward-proxy",
    "graphql-proxy-cache-advanced",
    "graphql-rate-limiting-advanced",
    "header-cert-auth",
    "injection-protection",
    "jq",
    "json-threat-protection",
    "jwe-decrypt",
    "jwt-signer",
    "kafka-consume",
    "kafka-log",
    "kafka-upstream",
    "key-auth-enc",
    "konnect-application-auth",
    "ldap-auth-advanced",
    "metering-and-billing",
    "mocking",
    "mtls-auth",
    "oas-validation",
    "oauth2-introspection",
    "opa",
    "openid-connect",
    "proxy-cache-advanced",
    "rate-limiting-advanced",
    "request-callout",
    "request-transformer-advanced",
    "request-validator",
    "response-transformer-advanced",
    "route-by-header",
    "route-transformer-advanced",
    "saml",
    "service-protection",
    "solace-upstream",
    "statsd-advanced",
    "tls-handshake-modifier",
    "tls-metadata-headers",
    "upstream-oauth",
    "upstream-timeout",
    "vault-auth",
    "websocket-size-limit",
    "websocket-validator",
    "xml-threat-protection",
];

/// What to say of them.
const ENTERPRISE_HELP: &str = "docs/plugins.md lists what this gateway has of Kong's free plugins";
/// What to say of one of Kong's that only a later format has, and that this gateway lacks in any.
const NOT_YET_HELP: &str =
    "this gateway does not support it in that format either; docs/plugins.md lists those that it has";
/// What to say of a plugin that nobody knows.
pub(super) const FOREIGN_HELP: &str =
    "only Kong's own can be run, and docs/plugins.md lists which; `pre-function` and `post-function` run Lua of yours";

/// Plugins whose texts are code.
const LUA: &[&str] = &["pre-function", "post-function"];

/// Whether a plugin comes with Kong.
fn is_kongs(name: &str, compat: Compat) -> bool {
    BUNDLED.contains(&name) || (compat == Compat::Kong3 && BUNDLED_3.contains(&name))
}

/// The names that a file may use: of Kong's plugins, and of the table's own.
fn names(compat: Compat, table: &'static [Entry]) -> impl Iterator<Item = &'static str> {
    let more = if compat == Compat::Kong3 { BUNDLED_3 } else { &[] };
    let own = table.iter().filter(|entry| entry.extension).map(|entry| entry.name);
    BUNDLED.iter().chain(more).copied().chain(own)
}

/// Whether only Kong Enterprise comes with it.
fn is_enterprise(name: &str) -> bool {
    ENTERPRISE.contains(&name)
}

/// Whether Kong comes with it only in a later version than the file is for.
fn is_later(name: &str, compat: Compat) -> bool {
    !is_kongs(name, compat) && is_kongs(name, Compat::Kong3)
}

/// What to say of a plugin that there is none of, or that is not enabled.
pub(super) fn not_enabled(name: &str, place: Span, compat: Compat, table: &'static [Entry]) -> Diagnostic {
    let error = |message| Diagnostic::error("no-such-plugin", place, message);
    let known = || names(compat, table);
    if is_later(name, compat) {
        let found = error(format!("plugin `{name}` needs `_format_version: \"3.0\"`"));
        let here = table.iter().any(|entry| entry.name == name);
        if here { found } else { found.help(NOT_YET_HELP) }
    } else if known().any(|known| known == name) {
        error(format!("plugin `{name}` is not enabled by the setting `plugins`"))
            .help("add it to `plugins`, or leave the setting out: all plugins are enabled then")
    } else if is_enterprise(name) {
        error(format!("`{name}` is a plugin of Kong Enterprise")).help(ENTERPRISE_HELP)
    } else {
        let found = error(format!("there is no plugin `{name}`"));
        match nearest(name, known()) {
            _ if name.contains(',') => found.help("each plugin is an entry of its own, with its own `- name:`"),
            Some(near) => found.label(format!("did you mean `{near}`?")),
            None => found.help(FOREIGN_HELP),
        }
    }
}

/// What a name means.
pub(super) fn status(name: &str, enabled: &Plugins, compat: Compat, table: &'static [Entry]) -> Status {
    let here = table.iter().find(|entry| entry.name == name);
    let kongs = is_kongs(name, compat);
    let named = |names: &[String]| names.iter().any(|other| other == name);
    let enabled = match enabled {
        Plugins::Bundled(more) => kongs || here.is_some() || named(more),
        Plugins::Only(names) => named(names),
    };
    match here {
        _ if !enabled || is_later(name, compat) => Status::Unknown,
        Some(entry) => Status::Here(entry),
        None if kongs => Status::Unsupported,
        None => Status::Foreign,
    }
}

/// Plugins that a document may use.
pub fn enabled(settings: &Plugins, compat: Compat) -> impl Iterator<Item = &'static Entry> {
    let here = move |entry: &&Entry| matches!(status(entry.name, settings, compat, TABLE), Status::Here(_));
    TABLE.iter().filter(here)
}

/// Builds a plugin by its `config`. `None`: reported. A disabled one is built as well, since Kong checks it, too.
/// `before` and `standing` are those of [`Build`].
pub(super) fn build(
    checker: &mut Checker<'_>,
    entry: &'static Entry,
    config: Option<NodeId>,
    before: &Extensions,
    standing: &dyn Fn() -> String,
) -> Option<Built> {
    checker.at(Step::Key("config".into()), |checker| {
        let config = self::config(checker, entry, config)?;
        let plugin = made(checker, entry, &config, before, standing)?;
        Some(Built { entry, config, plugin })
    })
}

fn made(
    checker: &mut Checker<'_>,
    entry: &Entry,
    config: &Checked,
    before: &Extensions,
    standing: &dyn Fn() -> String,
) -> Option<Arc<dyn Plugin>> {
    let mut build = Build {
        compat: checker.compat,
        report: checker.report,
        path: checker.path,
        files: checker.world.file,
        watch: &mut checker.read.live,
        shared: &mut checker.read.shared,
        before,
        standing,
    };
    (entry.build)(config, &mut build)
}

fn config(checker: &mut Checker<'_>, entry: &Entry, config: Option<NodeId>) -> Option<Checked> {
    let record = (entry.schema)();
    let config = config.filter(|id| checker.tree.node(*id).raw != Raw::Null);
    let Some(id) = config else {
        let whole = checker.owner.name.as_ref().map(|(_, place)| *place).unwrap_or_default();
        let fields = checker.absent_record(record, whole);
        return fields.bad.is_empty().then_some(fields.checked);
    };
    checker.verbatim = LUA.contains(&entry.name);
    let fields = checker.record(id, record, Around::NOTHING)?;
    fields.bad.is_empty().then_some(fields.checked)
}
