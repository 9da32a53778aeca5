//! Tokens to an expression, by ATC's grammar. Pure.
//!
//! `!` stands before parentheses only, and `||` binds tighter than `&&`.

use super::build;
use super::fault::Fault;
use super::lex::{Kind, Token, tokens};
use super::{MAX_DEPTH, Node};
use std::ops::Range;

/// A field as written: which, and through what it goes.
#[derive(Debug)]
pub(super) struct Left<'a> {
    pub(super) name: &'a str,
    pub(super) at: Range<usize>,
    pub(super) lower: Option<Range<usize>>,
    pub(super) any: bool,
}

/// An operator as written.
#[derive(Clone, Debug)]
pub(super) struct Operator {
    pub(super) text: &'static str,
    pub(super) at: Range<usize>,
}

struct Parser<'a> {
    tokens: Vec<Token<'a>>,
    next: usize,
    /// Where the text ends.
    end: usize,
    depth: usize,
}

const COMPARISONS: [&str; 9] = ["==", "!=", "~", "^=", "=^", ">=", ">", "<=", "<"];
const OPERATORS: &str = "operators are `==`, `!=`, `^=` (begins with), `=^` (ends with), `~` (regular expression), \
    `contains`, `>`, `>=`, `<`, `<=`, `in` and `not in`";

/// Reads a text.
pub(super) fn parse(text: &str) -> Result<Node, Fault> {
    let mut parser = Parser { tokens: tokens(text)?, next: 0, end: text.len(), depth: 0 };
    let node = parser.all()?;
    match parser.tokens.get(parser.next) {
        None => Ok(node),
        Some(token) => Err(left_over(token)),
    }
}

fn left_over(token: &Token<'_>) -> Fault {
    match token.kind {
        Kind::Symbol(")") => Fault::at(token.at.clone(), "this `)` closes nothing"),
        Kind::Word("and" | "AND") => Fault::at(token.at.clone(), "`and` is no operator").label("write `&&`"),
        Kind::Word("or" | "OR") => Fault::at(token.at.clone(), "`or` is no operator").label("write `||`"),
        _ => Fault::at(token.at.clone(), "two comparisons need something between them")
            .label("write `&&` or `||` before this"),
    }
}

// === impl Parser ===

impl<'a> Parser<'a> {
    /// `A && B && …`.
    fn all(&mut self) -> Result<Node, Fault> {
        let mut nodes = vec![self.any()?];
        while self.takes("&&") {
            nodes.push(self.any()?);
        }
        Ok(single(nodes, Node::All))
    }

    /// `A || B || …`.
    fn any(&mut self) -> Result<Node, Fault> {
        let mut nodes = vec![self.term()?];
        while self.takes("||") {
            nodes.push(self.term()?);
        }
        Ok(single(nodes, Node::Any))
    }

    fn term(&mut self) -> Result<Node, Fault> {
        let Some(token) = self.peek() else {
            return Err(self.missing("a comparison is missing here").help("write one such as `http.path == \"/\"`"));
        };
        let (at, kind) = (token.at.clone(), token.kind.clone());
        match kind {
            Kind::Symbol("(") => self.parenthesised(),
            Kind::Symbol("!") => {
                self.next += 1;
                match self.peek().map(|token| &token.kind) {
                    Some(Kind::Symbol("(")) => self.parenthesised().map(|node| Node::Not(Box::new(node))),
                    _ => Err(Fault::at(at, "`!` stands before parentheses only").label("write `!( … )`")),
                }
            }
            Kind::Word("not" | "NOT") => Err(Fault::at(at, "`not` is no operator here").label("write `!( … )`")),
            Kind::Word(_) => self.comparison(),
            Kind::Text(_) => Err(Fault::at(at, "a comparison begins with a field, not with a text")
                .help("write the field first: `http.path == \"/\"`")),
            Kind::Symbol(symbol) => Err(Fault::at(at, format!("`{symbol}` needs a field before it"))),
        }
    }

