//! Directives: what a configuration is made of, and which server or location each belongs to.

use super::lex::Word;
use crate::config::report::Span;
use std::collections::HashMap;
use std::rc::Rc;

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

/// Says to each directive whose it is. The answer is how many servers and locations there are.
pub(super) fn assign(directives: &mut [Directive]) -> usize {
    let mut next = 0;
    assign_within(directives, Owner::Head, &mut next);
    next
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
    levels: Vec<Rc<Level<'a>>>,
}

/// The directives of a block, in order and by name.
#[derive(Debug)]
struct Level<'a> {
    own: &'a [Directive],
    named: HashMap<&'a str, Vec<&'a Directive>>,
}

// === impl Level ===

impl<'a> Level<'a> {
    fn new(own: &'a [Directive]) -> Rc<Self> {
        let mut named: HashMap<&str, Vec<_>> = HashMap::new();
        for directive in own {
            named.entry(directive.name.as_str()).or_default().push(directive);
        }
        Rc::new(Self { own, named })
    }

    fn all(&self, name: &str) -> &[&'a Directive] {
        self.named.get(name).map_or(&[], Vec::as_slice)
    }
}

// === impl Scope ===

impl<'a> Scope<'a> {
    /// The outermost level.
    pub(super) fn new(main: &'a [Directive]) -> Self {
        Self { levels: vec![Level::new(main)] }
    }

    /// A level within this one.
    pub(super) fn within(&self, block: &'a [Directive]) -> Self {
        Self { levels: self.levels.iter().cloned().chain([Level::new(block)]).collect() }
    }

    /// All of a name that hold here.
    pub(super) fn all(&self, name: &str) -> Vec<&'a Directive> {
        let found = self.levels.iter().rev().map(|level| level.all(name)).find(|found| !found.is_empty());
        found.unwrap_or_default().to_vec()
    }

    /// All that hold here of two names that replace each other as a group, in order (`allow` and `deny`).
    pub(super) fn either(&self, names: [&str; 2]) -> Vec<&'a Directive> {
        let has = |level: &&Rc<Level<'a>>| names.iter().any(|name| !level.all(name).is_empty());
        let own = self.levels.iter().rev().find(has).map_or(&[][..], |level| level.own);
        own.iter().filter(|directive| names.contains(&directive.name.as_str())).collect()
    }

    /// The one of a name that holds here.
    pub(super) fn last(&self, name: &str) -> Option<&'a Directive> {
        self.levels.iter().rev().find_map(|level| level.all(name).last().copied())
    }

    /// The first argument of the one that holds here.
    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        self.last(name)?.arg(0)
    }

    /// What stands on this level itself.
    pub(super) fn own(&self) -> &'a [Directive] {
        self.levels.last().map_or(&[], |level| level.own)
    }

    /// The first of a name on this level itself.
    pub(super) fn own_named(&self, name: &str) -> Option<&'a Directive> {
        self.levels.last()?.all(name).first().copied()
    }
}
