//! Does an upstream expect the path with a route's prefix, or without? Both are asked for by `HEAD`, which changes nothing
//! (RFC 9110 §9.2.1), and the statuses compared.

use super::Answer;
use super::ask::Question;
use super::plan::Server;
use crate::config::places::Places;
use crate::config::report::Span;
use crate::snapshot::{Route, Service, Snapshot};

/// Most prefixes that are asked about: a file of thousands of routes must not become a flood.
const MOST: usize = 256;

/// A route's prefix, and what its upstream could be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefix {
    /// Which server, of those that were planned.
    pub server: usize,
    /// The route's name, or its id.
    pub route: String,
    /// Where the prefix is written.
    pub place: Span,
    /// Whether the route cuts it off.
    pub stripped: bool,
    /// The path that the upstream gets.
    pub sent: String,
    /// The path that it would get with the other `strip_path`.
    pub other: String,
}

/// The prefixes whose servers answered, [`MOST`] of them at most.
#[must_use]
pub fn prefixes(snapshot: &Snapshot, places: &Places, servers: &[Server], answers: &[Answer]) -> Vec<Prefix> {
    let mut all = Vec::new();
    for (route, place) in snapshot.routes.iter().zip(&places.routes) {
        let Some(service) = route.service.map(|id| snapshot.service(id)) else { continue };
        let name = service.identity.to_string();
        let of = |server: &Server| server.services.iter().any(|(known, _)| *known == name);
        let Some(server) = servers.iter().position(of).filter(|at| answers[*at].http.is_some()) else { continue };
        let prefixes = place.prefixes.iter().filter(|(prefix, _)| !prefix.trim_matches('/').is_empty());
        all.extend(prefixes.map(|(prefix, place)| of_route(route, service, server, prefix, *place)));
    }
    all.truncate(MOST);
    all
}

fn of_route(route: &Route, service: &Service, server: usize, prefix: &str, place: Span) -> Prefix {
    let (cut, kept) = (service.path.clone(), format!("{}{prefix}", service.path.trim_end_matches('/')));
    let (sent, other) = if route.strip_path { (cut, kept) } else { (kept, cut) };
    Prefix { server, route: route.identity.to_string(), place, stripped: route.strip_path, sent, other }
}

// === impl Prefix ===

impl Prefix {
    /// What to ask its server.
    #[must_use]
    pub fn questions(&self) -> [Question; 2] {
        [&self.sent, &self.other].map(|path| Question { method: "HEAD", target: path.clone() })
    }

    /// The statuses, where they say that `strip_path` is the wrong way round: nothing is where the requests go, and
    /// something is where they would go otherwise.
    #[must_use]
    pub fn misled(sent: &Answer, other: &Answer) -> Option<(u16, u16)> {
        let status = |answer: &Answer| answer.http.as_ref().map(|http| http.status);
        let (sent, other) = (status(sent)?, status(other)?);
        let there = matches!(other, 200..=399 | 401 | 403 | 405);
        (sent == 404 && there).then_some((sent, other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::Http;
    use std::time::Duration;

    fn answer(status: u16) -> Answer {
        Answer { http: Some(Http { status, server: None }), ..Answer::new(Duration::ZERO) }
    }

    #[test]
    fn only_a_clear_difference_counts() {
        assert_eq!(Prefix::misled(&answer(404), &answer(200)), Some((404, 200)));
        assert_eq!(Prefix::misled(&answer(404), &answer(401)), Some((404, 401)));
        for (sent, other) in [(200, 200), (404, 404), (401, 200), (404, 500), (500, 200)] {
            assert_eq!(Prefix::misled(&answer(sent), &answer(other)), None);
        }
        assert_eq!(Prefix::misled(&answer(404), &Answer::new(Duration::ZERO)), None);
    }
}
