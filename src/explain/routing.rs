//! Which route takes a request, and why the others do not. Pure.

use super::Served;
use crate::proxy::client::Connection;
use crate::proxy::decide::{query, target};
use crate::route::Query;
use crate::route::normalize::normalize;
use crate::route::trace::{Criterion, Miss, Standing, Standings, Trace};
use http::Request;

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
    /// What of the request it does not accept, in words.
    pub misses: Vec<String>,
    /// What decided against it, if it accepts the request.
    pub lost: Option<Criterion>,
}

/// A request as routing sees it.
struct Asked<'a> {
    served: Served<'a>,
    query: Query<'a>,
}

/// Looks at all routes. `None`: the target is none.
pub(super) fn routing<B>(served: Served<'_>, req: &Request<B>, connection: &Connection) -> Option<Routing> {
    let target = target(req.uri()).ok()?;
    let path = normalize(target.path).ok()?;
    let client = connection.client(req.headers(), served.settings);
    let asked = Asked { served, query: query(req, target, &path, connection, client) };
    let trace = served.snapshot.router.trace(&asked.query);
    let standings = Standings::of(&served.outline.specs, served.snapshot.compat);
    let winner = trace.winner.map(|rank| standings.standing(rank));
    let mut others = nearest_of_each(&standings, &trace, &path);
    others.retain(|standing| Some(standing.route()) != winner.map(|winner| winner.route()));
    let losers = others.iter().map(|standing| loser(&asked, &standings, &trace, *standing));
    Some(Routing { winner: winner.map(|standing| winner_of(served, standing)), losers: losers.collect() })
}

/// One standing of each route, the nearest first: what accepts the request, in the order of trying; then what misses
/// least, before all who lacks but a slash, then what shares most of the path.
fn nearest_of_each<'a>(standings: &Standings<'a>, trace: &Trace, path: &[u8]) -> Vec<Standing<'a>> {
    let distance = |standing: &Standing<'_>| {
        let misses = &trace.misses[standing.rank];
        let far = if misses.is_empty() { 0 } else { usize::MAX - shared(standing, path) };
        (misses.len(), !lacks_slash(standing, path), misses.contains(&Miss::Path), far)
    };
    let mut all = standings.in_order();
    all.sort_by_key(distance);
    let mut seen = std::collections::HashSet::new();
    all.retain(|standing| seen.insert(standing.route()));
    all
}

/// Whether the path with a slash at its end would be the route's.
fn lacks_slash(standing: &Standing<'_>, path: &[u8]) -> bool {
    let own = standing.path.filter(|_| !standing.is_regex);
    own.is_some_and(|own| own.strip_suffix('/').is_some_and(|own| !own.is_empty() && own.as_bytes() == path))
}

/// How many bytes of a plain path stand at the request's start, too.
fn shared(standing: &Standing<'_>, path: &[u8]) -> usize {
    let own = standing.path.filter(|_| !standing.is_regex).unwrap_or_default();
    own.bytes().zip(path).take_while(|(own, asked)| own == *asked).count()
}

fn loser(asked: &Asked<'_>, standings: &Standings<'_>, trace: &Trace, standing: Standing<'_>) -> Loser {
    let served = asked.served;
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
        misses: misses.iter().map(|miss| asked.missed(&standing, miss)).collect(),
        lost,
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
        ("expression", spec.expression.iter().map(|asked| asked.text.clone()).collect()),
    ];
    Winner {
        name: outline.name.clone(),
        line: outline.line,
        asks: asks.into_iter().filter(|(_, texts)| !texts.is_empty()).collect(),
        path: standing.path.map(str::to_owned),
    }
}

// === impl Asked ===

impl Asked<'_> {
    /// What the request has, and what the route wants.
    fn missed(&self, standing: &Standing<'_>, miss: &Miss) -> String {
        let (spec, query) = (standing.spec, &self.query);
        match miss {
            Miss::Host => match query.host {
                Some(host) => format!("host {} is not {}", lossy(host), any_of(&spec.hosts)),
                None => format!("there is no host, such as {}", any_of(&spec.hosts)),
            },
            Miss::Path => self.missed_path(standing),
            Miss::Scheme if query.tls => "it came over https, and the route is for http".to_owned(),
            Miss::Scheme => "it came over http, and the route is for https".to_owned(),
            Miss::Expression => {
                let text = spec.expression.as_ref().map_or("", |asked| &asked.text);
                format!("its expression is false: {text}")
            }
            Miss::Method => format!("method {} is not {}", query.method, any_of(&spec.methods)),
            Miss::Sni => match query.sni {
                Some(name) => format!("TLS server name {name} is not {}", any_of(&spec.snis)),
                None => format!("there is no TLS server name, such as {}", any_of(&spec.snis)),
            },
            Miss::Header(name) => {
                let values = spec.headers.iter().find(|(other, _)| other == name).map(|(_, values)| &**values);
                let (wanted, has) = (any_of(values.unwrap_or_default()), query.headers.contains_key(name));
                let state = if has { "is not" } else { "is missing; it would be" };
                format!("header {name} {state} {wanted}")
            }
        }
    }

    fn missed_path(&self, standing: &Standing<'_>) -> String {
        let (path, wanted) = (lossy(self.query.path), standing.path.unwrap_or_default());
        match () {
            () if standing.is_regex => format!("path {path} does not match {wanted}"),
            () if lacks_slash(standing, self.query.path) => format!("path {path} lacks the / at the end of {wanted}"),
            () => format!("path {path} does not begin with {}", any_of(&standing.spec.paths)),
        }
    }
}

/// `a, b or c`.
fn any_of(texts: &[String]) -> String {
    match texts {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// As text that a terminal can show.
fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace(char::is_control, "\u{fffd}")
}
