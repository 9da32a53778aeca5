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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::entity::{Identity, UpstreamId};
    use std::time::Duration;

    fn service() -> Service {
        Service {
            identity: Identity { id: uuid::Uuid::nil(), name: None },
            host: Host::Name("own.test".into()),
            port: 80,
            authority: authority("own.test", 80, false),
            path: "/".to_owned(),
            retries: 5,
            connect_timeout: Duration::from_secs(1),
            write_timeout: Duration::from_secs(1),
            read_timeout: Duration::from_secs(1),
            tls: None,
        }
    }

    #[test]
    fn without_a_detour_nothing_is_copied() {
        assert!(matches!(met(&service(), None), Cow::Borrowed(_)));
    }

    #[test]
    fn a_detour_changes_what_it_names() {
        let whom = Some(Whom::Target("Other.Test".into(), 443));
        let detour = Detour { host: whom, https: Some(true), retries: Some(0), ..Detour::default() };
        let met = met(&service(), Some(&detour)).into_owned();
        assert_eq!((met.host, met.port, met.retries), (Host::Name("other.test".into()), 443, 0));
        assert_eq!((met.authority.as_bytes(), met.tls.is_some()), (&b"Other.Test"[..], true));
        assert_eq!(met.read_timeout, Duration::from_secs(1));
    }

    #[test]
    fn addresses_and_upstreams_are_told_apart() {
        let host = |whom| met(&service(), Some(&Detour { host: Some(whom), ..Detour::default() })).host.clone();
        assert_eq!(host(Whom::Target("::1".into(), 1)), Host::Address("::1".parse().unwrap()));
        assert_eq!(host(Whom::Upstream(UpstreamId(2))), Host::Upstream(UpstreamId(2)));
    }
}
