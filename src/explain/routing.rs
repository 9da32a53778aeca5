//! Which route takes a request, and why the others do not. Pure.

use super::Served;
use crate::proxy::client::Connection;
use crate::proxy::decide::{query, target};
use crate::route::normalize::normalize;
use crate::route::trace::{Criterion, Miss, Standing, Standings, Trace};
use http::request::Parts;

/// How a request was routed.
#[derive(Clone, Debug)]
pub struct Routing {
    /// The route that takes it.
    pub winner: Option<Winner>,
    /// The other routes, the nearest first.
    pub losers: Vec<Loser>,
}

/// The route that takes a request.
#[derive(Clone, Debug)]
pub struct Winner {
    /// Its name.
    pub name: String,
    /// Its line.
    pub line: usize,
    /// What it asks for, as kind and the texts in the file.
    pub asks: Vec<(&'static str, Vec<String>)>,
    /// Its path that matched, as written.
    pub path: Option<String>,
}

/// A route that does not take it.
#[derive(Clone, Debug)]
pub struct Loser {
    /// Its name.
    pub name: String,
    /// Its line.
    pub line: usize,
    /// The path of it that came nearest, as written.
    pub path: Option<String>,
    /// What of the request it does not accept, and what it wants instead.
    pub misses: Vec<(Miss, String)>,
    /// What decided against it, if it accepts the request.
    pub lost: Option<Criterion>,
}

/// Looks at all routes. `None`: the target is none.
pub(super) fn routing(served: Served<'_>, parts: &Parts, connection: &Connection) -> Option<Routing> {
    let target = target(&parts.uri).ok()?;
    let path = normalize(target.path).ok()?;
    let trace = served.snapshot.router.trace(&query(parts, &path, connection));
    let standings = Standings::of(&served.outline.specs, served.snapshot.compat);
    let winner = trace.winner.map(|rank| standings.standing(rank));
    let mut others = nearest_of_each(&standings, &trace, &path);
    others.retain(|standing| Some(standing.route()) != winner.map(|winner| winner.route()));
    let losers = others.iter().map(|standing| loser(served, &standings, &trace, *standing));
    Some(Routing { winner: winner.map(|standing| winner_of(served, standing)), losers: losers.collect() })
}

/// One standing of each route, the nearest first: what accepts the request, then what misses least, then what shares
/// most of the path.
fn nearest_of_each<'a>(standings: &Standings<'a>, trace: &Trace, path: &[u8]) -> Vec<Standing<'a>> {
    let distance = |standing: &Standing<'_>| {
        let misses = &trace.misses[standing.rank];
        (misses.len(), misses.contains(&Miss::Path), usize::MAX - shared(standing, path))
    };
    let mut all = standings.in_order();
    all.sort_by_key(distance);
    let mut seen = std::collections::HashSet::new();
    all.retain(|standing| seen.insert(standing.route()));
    all
}

/// How many bytes of a plain path stand at the request's start, too.
fn shared(standing: &Standing<'_>, path: &[u8]) -> usize {
    let own = standing.path.filter(|_| !standing.is_regex).unwrap_or_default();
    own.bytes().zip(path).take_while(|(own, asked)| own == *asked).count()
}

fn loser(served: Served<'_>, standings: &Standings<'_>, trace: &Trace, standing: Standing<'_>) -> Loser {
    let outline = &served.outline.routes[standing.route().index()];
    let misses = &trace.misses[standing.rank];
    let lost = match trace.winner {
        _ if !misses.is_empty() => None,
        _ if !trace.tried[standing.rank] => Some(Criterion::NotTried),
        Some(winner) => Some(standings.criterion(winner, standing.rank)),
        None => None,
    };
    Loser {
        name: outline.name.clone(),
        line: outline.line,
        path: standing.path.map(str::to_owned),
        misses: misses.iter().map(|miss| (miss.clone(), wanted(&standing, miss))).collect(),
        lost,
    }
}

/// What a route wants where it misses something.
fn wanted(standing: &Standing<'_>, miss: &Miss) -> String {
    let spec = standing.spec;
    match miss {
        Miss::Host => spec.hosts.join(", "),
        Miss::Path if spec.paths.len() > 1 => spec.paths.join(", "),
        Miss::Path => standing.path.unwrap_or_default().to_owned(),
        Miss::Method => spec.methods.join(", "),
        Miss::Sni => spec.snis.join(", "),
        Miss::Header(name) => {
            let values = spec.headers.iter().find(|(other, _)| other == name).map(|(_, values)| values.join(", "));
            values.unwrap_or_default()
        }
    }
}

fn winner_of(served: Served<'_>, standing: Standing<'_>) -> Winner {
    let outline = &served.outline.routes[standing.route().index()];
    let spec = standing.spec;
    let headers = spec.headers.iter().map(|(name, values)| format!("{name}: {}", values.join(", ")));
    let asks = [
        ("host", spec.hosts.clone()),
        ("headers", headers.collect()),
        ("path", standing.path.map(str::to_owned).into_iter().collect()),
        ("method", spec.methods.clone()),
        ("server name", spec.snis.clone()),
    ];
    Winner {
        name: outline.name.clone(),
        line: outline.line,
        asks: asks.into_iter().filter(|(_, texts)| !texts.is_empty()).collect(),
        path: standing.path.map(str::to_owned),
    }
}
