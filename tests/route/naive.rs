//! A router without index: every rule of `kong/routing.md` §3 and §4 as a loop over all candidates, in Kong's order of
//! steps. Slow, and shares nothing with the real one but the border types.

use gateway::entity::{Compat, RouteId};
use gateway::route::normalize::normalize_route_path;
use gateway::route::{Query, Spec};
use std::cmp::Reverse;

/// One path of one route.
struct Candidate<'s> {
    spec: &'s Spec,
    path: Option<Path>,
    /// As written.
    length: usize,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Path {
    Plain(Vec<u8>),
    Regex(String),
}

/// hosts 64, headers 32, paths 16, methods 8, snis 4: Kong's bits.
fn kinds(spec: &Spec) -> u32 {
    let bits = [
        (64, spec.hosts.is_empty()),
        (32, spec.headers.is_empty()),
        (16, spec.paths.is_empty()),
        (8, spec.methods.is_empty()),
        (4, spec.snis.is_empty()),
    ];
    bits.iter().filter(|(_, empty)| !empty).map(|(bit, _)| bit).sum()
}

/// Route and length of the matched prefix.
pub(crate) fn find(specs: &[Spec], query: &Query<'_>, compat: Compat) -> Option<(RouteId, Option<usize>)> {
    let mut candidates: Vec<_> = specs.iter().flat_map(|spec| split(spec, compat)).collect();
    let winner = match compat {
        Compat::Kong2 => {
            candidates.sort_by_key(|c| c.order2());
            find2(&candidates, query)
        }
        Compat::Kong3 => {
            candidates.sort_by_key(|c| c.order3());
            candidates.iter().find(|c| kinds(c.spec) > 0 && c.matches(query, compat))
        }
    }?;
    Some((winner.spec.id, winner.prefix(query.path, compat)))
}

fn split(spec: &Spec, compat: Compat) -> Vec<Candidate<'_>> {
    if spec.paths.is_empty() {
        return vec![Candidate { spec, path: None, length: 0 }];
    }
    let read = |path: &String| match compat {
        Compat::Kong2 if path.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_~/%".contains(&b)) => {
            Path::Plain(normalize_route_path(path.as_bytes()).into_owned())
        }
        Compat::Kong2 => Path::Regex(path.clone()),
        Compat::Kong3 if path.starts_with('~') => Path::Regex(path[1..].to_owned()),
        Compat::Kong3 => Path::Plain(path.clone().into_bytes()),
    };
    spec.paths.iter().map(|path| Candidate { spec, path: Some(read(path)), length: path.len() }).collect()
}

fn find2<'c, 's>(candidates: &'c [Candidate<'s>], query: &Query<'_>) -> Option<&'c Candidate<'s>> {
    let hits = Hits::find(candidates, query);
    let mut categories: Vec<u32> = candidates.iter().map(|c| kinds(c.spec)).filter(|k| *k > 0).collect();
    categories.sort_by_key(|kinds| Reverse((kinds.count_ones(), *kinds)));
    categories.dedup();
    if hits.category == 0 {
        return None;
    }
    let start = categories.iter().position(|kinds| *kinds == hits.category).unwrap_or(0);
    categories[start..].iter().find_map(|category| {
        let all: Vec<_> = candidates.iter().filter(|c| kinds(c.spec) == *category).collect();
        let part = hits.part(&all, *category, query).unwrap_or_default();
        part.into_iter().chain(all).find(|c| c.matches(query, Compat::Kong2))
    })
}

/// What of the request some route names.
struct Hits {
    category: u32,
    /// The wildcard, or the header's text.
    host: String,
    header: Option<String>,
    path: Option<Path>,
}

