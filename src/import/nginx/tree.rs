//! Directives: what a configuration is made of, and which server or location each belongs to.

use super::lex::Word;
use crate::config::report::Span;

/// A place in one of the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct At {
    /// Which file, by its number in the list of sources.
    pub(super) file: usize,
    /// The line, from 1.
    pub(super) line: usize,
    /// The bytes of the directive's name.
    pub(super) span: Span,
}

/// Which part of the configuration a directive belongs to: where a remark about it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Owner {
    /// None: the process, or everything in `http`.
    Head,
    /// A `server`, by number.
    Server(usize),
    /// A `location`, by number.
    Location(usize),
}

/// A directive, simple or with a block.
#[derive(Clone, Debug)]
pub(super) struct Directive {
    /// Its name.
    pub(super) name: String,
    /// What follows the name.
    pub(super) args: Vec<Word>,
    /// What is in its braces.
    pub(super) block: Option<Vec<Self>>,
    /// Where it stands.
    pub(super) at: At,
    /// Whose it is; a `server` or `location` belongs to itself.
    pub(super) owner: Owner,
}

// === impl Directive ===

impl Directive {
    /// An argument, counted from 0.
    pub(super) fn arg(&self, number: usize) -> Option<&str> {
        self.args.get(number).map(|word| word.text.as_str())
    }

    /// The arguments' texts.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        self.args.iter().map(|word| word.text.as_str())
    }

    /// Whether the arguments are these.
    pub(super) fn says(&self, args: &[&str]) -> bool {
        self.texts().eq(args.iter().copied())
    }

    /// What is in its braces; nothing if it has none.
    pub(super) fn children(&self) -> &[Self] {
        self.block.as_deref().unwrap_or_default()
    }

    /// Its own words in one line, cut short.
    pub(super) fn shown(&self) -> String {
        let words: Vec<&str> = std::iter::once(self.name.as_str()).chain(self.texts()).collect();
        let text: String = words.join(" ").chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        match text.char_indices().nth(60) {
            Some((at, _)) => format!("{}…", &text[..at]),
            None => text,
        }
    }
}

/// Says to each directive whose it is.
pub(super) fn assign(directives: &mut [Directive]) {
    let mut next = 0;
    assign_within(directives, Owner::Head, &mut next);
}

fn assign_within(directives: &mut [Directive], outer: Owner, next: &mut usize) {
    for directive in directives {
        directive.owner = match directive.name.as_str() {
            "server" if directive.block.is_some() => Owner::Server(number(next)),
            "location" if directive.block.is_some() => Owner::Location(number(next)),
            _ => outer,
        };
        let owner = directive.owner;
        if let Some(block) = &mut directive.block {
            assign_within(block, owner, next);
        }
    }
}

fn number(next: &mut usize) -> usize {
    *next += 1;
    *next - 1
}

/// A level and those round it: which directives hold at a place. What can be inherited is, as a whole: a level that has
/// a directive of a name replaces all of that name round it.
#[derive(Clone, Debug)]
pub(super) struct Scope<'a> {
    levels: Vec<&'a [Directive]>,
}

// === impl Scope ===

impl<'a> Scope<'a> {
    /// The outermost level.
    pub(super) fn new(http: &'a [Directive]) -> Self {
        Self { levels: vec![http] }
    }

    /// A level within this one.
    pub(super) fn within(&self, block: &'a [Directive]) -> Self {
        Self { levels: self.levels.iter().copied().chain([block]).collect() }
    }

    /// All of a name that hold here.
    pub(super) fn all(&self, name: &str) -> Vec<&'a Directive> {
        self.any(&[name])
    }

    /// All that hold here of names that replace each other as a group (`allow` and `deny`).
    pub(super) fn any(&self, names: &[&str]) -> Vec<&'a Directive> {
        let of = |level: &&'a [Directive]| -> Vec<&'a Directive> {
            level.iter().filter(|directive| names.contains(&directive.name.as_str())).collect()
        };
        self.levels.iter().rev().map(of).find(|found| !found.is_empty()).unwrap_or_default()
    }

    /// The one of a name that holds here.
    pub(super) fn last(&self, name: &str) -> Option<&'a Directive> {
        self.all(name).last().copied()
    }

    /// The first argument of the one that holds here.
    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        self.last(name)?.arg(0)
    }

    /// What stands on this level itself.
    pub(super) fn own(&self) -> &'a [Directive] {
        self.levels.last().copied().unwrap_or_default()
    }

    /// The first of a name on this level itself.
    pub(super) fn own_named(&self, name: &str) -> Option<&'a Directive> {
        self.own().iter().find(|directive| directive.name == name)
    }
}
