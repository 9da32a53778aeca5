//! Groups that are let in, or that are not.

use crate::config::value::Checked;
use std::collections::HashSet;
use std::fmt;

/// `allow` or `deny`; letter case counts.
#[derive(Debug)]
pub(super) struct List {
    denies: bool,
    groups: HashSet<Box<str>>,
}

// === impl List ===

impl List {
    pub(super) fn read(config: &Checked) -> Self {
        let denies = !config.list("deny").is_empty();
        let groups = config.strs(if denies { "deny" } else { "allow" });
        Self { denies, groups: groups.map(Into::into).collect() }
    }

    /// Whether somebody with these groups may pass.
    pub(super) fn admits(&self, groups: &[Box<str>]) -> bool {
        groups.iter().any(|group| self.groups.contains(group)) != self.denies
    }

    /// Why somebody with these groups may not pass.
    pub(super) fn objection(&self, groups: &[Box<str>]) -> Option<String> {
        if self.admits(groups) {
            return None;
        }
        if self.denies {
            let denied = groups.iter().find(|group| self.groups.contains(*group))?;
            return Some(format!("group {denied} is in deny"));
        }
        Some(match groups {
            [] => format!("in no group, and allow is {self}"),
            [group] => format!("group {group} is not in allow, which is {self}"),
            several => format!("none of the groups {} is in allow, which is {self}", several.join(", ")),
        })
    }
}

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut groups: Vec<_> = self.groups.iter().map(AsRef::as_ref).collect();
        groups.sort_unstable();
        write!(f, "[{}]", groups.join(", "))
    }
}
