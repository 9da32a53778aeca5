//! Whom to ask: the servers of a snapshot, each once.

use crate::config::places::Places;
use crate::config::report::Span;
use crate::snapshot::{Host, Service, Snapshot, UpstreamTls};
use http::HeaderValue;
use std::sync::Arc;

/// A server.
#[derive(Clone, Debug)]
pub struct Server {
    /// `http://rest:3000`.
    pub url: String,
    /// Address or name.
    pub host: Host,
    /// Port.
    pub port: u16,
    /// The Host that it gets.
    pub authority: HeaderValue,
    /// How to speak TLS with it, if it is to be spoken.
    pub tls: Option<Arc<UpstreamTls>>,
    /// The services that send requests there, and where the file says so.
    pub services: Vec<(String, Span)>,
}

/// All servers that would get requests, in the order of the file.
#[must_use]
pub fn servers(snapshot: &Snapshot, places: &Places) -> Vec<Server> {
    let mut all: Vec<Server> = Vec::new();
    for (service, place) in snapshot.services.iter().zip(&places.services).filter(|(_, place)| place.enabled) {
        for server in of(snapshot, service, place.host, &places.targets) {
            match all.iter_mut().find(|known| known.is(&server)) {
                Some(known) => known.services.extend(server.services),
                None => all.push(server),
            }
        }
    }
    all
}

/// The server of a service, or those of its upstream. A target without weight gets no requests.
fn of(snapshot: &Snapshot, service: &Service, place: Span, targets: &[Vec<Span>]) -> Vec<Server> {
    let server = |host: &Host, port: u16, authority: &HeaderValue, place: Span| Server {
        url: url(service, host, port),
        host: host.clone(),
        port,
        authority: authority.clone(),
        tls: service.tls.clone(),
        services: vec![(service.identity.to_string(), place)],
    };
    let Host::Upstream(id) = service.host else {
        return vec![server(&service.host, service.port, &service.authority, place)];
    };
    let places = targets.get(id.index()).into_iter().flatten();
    let targets = snapshot.upstream(id).targets.iter().zip(places).filter(|(target, _)| target.weight > 0);
    let secure = usize::from(service.tls.is_some());
    targets.map(|(target, place)| server(&target.host, target.port, &target.authorities[secure], *place)).collect()
}

fn url(service: &Service, host: &Host, port: u16) -> String {
    let scheme = if service.tls.is_some() { "https" } else { "http" };
    match host {
        Host::Address(ip) => format!("{scheme}://{}", std::net::SocketAddr::new(*ip, port)),
        Host::Name(name) => format!("{scheme}://{name}:{port}"),
        Host::Upstream(_) => format!("{scheme}://"),
    }
}

// === impl Server ===

impl Server {
    /// Whether a question to one is a question to the other.
    fn is(&self, other: &Self) -> bool {
        self.url == other.url && self.authority == other.authority && self.tls == other.tls
    }
}
