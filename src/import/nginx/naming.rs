//! Names of services and routes: from hosts and paths, each once.

use super::host::is_address;
use std::collections::HashSet;

/// A name that no other has: itself, or with a number.
pub(super) fn unique(base: &str, taken: &mut HashSet<String>) -> String {
    let numbered = (2..).map(|number| format!("{base}-{number}"));
    let found = std::iter::once(base.to_owned()).chain(numbered).find(|name| !taken.contains(name));
    let name = found.unwrap_or_default();
    taken.insert(name.clone());
    name
}

/// A route's: `HOST-PATH`.
pub(super) fn route(label: &str, path: &str, taken: &mut HashSet<String>) -> String {
    unique(&format!("{label}-{}", slug(path)), taken)
}

/// A service's: the host, with its port where the host says little.
pub(super) fn service(host: &str, port: Option<u16>, taken: &mut HashSet<String>) -> String {
    let local = host == "localhost" || is_address(host);
    let base = match port {
        Some(port) if local => format!("{}-{port}", slug(host)),
        _ => slug(host),
    };
    unique(&base, taken)
}

/// What a text looks like in a name.
fn slug(text: &str) -> String {
    let good = |c: char| if c.is_ascii_alphanumeric() || "._~".contains(c) { c } else { '-' };
    let text: String = text.trim_start_matches('~').chars().map(good).collect();
    let words: Vec<&str> = text.split('-').filter(|word| !word.is_empty()).collect();
    if words.is_empty() { "root".to_owned() } else { words.join("-") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let mut taken = HashSet::new();
        assert_eq!(route("a.test", "/", &mut taken), "a.test-root");
        assert_eq!(route("a.test", "~/x\\.php$", &mut taken), "a.test-x-.php");
        assert_eq!(route("a.test", "/v1/", &mut taken), "a.test-v1");
        assert_eq!(route("a.test", "/v1", &mut taken), "a.test-v1-2");
        assert_eq!(service("127.0.0.1", Some(8080), &mut taken), "127.0.0.1-8080");
        assert_eq!(service("api", Some(8080), &mut taken), "api");
        assert_eq!(service("[::1]", None, &mut taken), "1");
    }
}
