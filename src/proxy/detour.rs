//! Where a function plugin sends a request: its service, changed. Pure.

use crate::plugin::{Detour, Whom};
use crate::snapshot::{Host, Service, UpstreamTls, authority};
use std::borrow::Cow;
use std::sync::Arc;

/// The service as a request meets it.
#[must_use]
pub fn met<'a>(service: &'a Service, detour: Option<&Detour>) -> Cow<'a, Service> {
    detour.map_or(Cow::Borrowed(service), |detour| Cow::Owned(changed(service.clone(), detour)))
}

fn changed(mut service: Service, detour: &Detour) -> Service {
    if let Some(https) = detour.https {
        service.tls = https.then(|| service.tls.take().unwrap_or_else(|| Arc::new(UpstreamTls::default())));
    }
    match &detour.host {
        Some(Whom::Target(host, port)) => {
            service.authority = authority(host, *port, service.tls.is_some());
            service.host = host.parse().map_or_else(|_| Host::Name(host.to_ascii_lowercase().into()), Host::Address);
            service.port = *port;
        }
        Some(Whom::Upstream(id)) => service.host = Host::Upstream(*id),
        None => {}
    }
    if let Some(timeouts) = detour.timeouts {
        [service.connect_timeout, service.write_timeout, service.read_timeout] = timeouts;
    }
    service.retries = detour.retries.unwrap_or(service.retries);
    service
}
