//! Values by TLS server name: exact names and wildcards, in Kong's order (`kong/operations.md` §2, TLS).

use std::collections::HashMap;

/// Values by name.
#[derive(Clone, Debug)]
pub struct Names<T> {
    exact: HashMap<Box<str>, T>,
    /// `*.parent`, keyed `.parent`.
    parents: HashMap<Box<str>, T>,
    /// `prefix.*`, keyed `prefix.`.
    prefixes: HashMap<Box<str>, T>,
    /// The name `*`.
    any: Option<T>,
}

// === impl Names ===

impl<T> Names<T> {
    /// Adds a name, which may begin or end with `*`, or be `*`.
    pub fn insert(&mut self, name: &str, value: T) {
        let name = normal(name);
        if name == "*" {
            self.any = Some(value);
        } else if let Some(parent) = name.strip_prefix('*') {
            self.parents.insert(parent.into(), value);
        } else if let Some(prefix) = name.strip_suffix('*') {
            self.prefixes.insert(prefix.into(), value);
        } else {
            self.exact.insert(name.into(), value);
        }
    }

    /// Whether there is no name at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.parents.is_empty() && self.prefixes.is_empty() && self.any.is_none()
    }

    /// What a name has: the exact one's, then that of `*.parent`, `prefix.*` (each stands for one label) and `*`. Names
    /// are compared as DNS does (RFC 6066 §3), without regard to case or a dot at the end; Kong 2.8 minds the case.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&T> {
        let found = if name.ends_with('.') || name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            self.lower(&normal(name))
        } else {
            self.lower(name)
        };
        found.or(self.any.as_ref())
    }

    /// The values, in any order.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.exact.values().chain(self.parents.values()).chain(self.prefixes.values()).chain(&self.any)
    }

    /// The same names with other values.
    ///
    /// # Errors
    /// The first error of `make`.
    pub fn try_map<U, E>(&self, mut make: impl FnMut(&T) -> Result<U, E>) -> Result<Names<U>, E> {
        let mut all = |from: &HashMap<Box<str>, T>| -> Result<HashMap<Box<str>, U>, E> {
            from.iter().map(|(name, value)| Ok((name.clone(), make(value)?))).collect()
        };
        let (exact, parents, prefixes) = (all(&self.exact)?, all(&self.parents)?, all(&self.prefixes)?);
        Ok(Names { exact, parents, prefixes, any: self.any.as_ref().map(make).transpose()? })
    }

    /// Every name with its value, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (String, &T)> {
        let exact = self.exact.iter().map(|(name, value)| (name.to_string(), value));
        let parents = self.parents.iter().map(|(name, value)| (format!("*{name}"), value));
        let prefixes = self.prefixes.iter().map(|(name, value)| (format!("{name}*"), value));
        exact.chain(parents).chain(prefixes).chain(self.any.iter().map(|value| ("*".to_owned(), value)))
    }

    fn lower(&self, name: &str) -> Option<&T> {
        let parent = || name.find('.').and_then(|dot| self.parents.get(&name[dot..]));
        let prefix = || name.rfind('.').and_then(|dot| self.prefixes.get(&name[..=dot]));
        self.exact.get(name).or_else(parent).or_else(prefix)
    }
}

impl<T> Default for Names<T> {
    fn default() -> Self {
        Self { exact: HashMap::new(), parents: HashMap::new(), prefixes: HashMap::new(), any: None }
    }
}

impl<'a, T> FromIterator<(&'a str, T)> for Names<T> {
    fn from_iter<I: IntoIterator<Item = (&'a str, T)>>(pairs: I) -> Self {
        let mut names = Self::default();
        pairs.into_iter().for_each(|(name, value)| names.insert(name, value));
        names
    }
}

fn normal(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_kongs_order() {
        let names: Names<_> = ["exact.test", "*.wild.test", "pre.*", "exact.wild.test", "pre.exact"]
            .map(|name| (name, name))
            .into_iter()
            .collect();
        for (name, want) in [
            ("exact.test", Some("exact.test")),
            ("EXACT.Test", Some("exact.test")),
            ("exact.test.", Some("exact.test")),
            ("a.wild.test", Some("*.wild.test")),
            ("exact.wild.test", Some("exact.wild.test")),
            ("a.b.wild.test", None),
            ("wild.test", None),
            ("pre.org", Some("pre.*")),
            ("pre.exact", Some("pre.exact")),
            ("pre.wild.test", Some("*.wild.test")),
            ("pre.co.uk", None),
            ("pre", None),
            ("", None),
            (".", None),
        ] {
            assert_eq!(names.find(name).copied(), want, "{name}");
        }
        assert!(!names.is_empty() && Names::<()>::default().is_empty());
    }

    #[test]
    fn a_star_takes_what_nothing_else_does() {
        let names: Names<_> = [("*", 1), ("a.test", 2)].into_iter().collect();
        assert_eq!((names.find("a.test"), names.find("b.test")), (Some(&2), Some(&1)));
    }
}
