//! Lua's patterns (Lua 5.1 manual §5.4.1), matched in steps that are counted: LuaJIT matches them where no hook runs, and
//! a pattern can take longer than anybody waits.

/// What a group matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    /// These bytes of the subject.
    Text(usize, usize),
    /// `()`: where it was, counted from 1.
    Place(usize),
}

/// A match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Match {
    /// First byte.
    pub start: usize,
    /// One past the last.
    pub end: usize,
    /// Its groups, in the order in which they open.
    pub groups: Vec<Group>,
}

/// Why there is no saying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The pattern is none, in LuaJIT's words.
    Malformed(&'static str),
    /// It was told to stop.
    Stopped,
}

type Found = Result<Option<usize>, Fault>;

/// Most groups of a pattern.
const MOST_GROUPS: usize = 32;
/// Levels of recursion, as in LuaJIT.
const DEEPEST: usize = 200;
/// Steps between two questions whether to go on.
const EVERY: u32 = 1000;

const ENDS_WITH_ESCAPE: Fault = Fault::Malformed("malformed pattern (ends with '%')");
const NO_BRACKET: Fault = Fault::Malformed("malformed pattern (missing ']')");
const TOO_COMPLEX: Fault = Fault::Malformed("pattern too complex");
const UNFINISHED: Fault = Fault::Malformed("unfinished capture");
const NO_SUCH_GROUP: Fault = Fault::Malformed("invalid capture index");

/// One attempt to match.
struct Matcher<'a> {
    subject: &'a [u8],
    pattern: &'a [u8],
    /// Where each group begins, and how far it goes.
    groups: Vec<(usize, Extent)>,
    depth: usize,
    steps: u32,
    /// Whether to go on.
    goes_on: &'a dyn Fn() -> bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    Open,
    Closed(usize),
    Place,
}

/// The first match at or behind a byte; with `anchored`, only at that byte. A `^` is no anchor here.
pub(super) fn find(
    subject: &[u8],
    pattern: &[u8],
    from: usize,
    anchored: bool,
    goes_on: &dyn Fn() -> bool,
) -> Result<Option<Match>, Fault> {
    // To LuaJIT a pattern ends where a text of C's ends.
    let pattern = pattern.split(|byte| *byte == 0).next().unwrap_or_default();
    let mut matcher = Matcher { subject, pattern, groups: Vec::new(), depth: 0, steps: 0, goes_on };
    let last = if anchored { from } else { subject.len() };
    for start in from..=last {
        matcher.groups.clear();
        if let Some(end) = matcher.matches(start, 0)? {
            return Ok(Some(Match { start, end, groups: matcher.taken()? }));
        }
    }
    Ok(None)
}

// === impl Matcher ===

