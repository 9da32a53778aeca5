//! Which patterns mean the same in PCRE and in the `regex` crate: a white list, read token by token. Whatever is not
//! known to be the same (look-around, back references, possessive and atomic groups, `\h`, `\Q`, POSIX classes, bytes
//! outside ASCII, repeats of what may be empty, …) is not in it. Pure.

/// Deeper nesting is left to PCRE, which has its own limit.
const DEPTH: usize = 32;

/// Larger repeats make the linear engine's program large.
const REPEAT: u32 = 250;

/// What a pattern of the common subset still needs to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shared {
    /// It has a `$`, which is not the same where the subject ends in a line feed.
    pub(super) dollar: bool,
}

/// A reader of one pattern.
struct Scan<'a> {
    rest: &'a [u8],
    groups: Vec<Group>,
    dollar: bool,
}

/// An open group, or the whole pattern.
#[derive(Clone, Copy)]
struct Group {
    /// Whether an alternative before this one may match nothing.
    others: bool,
    /// Whether this alternative may match nothing, as far as read.
    this: bool,
}

/// What was read last: only an item can be repeated.
enum Token {
    Item { empty: bool },
    Other,
}

/// Reads a pattern; `None` if it is not known to mean the same.
pub(super) fn scan(pattern: &str) -> Option<Shared> {
    let mut scan = Scan { rest: pattern.as_bytes(), groups: vec![Group::NEW], dollar: false };
    while let Some((&byte, rest)) = scan.rest.split_first() {
        scan.rest = rest;
        let token = scan.token(byte)?;
        scan.repeat(&token)?;
    }
    (scan.groups.len() == 1).then_some(Shared { dollar: scan.dollar })
}

// === impl Group ===

impl Group {
    const NEW: Self = Self { others: false, this: true };

    fn empty(self) -> bool {
        self.others || self.this
    }
}

// === impl Scan ===

impl Scan<'_> {
    fn token(&mut self, byte: u8) -> Option<Token> {
        match byte {
            b'\\' => self.escape(),
            b'[' => self.class(),
            b'(' => self.open(),
            b')' => self.close(),
            b'|' => self.alternative(),
            b'^' => Some(Token::Other),
            b'$' => {
                self.dollar = true;
                Some(Token::Other)
            }
            b'*' | b'+' | b'?' | b'{' | b'}' | b']' => None,
            b'.' | b' '..=b'~' => Some(Token::Item { empty: false }),
            _ => None,
        }
    }

    fn next(&mut self) -> Option<u8> {
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(byte)
    }

    fn skip(&mut self, text: &[u8]) -> bool {
        let Some(rest) = self.rest.strip_prefix(text) else { return false };
        self.rest = rest;
        true
    }

    fn group(&mut self) -> Option<&mut Group> {
        self.groups.last_mut()
    }

    fn escape(&mut self) -> Option<Token> {
        match self.next()? {
            b'd' | b'D' | b'w' | b'W' | b's' | b'S' | b't' | b'n' | b'r' | b'f' => Some(Token::Item { empty: false }),
            b'b' | b'A' | b'z' => Some(Token::Other),
            b'<' | b'>' => None,
            byte if byte.is_ascii_punctuation() => Some(Token::Item { empty: false }),
            _ => None,
        }
    }

    fn open(&mut self) -> Option<Token> {
        if self.groups.len() > DEPTH {
            return None;
        }
        if self.skip(b"?i)") {
            return Some(Token::Other);
        }
        if self.rest.first() == Some(&b'*') {
            return None;
        }
        if self.rest.first() == Some(&b'?') && !self.skip(b"?:") {
            self.name()?;
        }
        self.groups.push(Group::NEW);
        Some(Token::Other)
    }

    /// `?<name>` or `?P<name>`.
    fn name(&mut self) -> Option<()> {
        if !self.skip(b"?<") && !self.skip(b"?P<") {
            return None;
        }
        let end = self.rest.iter().position(|&b| b == b'>')?;
        let name = &self.rest[..end];
        self.rest = &self.rest[end + 1..];
        let word = name.iter().all(|&b| b.is_ascii_alphanumeric() || b == b'_');
        let starts = name.first().is_some_and(|&b| !b.is_ascii_digit());
        (word && starts && name.len() <= 32).then_some(())
    }

    fn close(&mut self) -> Option<Token> {
        let group = self.groups.pop()?;
        // The pattern itself stays.
        (!self.groups.is_empty()).then_some(Token::Item { empty: group.empty() })
    }

    fn alternative(&mut self) -> Option<Token> {
        let group = self.group()?;
        *group = Group { others: group.empty(), this: true };
        Some(Token::Other)
    }

    /// A class of single bytes, simple ranges and the usual escapes.
    fn class(&mut self) -> Option<Token> {
        let all = self.rest;
        self.skip(b"^");
        let mut items = 0_u32;
        loop {
            match self.next()? {
                b']' if items > 0 => {
                    let inside = &all[..all.len() - self.rest.len() - 1];
                    return (!is_posix(inside)).then_some(Token::Item { empty: false });
                }
                byte => self.class_item(byte, items == 0)?,
            }
            items += 1;
        }
    }

    fn class_item(&mut self, byte: u8, first: bool) -> Option<()> {
        match byte {
            b'\\' => {
                let byte = self.next()?;
                let known = matches!(byte, b'd' | b'D' | b'w' | b'W' | b's' | b'S' | b't' | b'n' | b'r' | b'f');
                let plain = byte.is_ascii_punctuation() && !matches!(byte, b'<' | b'>');
                // No range may start here.
                ((known || plain) && !self.dash_inside()).then_some(())
            }
            b'-' => (first || self.rest.first() == Some(&b']')).then_some(()),
            b'[' | b']' | b'&' | b'~' => None,
            b' '..=b'~' => self.range(byte),
            _ => None,
        }
    }

    /// Whether a `-` comes that is not the class's last byte.
    fn dash_inside(&self) -> bool {
        self.rest.first() == Some(&b'-') && self.rest.get(1) != Some(&b']')
    }

    /// A byte, or a range of letters or digits that starts with it.
    fn range(&mut self, from: u8) -> Option<()> {
        if !self.dash_inside() {
            return Some(());
        }
        self.next()?;
        let to = self.next()?;
        let alike = |is: fn(&u8) -> bool| is(&from) && is(&to);
        let kind = alike(u8::is_ascii_digit) || alike(u8::is_ascii_lowercase) || alike(u8::is_ascii_uppercase);
        (kind && from <= to && !self.dash_inside()).then_some(())
    }

    /// The quantifier after a token, if there is one; books whether the group can still be empty.
    fn repeat(&mut self, token: &Token) -> Option<()> {
        let &Token::Item { empty } = token else { return Some(()) };
        let min = self.quantifier()?;
        match min {
            // What may be empty is repeated differently.
            Some(_) if empty => return None,
            Some(0) => {}
            _ if empty => {}
            _ => self.group()?.this = false,
        }
        Some(())
    }

    /// The least count of a quantifier, `Some(None)` if none comes. `None` if it is not of the subset.
    fn quantifier(&mut self) -> Option<Option<u32>> {
        let min = match self.rest.first() {
            Some(b'*' | b'?') => {
                self.next()?;
                0
            }
            Some(b'+') => {
                self.next()?;
                1
            }
            Some(b'{') => {
                self.next()?;
                self.counts()?
            }
            _ => return Some(None),
        };
        self.skip(b"?");
        // Possessive, or a repeat of a repeat.
        let twice = matches!(self.rest.first(), Some(b'+' | b'*' | b'?' | b'{'));
        (!twice).then_some(Some(min))
    }

    /// `n}`, `n,}` or `n,m}`.
    fn counts(&mut self) -> Option<u32> {
        let min = self.number()?;
        let max = match self.next()? {
            b'}' => return (min > 0).then_some(min),
            b',' if self.skip(b"}") => return Some(min),
            b',' => self.number()?,
            _ => return None,
        };
        (self.next()? == b'}' && min <= max && max > 0).then_some(min)
    }

    fn number(&mut self) -> Option<u32> {
        let digits = self.rest.iter().take_while(|b| b.is_ascii_digit()).count();
        let (number, rest) = self.rest.split_at(digits);
        self.rest = rest;
        let number = std::str::from_utf8(number).ok()?.parse().ok()?;
        (number <= REPEAT).then_some(number)
    }
}