    fn parenthesised(&mut self) -> Result<Node, Fault> {
        let open = self.tokens[self.next].at.clone();
        self.next += 1;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Fault::at(open, format!("more than {MAX_DEPTH} parentheses stand within each other here")));
        }
        let node = self.all()?;
        self.depth -= 1;
        if self.takes(")") {
            return Ok(node);
        }
        Err(match self.peek() {
            Some(token) => left_over(token),
            None => Fault::at(open, "this `(` is not closed"),
        })
    }

    fn comparison(&mut self) -> Result<Node, Fault> {
        let left = self.left()?;
        let operator = self.operator()?;
        let Some(token) = self.tokens.get(self.next) else {
            let fault = self.missing(format!("`{}` needs a value behind it", operator.text));
            return Err(fault.help("write a text in double quotes, a number or an address"));
        };
        if let Kind::Symbol(symbol) = token.kind {
            let message = format!("`{}` needs a value behind it, not `{symbol}`", operator.text);
            return Err(
                Fault::at(token.at.clone(), message).help("write a text in double quotes, a number or an address")
            );
        }
        self.next += 1;
        build::test(&left, &operator, token).map(Node::Test)
    }

    /// A field, in `lower()` and `any()` or not.
    fn left(&mut self) -> Result<Left<'a>, Fault> {
        let mut left = Left { name: "", at: 0..0, lower: None, any: false };
        let mut open = Vec::new();
        loop {
            let Some(Token { kind: Kind::Word(word), at }) = self.tokens.get(self.next).cloned() else {
                return Err(self.missing("a field is missing here").help("write one such as `http.path`"));
            };
            self.next += 1;
            let call = self.peek().filter(|token| token.kind == Kind::Symbol("(")).map(|token| token.at.clone());
            let Some(bracket) = call else {
                (left.name, left.at) = (word, at);
                break;
            };
            match word {
                "lower" => left.lower = Some(at),
                "any" => left.any = true,
                _ => {
                    return Err(
                        Fault::at(at, format!("there is no function `{word}`")).label("`lower` and `any` are all")
                    );
                }
            }
            self.next += 1;
            open.push(bracket);
        }
        while let Some(bracket) = open.pop() {
            if !self.takes(")") {
                return Err(
                    Fault::at(bracket, "this `(` is not closed").help("a function takes one field, and nothing else")
                );
            }
        }
        Ok(left)
    }

    fn operator(&mut self) -> Result<Operator, Fault> {
        let Some(token) = self.tokens.get(self.next) else {
            return Err(self.missing("a comparison is missing here").help(OPERATORS));
        };
        let (start, end) = (token.at.start, token.at.end);
        let text = match token.kind {
            Kind::Symbol(symbol) if COMPARISONS.contains(&symbol) => symbol,
            Kind::Word("in") => "in",
            Kind::Word("contains") => "contains",
            Kind::Word("not") => {
                self.next += 1;
                let Some(Token { kind: Kind::Word("in"), at }) = self.tokens.get(self.next) else {
                    return Err(Fault::at(start..end, "`not` is no operator").label("write `not in` or `!=`"));
                };
                let at = start..at.end;
                self.next += 1;
                return Ok(Operator { text: "not in", at });
            }
            _ => return Err(Fault::at(start..end, "this is no operator").help(OPERATORS)),
        };
        self.next += 1;
        Ok(Operator { text, at: start..end })
    }

    fn peek(&self) -> Option<&Token<'a>> {
        self.tokens.get(self.next)
    }

    fn takes(&mut self, symbol: &'static str) -> bool {
        let takes = self.peek().is_some_and(|token| token.kind == Kind::Symbol(symbol));
        self.next += usize::from(takes);
        takes
    }

    /// What is missing behind the last token, at that, or (were there a next one) at the next.
    fn missing(&self, message: impl Into<String>) -> Fault {
        let next = self.peek().or(self.tokens.last()).map_or(0..self.end, |token| token.at.clone());
        let fault = Fault::at(next, message);
        if self.peek().is_none() && !self.tokens.is_empty() { fault.label("behind this") } else { fault }
    }
}

fn single(mut nodes: Vec<Node>, many: fn(Box<[Node]>) -> Node) -> Node {
    match nodes.pop() {
        Some(only) if nodes.is_empty() => only,
        last => many(nodes.into_iter().chain(last).collect()),
    }
}