impl Matcher<'_> {
    fn taken(&self) -> Result<Vec<Group>, Fault> {
        let group = |(start, extent): &(usize, Extent)| match extent {
            Extent::Open => Err(UNFINISHED),
            Extent::Closed(end) => Ok(Group::Text(*start, *end)),
            Extent::Place => Ok(Group::Place(start + 1)),
        };
        self.groups.iter().map(group).collect()
    }

    fn step(&mut self) -> Result<(), Fault> {
        self.steps += 1;
        if self.steps.is_multiple_of(EVERY) && !(self.goes_on)() {
            return Err(Fault::Stopped);
        }
        Ok(())
    }

    /// Where a match ends that begins at `at` with the pattern from `rest` on.
    fn matches(&mut self, at: usize, rest: usize) -> Found {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(TOO_COMPLEX);
        }
        let found = self.run(at, rest);
        self.depth -= 1;
        found
    }

    fn run(&mut self, mut at: usize, mut rest: usize) -> Found {
        loop {
            self.step()?;
            let next = self.pattern.get(rest + 1).copied();
            match (self.pattern.get(rest), next) {
                (None, _) => return Ok(Some(at)),
                (Some(b'('), Some(b')')) => return self.open(at, rest + 2, Extent::Place),
                (Some(b'('), _) => return self.open(at, rest + 1, Extent::Open),
                (Some(b')'), _) => return self.close(at, rest + 1),
                (Some(b'$'), None) => return Ok((at == self.subject.len()).then_some(at)),
                (Some(b'%'), Some(b'b')) => match self.balanced(at, rest + 2)? {
                    Some(end) => (at, rest) = (end, rest + 4),
                    None => return Ok(None),
                },
                (Some(b'%'), Some(b'f')) => match self.frontier(at, rest + 2)? {
                    Some(behind) => rest = behind,
                    None => return Ok(None),
                },
                (Some(b'%'), Some(digit @ b'0'..=b'9')) => match self.again(at, digit)? {
                    Some(end) => (at, rest) = (end, rest + 2),
                    None => return Ok(None),
                },
                _ => {
                    let behind = self.class_end(rest)?;
                    match self.pattern.get(behind) {
                        Some(b'?') => return self.optional(at, rest, behind),
                        Some(b'*') => return self.longest(at, rest, behind, 0),
                        Some(b'+') => return self.longest(at, rest, behind, 1),
                        Some(b'-') => return self.shortest(at, rest, behind),
                        _ if self.fits(at, rest, behind) => (at, rest) = (at + 1, behind),
                        _ => return Ok(None),
                    }
                }
            }
        }
    }

    // === groups ===

    fn open(&mut self, at: usize, rest: usize, extent: Extent) -> Found {
        if self.groups.len() >= MOST_GROUPS {
            return Err(Fault::Malformed("too many captures"));
        }
        self.groups.push((at, extent));
        let found = self.matches(at, rest)?;
        if found.is_none() {
            self.groups.pop();
        }
        Ok(found)
    }

    fn close(&mut self, at: usize, rest: usize) -> Found {
        let open = self.groups.iter().rposition(|(_, extent)| *extent == Extent::Open);
        let open = open.ok_or(Fault::Malformed("invalid pattern capture"))?;
        self.groups[open].1 = Extent::Closed(at);
        let found = self.matches(at, rest)?;
        if found.is_none() {
            self.groups[open].1 = Extent::Open;
        }
        Ok(found)
    }

    /// `%1`: the same text again.
    fn again(&mut self, at: usize, digit: u8) -> Found {
        let number = usize::from(digit).checked_sub(usize::from(b'1')).ok_or(NO_SUCH_GROUP)?;
        let (start, end) = match self.groups.get(number) {
            Some((start, Extent::Closed(end))) => (*start, *end),
            // LuaJIT takes a place for the longest of texts, which is nowhere.
            Some((_, Extent::Place)) => return Ok(None),
            _ => return Err(NO_SUCH_GROUP),
        };
        let same = self.subject[at..].starts_with(&self.subject[start..end]);
        Ok(same.then_some(at + end - start))
    }

    // === single items ===

    /// `%bxy`.
    fn balanced(&mut self, at: usize, rest: usize) -> Found {
        let (Some(&open), Some(&close)) = (self.pattern.get(rest), self.pattern.get(rest + 1)) else {
            return Err(Fault::Malformed("unbalanced pattern"));
        };
        if self.subject.get(at) != Some(&open) {
            return Ok(None);
        }
        let mut depth = 1_usize;
        for end in at + 1..self.subject.len() {
            self.step()?;
            let byte = self.subject[end];
            if byte == close {
                depth -= 1;
            } else if byte == open {
                depth += 1;
            }
            if depth == 0 {
                return Ok(Some(end + 1));
            }
        }
        Ok(None)
    }

    /// `%f[set]`: where the pattern goes on, if a byte of the set begins here and none ends.
    fn frontier(&mut self, at: usize, rest: usize) -> Found {
        if self.pattern.get(rest) != Some(&b'[') {
            return Err(Fault::Malformed("missing '[' after '%f' in pattern"));
        }
        let behind = self.class_end(rest)?;
        let before = at.checked_sub(1).map_or(0, |before| self.subject[before]);
        let here = self.subject.get(at).copied().unwrap_or(0);
        Ok((!self.in_set(before, rest, behind) && self.in_set(here, rest, behind)).then_some(behind))
    }

    fn optional(&mut self, at: usize, rest: usize, behind: usize) -> Found {
        if self.fits(at, rest, behind)
            && let Some(end) = self.matches(at + 1, behind + 1)?
        {
            return Ok(Some(end));
        }
        self.matches(at, behind + 1)
    }

    /// `*` and `+`: as many as there are, or fewer if the rest needs that.
    fn longest(&mut self, at: usize, rest: usize, behind: usize, least: usize) -> Found {
        let mut count = 0;
        while self.fits(at + count, rest, behind) {
            self.step()?;
            count += 1;
        }
        for count in (least..=count).rev() {
            self.step()?;
            if let Some(end) = self.matches(at + count, behind + 1)? {
                return Ok(Some(end));
            }
        }
        Ok(None)
    }

    /// `-`: as few as the rest needs.
    fn shortest(&mut self, mut at: usize, rest: usize, behind: usize) -> Found {
        loop {
            self.step()?;
            if let Some(end) = self.matches(at, behind + 1)? {
                return Ok(Some(end));
            }
            if !self.fits(at, rest, behind) {
                return Ok(None);
            }
            at += 1;
        }
    }

    // === classes ===

    /// Where the class ends that begins at `rest`.
    fn class_end(&self, rest: usize) -> Result<usize, Fault> {
        match self.pattern[rest] {
            b'%' if rest + 1 >= self.pattern.len() => Err(ENDS_WITH_ESCAPE),
            b'%' => Ok(rest + 2),
            b'[' => self.set_end(rest + 1),
            _ => Ok(rest + 1),
        }
    }

    fn set_end(&self, mut rest: usize) -> Result<usize, Fault> {
        if self.pattern.get(rest) == Some(&b'^') {
            rest += 1;
        }
        // A bracket that comes first is one of the set.
        loop {
            rest += match self.pattern.get(rest) {
                None => return Err(NO_BRACKET),
                Some(b'%') if rest + 1 < self.pattern.len() => 2,
                Some(b'%') => return Err(NO_BRACKET),
                Some(_) => 1,
            };
            if self.pattern.get(rest) == Some(&b']') {
                return Ok(rest + 1);
            }
        }
    }

    /// Whether the byte at `at` is of the class between `rest` and `behind`.
    fn fits(&self, at: usize, rest: usize, behind: usize) -> bool {
        let Some(&byte) = self.subject.get(at) else { return false };
        match self.pattern[rest] {
            b'.' => true,
            b'%' => is_of(byte, self.pattern[rest + 1]),
            b'[' => self.in_set(byte, rest, behind),
            plain => plain == byte,
        }
    }

    fn in_set(&self, byte: u8, rest: usize, behind: usize) -> bool {
        let set = &self.pattern[rest + 1..behind - 1];
        match set.strip_prefix(b"^") {
            Some(set) => !has(set, byte),
            None => has(set, byte),
        }
    }
}

