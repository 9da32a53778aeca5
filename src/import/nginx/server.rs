//! `server` and `location` blocks as nginx sees them: addresses, names, and locations with their patterns, nested ones
//! flattened.

use super::host::is_host;
use super::listen::{self, Listen};
use super::notes::Notes;
use super::tree::{Directive, Scope};

/// A `server`.
#[derive(Debug)]
pub(super) struct Server<'a> {
    /// The block.
    pub(super) directive: &'a Directive,
    /// What holds in it.
    pub(super) scope: Scope<'a>,
    /// Where it is asked.
    pub(super) listens: Vec<Listen>,
    /// Its names, lower case, `*.` or `.*` at an end for wildcards.
    pub(super) names: Vec<String>,
    /// Its locations.
    pub(super) locations: Vec<Location<'a>>,
}

/// A `location`.
#[derive(Clone, Debug)]
pub(super) struct Location<'a> {
    /// The block.
    pub(super) directive: &'a Directive,
    /// What holds in it.
    pub(super) scope: Scope<'a>,
    /// Which paths.
    pub(super) pattern: Pattern,
    /// The location that it stands in, by number.
    pub(super) outer: Option<usize>,
}

/// Which paths a location takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Pattern {
    /// `= /x`
    Exact(String),
    /// `/x`, and `^~ /x` with `first`: expressions are not tried then.
    Prefix { path: String, first: bool },
    /// `~ x`, and `~* x` with `fold`.
    Regex { text: String, fold: bool },
}

/// Reads all servers of a level.
pub(super) fn servers<'a>(http: &Scope<'a>, notes: &mut Notes) -> Vec<Server<'a>> {
    let blocks = http.own().iter().filter(|directive| directive.name == "server" && directive.block.is_some());
    blocks.map(|directive| server(directive, http, notes)).collect()
}

fn server<'a>(directive: &'a Directive, http: &Scope<'a>, notes: &mut Notes) -> Server<'a> {
    let scope = http.within(directive.children());
    let listens = listen::of_server(&scope, notes);
    let names = names(&scope, notes);
    let mut locations = Vec::new();
    collect(&scope, None, &mut locations, notes);
    Server { directive, scope, listens, names, locations }
}

/// `server_name`. `_` and the like are no names: they only say that a server has none.
fn names(scope: &Scope<'_>, notes: &mut Notes) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for directive in scope.own().iter().filter(|directive| directive.name == "server_name") {
        for text in directive.texts() {
            match name(text) {
                Ok(read) => names.extend(read),
                Err(reason) => notes.lost(directive, &format!("`{text}` {reason}")),
            }
        }
    }
    let mut seen = std::collections::HashSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names
}

fn name(text: &str) -> Result<Vec<String>, &'static str> {
    let text = text.to_ascii_lowercase();
    match text.as_str() {
        "" | "_" | "--" | "!@#" | "*" => Ok(Vec::new()),
        _ if text.starts_with('~') => Err("is a regular expression, which the gateway's hosts cannot be"),
        _ if text.contains('$') => Err("is a variable"),
        _ => match text.strip_prefix('.') {
            Some(rest) if is_host(rest) => Ok(vec![rest.to_owned(), format!("*.{rest}")]),
            _ if is_host(&text) => Ok(vec![text]),
            _ if text.starts_with('*') && text.ends_with('*') => Err("is no host name that the gateway knows"),
            _ if is_host(text.trim_start_matches("*.").trim_end_matches(".*")) && text.matches('*').count() == 1 => {
                Ok(vec![text])
            }
            _ => Err("is no host name that the gateway knows"),
        },
    }
}

fn collect<'a>(scope: &Scope<'a>, outer: Option<usize>, all: &mut Vec<Location<'a>>, notes: &mut Notes) {
    let blocks = scope.own().iter().filter(|directive| directive.name == "location" && directive.block.is_some());
    for directive in blocks {
        let within = scope.within(directive.children());
        match pattern(directive) {
            Ok(pattern) => {
                all.push(Location { directive, scope: within.clone(), pattern, outer });
                collect(&within, Some(all.len() - 1), all, notes);
            }
            Err(reason) => notes.lost(directive, reason),
        }
    }
}

fn pattern(directive: &Directive) -> Result<Pattern, &'static str> {
    let texts: Vec<&str> = directive.texts().collect();
    let (modifier, text) = match texts.as_slice() {
        [one] => split(one),
        [modifier, text] => (*modifier, *text),
        _ => return Err("a location has one or two arguments"),
    };
    match modifier {
        "" if text.starts_with('@') => Err("only a name for internal redirects, which the gateway does not have"),
        "~" | "~*" => Ok(Pattern::Regex { text: text.to_owned(), fold: modifier == "~*" }),
        _ if !is_path(text) => Err("the gateway's paths begin with `/` and hold only what a URL may hold"),
        "=" => Ok(Pattern::Exact(text.to_owned())),
        "^~" => Ok(Pattern::Prefix { path: text.to_owned(), first: true }),
        "" => Ok(Pattern::Prefix { path: text.to_owned(), first: false }),
        _ => Err("this is no modifier of a location"),
    }
}

/// nginx allows a modifier without a blank behind it: `=/x`.
fn split(text: &str) -> (&str, &str) {
    let modifier = ["~*", "^~", "~", "="].into_iter().find(|modifier| text.starts_with(modifier));
    modifier.map_or(("", text), |modifier| text.split_at(modifier.len()))
}

/// A path that is written as it arrives: no escapes, no dot segments, no two slashes in a row.
fn is_path(text: &str) -> bool {
    let good = |b: u8| b.is_ascii_alphanumeric() || b"-._~/!$&'()*+,;=:@".contains(&b);
    let dots = text.split('/').any(|segment| matches!(segment, "." | ".."));
    text.starts_with('/') && text.bytes().all(good) && !text.contains("//") && !dots
}

// === impl Pattern ===

impl Pattern {
    /// The path; none for an expression.
    pub(super) fn path(&self) -> Option<&str> {
        match self {
            Self::Exact(path) | Self::Prefix { path, .. } => Some(path),
            Self::Regex { .. } => None,
        }
    }
}

// === impl Server ===

impl Server<'_> {
    /// What to call it in names of routes.
    pub(super) fn label(&self) -> &str {
        self.names.first().map_or("default", |name| name.trim_start_matches("*.").trim_end_matches(".*"))
    }

    /// Whether it is asked without (`false`) or with TLS.
    pub(super) fn serves(&self, tls: bool) -> bool {
        self.listens.iter().any(|listen| listen.ssl == tls)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_servers() {
        let read = |text| name(text).unwrap_or_else(|_| vec!["refused".to_owned()]);
        assert_eq!(read("App.Example.com"), ["app.example.com"]);
        assert_eq!(read(".example.com"), ["example.com", "*.example.com"]);
        assert_eq!(read("*.example.com"), ["*.example.com"]);
        assert_eq!(read("www.example.*"), ["www.example.*"]);
        assert!(read("_").is_empty() && read("").is_empty());
        for bad in ["~^www", "$hostname", "a*.b", "*.*.b", "a..b", "*."] {
            assert_eq!(read(bad), ["refused"], "{bad}");
        }
    }

    #[test]
    fn patterns_without_a_blank() {
        assert_eq!(split("=/x"), ("=", "/x"));
        assert_eq!(split("~*\\.php$"), ("~*", "\\.php$"));
        assert_eq!(split("/x"), ("", "/x"));
        assert!(is_path("/a/b-c~") && !is_path("/a//b") && !is_path("a") && !is_path("/a/../b") && !is_path("/a b"));
    }
}
