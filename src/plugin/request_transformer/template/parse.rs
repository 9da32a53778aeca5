//! Reads an expression (Lua 5.1 manual §2.5).

use super::Unknown;
use super::env::Lookup;
use super::expr::{Expr, Op};
use super::lex::{Token, tokens};
use super::value::{Method, Value};
use std::borrow::Cow;

/// More operators, parentheses and calls than this are refused, since each is a level of recursion at worst.
const MOST: usize = 250;

/// Words that are no names (Lua 5.1 manual §2.1).
const KEYWORDS: [&str; 21] = [
    "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "if", "in", "local", "nil", "not", "or",
    "repeat", "return", "then", "true", "until", "while",
];

/// Reads an expression.
pub(super) fn expression(text: &str) -> Result<Expr, Unknown> {
    let mut parser = Parser { tokens: &tokens(text)?, used: 0 };
    let expr = parser.binary(0)?;
    if parser.tokens.is_empty() { Ok(expr) } else { Err(parser.unknown()) }
}

struct Parser<'a> {
    /// Those that are left.
    tokens: &'a [Token<'a>],
    /// How much of [`MOST`] is used.
    used: usize,
}

// === impl Parser ===

impl<'a> Parser<'a> {
    /// Operands with operators that bind to the left more strongly than `limit`.
    fn binary(&mut self, limit: u8) -> Result<Expr, Unknown> {
        self.count()?;
        let mut left = self.unary()?;
        while let Some(op) = self.operator().filter(|op| op.strength().0 > limit) {
            self.skip();
            let right = self.binary(op.strength().1)?;
            left = Expr::Binary(op, Box::new((left, right)));
        }
        Ok(left)
    }

    /// `not` binds more strongly than every operator here.
    fn unary(&mut self) -> Result<Expr, Unknown> {
        if !self.takes(&Token::Name("not")) {
            return self.operand();
        }
        self.count()?;
        Ok(Expr::Not(Box::new(self.unary()?)))
    }

    fn operand(&mut self) -> Result<Expr, Unknown> {
        let constant = match self.tokens.first() {
            Some(Token::Name("nil")) => Value::Nil,
            Some(Token::Name("true")) => Value::Bool(true),
            Some(Token::Name("false")) => Value::Bool(false),
            Some(Token::Text(text)) => Value::Text(Cow::Owned(text.clone())),
            Some(Token::Number(_) | Token::Symbol("-")) => return self.number().map(Value::Number).map(Expr::Constant),
            _ => return self.prefixed(),
        };
        self.skip();
        Ok(Expr::Constant(constant))
    }

    /// A number, perhaps negative.
    fn number(&mut self) -> Result<f64, Unknown> {
        let negative = self.takes(&Token::Symbol("-"));
        let Some(&Token::Number(number)) = self.tokens.first() else { return Err(self.unknown()) };
        self.skip();
        Ok(if negative { -number } else { number })
    }

    /// What methods can be called on: names and parentheses, but not literals.
    fn prefixed(&mut self) -> Result<Expr, Unknown> {
        let mut expr = if self.takes(&Token::Symbol("(")) {
            let inner = self.binary(0)?;
            self.expect(")")?;
            inner
        } else {
            self.lookup()?
        };
        while self.takes(&Token::Symbol(":")) {
            self.count()?;
            expr = Expr::Call(Box::new(expr), self.method()?);
        }
        Ok(expr)
    }

    fn lookup(&mut self) -> Result<Expr, Unknown> {
        let Some(&Token::Name(table @ ("headers" | "query_params" | "uri_captures"))) = self.tokens.first() else {
            return Err(self.unknown());
        };
        self.skip();
        if let ("uri_captures", [Token::Symbol("["), Token::Number(_) | Token::Symbol("-"), ..]) = (table, self.tokens) {
            return self.numbered();
        }
        let key = self.key()?;
        Ok(Expr::Lookup(match table {
            "headers" => Lookup::header(&key),
            "query_params" => Lookup::Query(key.into()),
            _ => Lookup::Name(key.into()),
        }))
    }

    /// `[1]`. There are no groups but those with a whole number.
    fn numbered(&mut self) -> Result<Expr, Unknown> {
        self.expect("[")?;
        let number = self.number()?;
        self.expect("]")?;
        let exists = number >= 0.0 && number.fract() == 0.0;
        Ok(if exists { Expr::Lookup(Lookup::Number(number as usize)) } else { Expr::Constant(Value::Nil) })
    }

    /// `.name` or `['name']`.
    fn key(&mut self) -> Result<Vec<u8>, Unknown> {
        match self.tokens {
            [Token::Symbol("."), Token::Name(name), rest @ ..] if !KEYWORDS.contains(name) => {
                self.tokens = rest;
                Ok(name.as_bytes().to_vec())
            }
            [Token::Symbol("["), Token::Text(name), Token::Symbol("]"), rest @ ..] => {
                self.tokens = rest;
                Ok(name.clone())
            }
            [Token::Symbol("." | "["), rest @ ..] => {
                self.tokens = rest;
                Err(self.unknown())
            }
            _ => Err(self.unknown()),
        }
    }

    /// A method with its arguments.
    fn method(&mut self) -> Result<Method, Unknown> {
        let Some(&Token::Name(name @ ("sub" | "lower" | "upper"))) = self.tokens.first() else {
            return Err(self.unknown());
        };
        self.skip();
        self.expect("(")?;
        let method = match name {
            "lower" => Method::Lower,
            "upper" => Method::Upper,
            _ => Method::Sub(self.place()?, if self.takes(&Token::Symbol(",")) { self.place()? } else { -1 }),
        };
        self.expect(")")?;
        Ok(method)
    }

    /// A place in a text: Lua cuts off what follows the point.
    fn place(&mut self) -> Result<i64, Unknown> {
        Ok(self.number()? as i64)
    }

    fn operator(&self) -> Option<Op> {
        match self.tokens.first()? {
            Token::Name("or") => Some(Op::Or),
            Token::Name("and") => Some(Op::And),
            Token::Symbol("==") => Some(Op::Equal),
            Token::Symbol("~=") => Some(Op::Different),
            Token::Symbol("..") => Some(Op::Concat),
            _ => None,
        }
    }

    // === tokens ===

    fn skip(&mut self) {
        self.tokens = self.tokens.get(1..).unwrap_or_default();
    }

    fn takes(&mut self, token: &Token<'_>) -> bool {
        let found = self.tokens.first() == Some(token);
        if found {
            self.skip();
        }
        found
    }

    fn expect(&mut self, symbol: &'static str) -> Result<(), Unknown> {
        if self.takes(&Token::Symbol(symbol)) { Ok(()) } else { Err(self.unknown()) }
    }

    /// The next token is none that could be understood here.
    fn unknown(&self) -> Unknown {
        Unknown(self.tokens.first().map_or_else(|| "the end of the expression".to_owned(), Token::describe))
    }

    fn count(&mut self) -> Result<(), Unknown> {
        self.used += 1;
        if self.used > MOST { Err(Unknown(format!("more than {MOST} operators"))) } else { Ok(()) }
    }
}
