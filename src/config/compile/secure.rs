//! Certificates of listeners, and how services speak TLS.

use crate::config::model::{Entity, Model};
use crate::config::pem;
use crate::config::report::{Diagnostic, Report};
use crate::config::value::Checked;
use crate::snapshot::{Certificates, ClientAuth, Host, KeyPair, PairFiles, UpstreamTls};
use crate::sni::Names;
use foldhash::{HashMap, HashMapExt};
use std::sync::Arc;

/// TLS settings of services, each distinct one once, so that connections can be shared.
pub(super) struct Secure<'a> {
    authorities: HashMap<String, &'a Entity>,
    known: HashMap<UpstreamTls, Arc<UpstreamTls>>,
}

// === impl Secure ===

impl<'a> Secure<'a> {
    /// For the services of a model.
    pub(super) fn of(model: &'a Model) -> Self {
        let all = model.all("ca_certificates").iter().map(|entity| (entity.id.to_string(), entity));
        Self { authorities: all.collect(), known: HashMap::new() }
    }

    /// How a service speaks TLS. Its own client certificate goes before its upstream's (`kong/proxying.md` §2).
    pub(super) fn upstream(
        &mut self,
        model: &Model,
        service: &Entity,
        host: &Host,
        report: &mut Report,
    ) -> Arc<UpstreamTls> {
        let fields = &service.fields;
        let own = model.position("certificates", service, "client_certificate");
        let upstreams = || match host {
            Host::Upstream(id) => model.all("upstreams").get(id.index()),
            Host::Address(_) | Host::Name(_) => None,
        };
        let other = || model.position("certificates", upstreams()?, "client_certificate");
        let client = own.or_else(other).and_then(|at| pair(model, &model.all("certificates")[at], "cert", "key"));
        let tls = UpstreamTls {
            verify: fields.bool("tls_verify"),
            depth: fields.int("tls_verify_depth").and_then(|depth| u8::try_from(depth).ok()),
            authorities: self.authorities(fields, report),
            client: client.map(|pair| (pair.chain, pair.key)),
        };
        self.shared(tls)
    }

    /// How an upstream's checks speak TLS: with its certificate, and the authorities of the settings.
    pub(super) fn checks(&mut self, model: &Model, upstream: &Entity, verify: bool) -> Arc<UpstreamTls> {
        let own = model.position("certificates", upstream, "client_certificate");
        let client = own.and_then(|at| pair(model, &model.all("certificates")[at], "cert", "key"));
        let tls = UpstreamTls { verify, client: client.map(|pair| (pair.chain, pair.key)), ..UpstreamTls::default() };
        self.shared(tls)
    }

    fn shared(&mut self, tls: UpstreamTls) -> Arc<UpstreamTls> {
        Arc::clone(self.known.entry(tls.clone()).or_insert_with(|| Arc::new(tls)))
    }

    fn authorities(&self, service: &Checked, report: &mut Report) -> Vec<Vec<u8>> {
        let mut found = Vec::new();
        for id in service.list("ca_certificates") {
            let text = id.as_str().unwrap_or_default();
            let Some(entity) = self.authorities.get(&text.to_ascii_lowercase()) else {
                let message = format!("`ca_certificates` refers to `{text}`, which does not exist");
                report.push(Diagnostic::error("no-such-certificate", id.span, message));
                continue;
            };
            found.extend(entity.fields.str("cert").and_then(|pem| pem::certificates(pem).ok()).unwrap_or_default());
        }
        found
    }
}

/// The certificates of listeners, by name.
pub(super) fn certificates(model: &Model) -> Certificates {
    let pairs = model.all("certificates").iter().map(|entity| {
        let two = [("cert", "key"), ("cert_alt", "key_alt")];
        two.into_iter().filter_map(|(cert, key)| pair(model, entity, cert, key)).collect()
    });
    let names = model.all("snis").iter().filter_map(|sni| {
        let name = sni.fields.str("name")?.to_ascii_lowercase();
        Some((name.into(), model.position("certificates", sni, "certificate")?))
    });
    Certificates { pairs: pairs.collect(), names: names.collect(), clients: clients(model) }
}

fn pair(model: &Model, entity: &Entity, cert: &str, key: &str) -> Option<KeyPair> {
    let chain = pem::certificates(entity.fields.str(cert)?).ok()?;
    let file = |field: &str| model.read.texts.get(&entity.fields.get(field)?.span).cloned();
    let files = PairFiles { cert: file(cert), key: file(key) };
    Some(KeyPair { chain, key: pem::key(entity.fields.str(key)?).ok()?, files })
}

/// Which clients a server name lets in (an extension).
fn clients(model: &Model) -> Names<Arc<ClientAuth>> {
    let mut names = Names::default();
    for sni in model.all("snis") {
        let (Some(name), Some(ca)) = (sni.fields.str("name"), sni.fields.str("client_ca")) else { continue };
        let authorities = pem::certificates(ca).unwrap_or_default();
        let required = sni.fields.str("client_verify") != Some("optional");
        names.insert(name, Arc::new(ClientAuth { authorities, required }));
    }
    names
}