fn has(mut set: &[u8], byte: u8) -> bool {
    loop {
        let (found, behind) = match set {
            [] => return false,
            [b'%', class, behind @ ..] => (is_of(byte, *class), behind),
            [from, b'-', to, behind @ ..] => ((*from..=*to).contains(&byte), behind),
            [plain, behind @ ..] => (*plain == byte, behind),
        };
        if found {
            return true;
        }
        set = behind;
    }
}

/// `%a` and so on; in upper case, all but those. Anything else stands for itself.
fn is_of(byte: u8, class: u8) -> bool {
    let is = match class.to_ascii_lowercase() {
        b'a' => byte.is_ascii_alphabetic(),
        b'c' => byte.is_ascii_control(),
        b'd' => byte.is_ascii_digit(),
        b'g' => byte.is_ascii_graphic(),
        b'l' => byte.is_ascii_lowercase(),
        b'p' => byte.is_ascii_punctuation(),
        b's' => byte.is_ascii_whitespace() || byte == 0x0b,
        b'u' => byte.is_ascii_uppercase(),
        b'w' => byte.is_ascii_alphanumeric(),
        b'x' => byte.is_ascii_hexdigit(),
        b'z' => byte == 0,
        _ => return class == byte,
    };
    is != class.is_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use mlua::{Lua, MultiValue, Value};
    use proptest::prelude::*;

    fn ours(subject: &[u8], pattern: &[u8]) -> Result<Option<Match>, String> {
        find(subject, pattern, 0, false, &|| true).map_err(|fault| match fault {
            Fault::Malformed(words) => words.to_owned(),
            Fault::Stopped => "stopped".to_owned(),
        })
    }

    /// The same as numbers and texts, from LuaJIT.
    fn theirs(lua: &Lua, subject: &[u8], pattern: &[u8]) -> Result<Vec<String>, String> {
        let find: mlua::Function = lua.load("local s, p = ... return string.find(s, p)").into_function().unwrap();
        let texts = (lua.create_string(subject).unwrap(), lua.create_string(pattern).unwrap());
        let values = find.call::<MultiValue>(texts).map_err(|error| crate::lua::vm::message(&error))?;
        Ok(values.iter().map(shown).collect())
    }

    fn shown(value: &Value) -> String {
        match value {
            Value::String(text) => format!("{:?}", &*text.as_bytes()),
            other => format!("{other:?}"),
        }
    }

    fn written(subject: &[u8], found: Option<Match>) -> Vec<String> {
        let Some(found) = found else { return vec!["Nil".to_owned()] };
        let place = |at: usize| format!("Integer({at})");
        let group = |group: &Group| match *group {
            Group::Text(start, end) => format!("{:?}", &subject[start..end]),
            Group::Place(at) => place(at),
        };
        [place(found.start + 1), place(found.end)].into_iter().chain(found.groups.iter().map(group)).collect()
    }

    fn same(lua: &Lua, subject: &[u8], pattern: &[u8]) {
        // `find` looks for a text without magic, and takes `^`, itself.
        if pattern.first() == Some(&b'^') || !pattern.iter().any(|byte| b"^$*+?.([%-".contains(byte)) {
            return;
        }
        let (ours, theirs) = (ours(subject, pattern), theirs(lua, subject, pattern));
        let about = || format!("{:?} {:?}", String::from_utf8_lossy(subject), String::from_utf8_lossy(pattern));
        match (ours, theirs) {
            (Ok(found), Ok(values)) => assert_eq!(written(subject, found), values, "{}", about()),
            (Err(words), Err(message)) => assert!(message.contains(&words), "{} {words} {message}", about()),
            (ours, theirs) => panic!("{} {ours:?} {theirs:?}", about()),
        }
    }

    #[test]
    fn patterns_match_as_in_luajit() {
        let lua = Lua::new();
        for (subject, pattern) in [
            ("key = value", "(%w+)%s*=%s*(%w+)"),
            ("f(a(b)c)d", "%b()"),
            ("THE (quick) fox", "%f[%a]%a+%f[%A]"),
            ("say 'hi'", "(['\"])(.-)%1"),
            ("abc", "()b()"),
            ("a.b-c", "[%w.-]+"),
            ("x]y", "[]]"),
            ("x^y", "[%^]"),
            ("aaa", "a-$"),
            ("abc", "(a)(b"),
            ("abc", "a)"),
            ("abc", "[a"),
            ("abc", "[a%"),
            ("abc", "%"),
            ("abc", "%1"),
            ("abc", "()%1"),
            ("abc", "%b"),
            ("abc", "%f"),
            ("abc", "a$b"),
            ("a-b", "a%-b"),
            ("abc", "[a-]"),
            ("abc", "[^a-b]"),
            ("abc", "[c-a]"),
        ] {
            same(&lua, subject.as_bytes(), pattern.as_bytes());
        }
        same(&lua, b"abc", &b"()".repeat(40));
        same(&lua, &b"a".repeat(300), &b"a?".repeat(250));
    }

    #[test]
    fn who_says_stop_is_obeyed() {
        let subject = b"a".repeat(5000);
        let pattern = b".-.-.-.-.-b";
        assert_eq!(find(&subject, pattern, 0, false, &|| false), Err(Fault::Stopped));
    }

    /// Patterns of what means something.
    const ITEMS: &str = r"([ab(]|\(\)|[)\[\]^$.%*+?-]|%[abfdswz1A]|%bab|\[\^?[ab%]{1,3}\]|\[a-b\]|\x00){1,9}";

    proptest! {
        #[test]
        fn any_pattern_matches_as_in_luajit(subject in "[ab1 \\x00\\xff(]{0,12}", pattern in ITEMS) {
            let lua = Lua::new();
            same(&lua, subject.as_bytes(), pattern.as_bytes());
        }

        #[test]
        fn any_bytes_are_a_pattern(subject in any::<Vec<u8>>(), pattern in any::<Vec<u8>>()) {
            let _ = find(&subject, &pattern, 0, false, &|| true);
        }
    }
}