impl Hits {
    fn find(candidates: &[Candidate<'_>], query: &Query<'_>) -> Self {
        let hosts = || candidates.iter().flat_map(|c| &c.spec.hosts);
        let raw = query.host.map(|host| String::from_utf8(host.to_vec()).unwrap());
        let (bare, full) = split_port(raw.as_deref().unwrap_or_default(), Some(default_port(query)));
        let plain = raw.is_some() && hosts().any(|host| !host.contains('*') && (*host == bare || *host == full));
        let wildcard = hosts().find(|host| raw.is_some() && !plain && is_wildcard_match(host, &full)).cloned();
        let names = candidates.iter().flat_map(|c| c.spec.headers.iter().map(|(name, _)| name));
        let header = names.clone().find(|name| query.headers.contains_key(*name)).map(ToString::to_string);
        let paths = || candidates.iter().filter_map(|c| c.path.as_ref());
        let regex = paths().find(|p| matches!(p, Path::Regex(_)) && p.matches(query.path));
        let longest = paths().filter(|p| p.matches(query.path)).max_by_key(|p| p.len());
        let path = regex.or(longest).cloned();
        let category = [
            (64, plain || wildcard.is_some()),
            (32, header.is_some()),
            (16, path.is_some()),
            (8, candidates.iter().any(|c| c.spec.methods.iter().any(|m| m == query.method))),
            (4, candidates.iter().any(|c| query.tls && query.sni.is_some_and(|sni| names_sni(c.spec, sni)))),
        ];
        let category = category.iter().filter(|(_, hit)| *hit).map(|(bit, _)| bit).sum();
        Self { category, host: wildcard.or(raw).unwrap_or_default(), header, path }
    }

    /// What is tried before the whole category.
    fn part<'c, 's>(
        &self,
        all: &[&'c Candidate<'s>],
        category: u32,
        query: &Query<'_>,
    ) -> Option<Vec<&'c Candidate<'s>>> {
        let some = |kind: u32, named: &dyn Fn(&Candidate<'_>) -> bool| {
            let part: Vec<_> = all.iter().copied().filter(|c| named(c)).collect();
            (category & kind != 0 && !part.is_empty()).then_some(part)
        };
        let header =
            |c: &Candidate<'_>| c.spec.headers.iter().any(|(name, _)| Some(name.as_str()) == self.header.as_deref());
        if let Some(part) = some(32, &header) {
            return Some(part);
        }
        let parts = [
            some(64, &|c| c.spec.hosts.contains(&self.host)),
            some(16, &|c| c.path.is_some() && c.path == self.path),
            some(8, &|c| c.spec.methods.iter().any(|method| method == query.method)),
            some(4, &|c| query.tls && query.sni.is_some_and(|sni| names_sni(c.spec, sni))),
        ];
        parts.into_iter().flatten().min_by_key(Vec::len)
    }
}

impl Candidate<'_> {
    fn is_regex(&self) -> bool {
        matches!(self.path, Some(Path::Regex(_)))
    }

    fn priority(&self) -> i64 {
        if self.is_regex() { self.spec.regex_priority } else { 0 }
    }

    fn plain_length(&self) -> usize {
        if self.is_regex() { 0 } else { self.length }
    }

    fn plain_hosts_only(&self) -> bool {
        !self.spec.hosts.is_empty() && !self.spec.hosts.iter().any(|host| host.contains('*'))
    }

    fn order2(&self) -> impl Ord + use<> {
        let with_port = |host: &String| host.contains('*') && split_port(host, None).1 != split_port(host, None).0;
        let mut weight = u32::from(self.is_regex());
        weight += if self.plain_hosts_only() { 2 } else { 0 };
        weight += if self.spec.hosts.iter().any(with_port) { 4 } else { 0 };
        let length = self.plain_length();
        (
            Reverse(weight),
            Reverse(self.spec.headers.len()),
            Reverse(self.priority()),
            Reverse(length),
            self.spec.created_at,
        )
    }

    fn order3(&self) -> impl Ord + use<> {
        let first = (kinds(self.spec).count_ones(), self.plain_hosts_only(), self.spec.headers.len());
        let second = (self.is_regex(), self.priority(), self.plain_length(), self.spec.uuid);
        (Reverse((first, second)), self.spec.created_at)
    }

    fn matches(&self, query: &Query<'_>, compat: Compat) -> bool {
        let spec = self.spec;
        let any_sni = !query.tls || query.sni.is_some_and(|sni| spec.snis.iter().any(|s| sni_matches(s, sni, compat)));
        (spec.hosts.is_empty() || spec.hosts.iter().any(|host| host_matches(host, query, compat)))
            && self.path.as_ref().is_none_or(|path| path.matches(query.path))
            && (spec.methods.is_empty() || spec.methods.iter().any(|method| method == query.method))
            && (spec.snis.is_empty() || any_sni)
            && spec.headers.iter().all(|(name, values)| {
                query.headers.get_all(name).iter().any(|got| value_matches(values, got.to_str().unwrap(), compat))
            })
    }