/// What PCRE takes for `[.a.]`, `[=a=]` or `[:a:]` of POSIX, and knows inside of other classes only, or not at all.
fn is_posix(class: &[u8]) -> bool {
    matches!(class, [first @ (b'.' | b'=' | b':'), .., last] if first == last)
}

/// See [`super::literal_prefix`]. Only of patterns without an alternative or an option that could change its start.
pub(super) fn literal_prefix(pattern: &str) -> Vec<u8> {
    let mut prefix = Vec::new();
    if pattern.contains('|') && !alternatives_are_inside(pattern) {
        return prefix;
    }
    let mut rest = pattern.as_bytes();
    rest = rest.strip_prefix(b"^").unwrap_or(rest);
    while let Some((byte, after)) = literal(rest) {
        rest = after;
        // The last byte may be optional.
        if matches!(rest.first(), Some(b'*' | b'?' | b'{')) {
            break;
        }
        prefix.push(byte);
        if rest.first() == Some(&b'+') {
            break;
        }
    }
    prefix
}

/// One byte that stands for itself, and what follows.
fn literal(rest: &[u8]) -> Option<(u8, &[u8])> {
    match *rest {
        [b'\\', byte, ref after @ ..] if byte.is_ascii_punctuation() => Some((byte, after)),
        [b'\\' | b'[' | b'(' | b')' | b'|' | b'^' | b'$' | b'.' | b'*' | b'+' | b'?' | b'{' | b'#', ..] => None,
        [byte, ref after @ ..] if byte.is_ascii_graphic() => Some((byte, after)),
        _ => None,
    }
}

/// Whether each `|` stands in a group or a class, or is escaped; `false` if in doubt.
fn alternatives_are_inside(pattern: &str) -> bool {
    if scan(pattern).is_none() {
        return false;
    }
    let (mut depth, mut class) = (0_u32, false);
    let mut bytes = pattern.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => drop(bytes.next()),
            b']' => class = false,
            _ if class => {}
            b'[' => class = true,
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            b'|' if depth == 0 => return false,
            _ => {}
        }
    }
    true
}