    fn prefix(&self, path: &[u8], compat: Compat) -> Option<usize> {
        match (self.path.as_ref()?, compat) {
            (Path::Plain(text), _) => Some(text.len()),
            (Path::Regex(text), Compat::Kong2) => {
                let regex = regex(&format!("\\A(?:{text}(?<uri_postfix>.*))"));
                let rest = regex.captures(path).unwrap()?.name("uri_postfix").map(|m| m.as_bytes().len())?;
                Some(path.len() - rest)
            }
            (Path::Regex(text), Compat::Kong3) => Some(regex(&format!("\\A(?:{text})")).find(path).unwrap()?.end()),
        }
    }
}

impl Path {
    fn matches(&self, path: &[u8]) -> bool {
        match self {
            Self::Plain(text) => path.starts_with(text),
            Self::Regex(text) => regex(&format!("\\A(?:{text})")).is_match(path).unwrap(),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Plain(text) => text.len(),
            Self::Regex(_) => 0,
        }
    }
}

fn regex(text: &str) -> pcre2::bytes::Regex {
    pcre2::bytes::Regex::new(text).unwrap()
}

fn default_port(query: &Query<'_>) -> u16 {
    if query.tls { 443 } else { 80 }
}

/// Without and with port.
fn split_port(host: &str, default: Option<u16>) -> (String, String) {
    let full = |host: &str| default.map_or(host.to_owned(), |port| format!("{host}:{port}"));
    let digits = |port: &str| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    if let Some(inner) = host.strip_prefix('[') {
        return match inner.split_once("]:") {
            Some((bare, port)) if digits(port) => (bare.to_owned(), host.to_owned()),
            Some((bare, "")) => (bare.to_owned(), full(&host[..host.len() - 1])),
            _ => (inner.strip_suffix(']').unwrap_or(host).to_owned(), full(host)),
        };
    }
    match host.split_once(':') {
        None => (host.to_owned(), full(host)),
        Some((bare, "")) => (bare.to_owned(), full(bare)),
        Some((bare, port)) if digits(port) => (bare.to_owned(), host.to_owned()),
        Some(_) => (host.to_owned(), full(&format!("[{host}]"))),
    }
}

fn is_wildcard_match(pattern: &str, full: &str) -> bool {
    if !pattern.contains('*') {
        return false;
    }
    let (bare, with_port) = split_port(pattern, None);
    let port = if bare == with_port { "(?::\\d+)?" } else { "" };
    regex(&format!("\\A{}{port}$", pattern.replace('.', "\\.").replace('*', ".+"))).is_match(full.as_bytes()).unwrap()
}

fn host_matches(pattern: &str, query: &Query<'_>, compat: Compat) -> bool {
    let Some(raw) = query.host.map(|host| std::str::from_utf8(host).unwrap()) else { return false };
    match compat {
        Compat::Kong2 => {
            let (bare, full) = split_port(raw, Some(default_port(query)));
            pattern == raw || pattern == bare || is_wildcard_match(pattern, &full)
        }
        Compat::Kong3 => {
            let (name, port) = split3(raw);
            let (text, asked) = split3(pattern);
            let fits = match (text.strip_prefix('*'), text.strip_suffix('*')) {
                (Some(end), _) => name.len() > end.len() && name.ends_with(end),
                (_, Some(start)) => name.starts_with(start),
                _ => name == text,
            };
            fits && asked.is_none_or(|asked| asked == port.unwrap_or(query.port))
        }
    }
}

fn split3(host: &str) -> (&str, Option<u16>) {
    match host.split_once(':') {
        Some((name, port)) if port.parse::<u16>().is_ok() => (name, port.parse().ok()),
        _ => (host, None),
    }
}

fn names_sni(spec: &Spec, sni: &str) -> bool {
    spec.snis.iter().any(|pattern| sni_matches(pattern, sni, Compat::Kong2))
}

fn sni_matches(pattern: &str, sni: &str, compat: Compat) -> bool {
    let pattern = pattern.strip_suffix('.').unwrap_or(pattern);
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(end), _) if compat == Compat::Kong3 => sni.len() > end.len() && sni.ends_with(end),
        (_, Some(start)) if compat == Compat::Kong3 => sni.starts_with(start),
        _ => sni == pattern,
    }
}

fn value_matches(values: &[String], got: &str, compat: Compat) -> bool {
    let got = got.to_ascii_lowercase();
    let pattern =
        |text: &str| pcre2::bytes::Regex::new(text).is_ok_and(|regex| regex.is_match(got.as_bytes()).unwrap());
    values.iter().any(|value| match value.strip_prefix("~*") {
        Some(text) if compat == Compat::Kong3 => pattern(&text.to_lowercase()),
        Some(text) if values.len() == 1 => pattern(text),
        _ => value.to_ascii_lowercase() == got,
    })
}
