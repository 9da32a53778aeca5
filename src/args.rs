//! Arguments of a query or a form, as nginx's Lua module reads and writes them: `&`-separated, `+` is a space, names
//! may repeat and may have no value. Bytes, since nothing says that they are UTF-8.
//!
//! Text in, text out; which request they belong to is the caller's business.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, percent_encode};
use std::borrow::Cow;

/// Arguments that are read; the rest is dropped, as in Kong (`ngx.req.get_uri_args`).
pub const MOST: usize = 100;

/// All is escaped but what JavaScript's `encodeURIComponent` leaves as it is, too (recorded in suite `file-supabase`: `*`).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// A value; `None` when there is not even a `=`.
pub type Value = Option<Vec<u8>>;

/// Arguments by name, names in the order in which they first came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Args(Vec<(Vec<u8>, Vec<Value>)>);

// === impl Args ===

impl Args {
    /// Reads at most [`MOST`] arguments. What has no name is passed over.
    #[must_use]
    pub fn parse(text: &[u8]) -> Self {
        Self::parse_some(text, MOST)
    }

    /// Reads no more than this many.
    #[must_use]
    pub fn parse_some(text: &[u8], most: usize) -> Self {
        let mut args = Self::default();
        for (name, value) in text.split(|&b| b == b'&').filter_map(pair).take(most) {
            args.push(&name, value.map(Cow::into_owned));
        }
        args
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The values of a name.
    #[must_use]
    pub fn get(&self, name: &[u8]) -> Option<&[Value]> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, values)| &**values)
    }

    /// Names and their values.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[Value])> {
        self.0.iter().map(|(name, values)| (&**name, &**values))
    }

    /// Takes a name out.
    pub fn remove(&mut self, name: &[u8]) -> Option<Vec<Value>> {
        let at = self.0.iter().position(|(n, _)| n == name)?;
        Some(self.0.remove(at).1)
    }

    /// Gives a name these values and no others.
    pub fn set(&mut self, name: &[u8], values: Vec<Value>) {
        match self.values(name) {
            Some(old) => *old = values,
            None => self.0.push((name.to_vec(), values)),
        }
    }

    /// Adds a value to a name.
    pub fn push(&mut self, name: &[u8], value: Value) {
        match self.values(name) {
            Some(values) => values.push(value),
            None => self.0.push((name.to_vec(), vec![value])),
        }
    }

    /// As text, in order.
    #[must_use]
    pub fn encode(&self) -> String {
        self.texts().join("&")
    }

    /// As text, ordered by the encoded text of each name with its values: Kong's order for a query that a plugin set.
    #[must_use]
    pub fn encode_sorted(&self) -> String {
        let mut texts = self.texts();
        texts.sort_unstable();
        texts.join("&")
    }

    fn values(&mut self, name: &[u8]) -> Option<&mut Vec<Value>> {
        self.0.iter_mut().find(|(n, _)| n == name).map(|(_, values)| values)
    }

    fn texts(&self) -> Vec<String> {
        self.0.iter().map(|(name, values)| encode(name, values)).collect()
    }
}

/// The values of one name among the first [`MOST`] arguments of a text, read without reading the others' values.
pub fn values<'a>(text: &'a [u8], name: &[u8]) -> impl Iterator<Item = Option<Cow<'a, [u8]>>> {
    let named = text.split(|&b| b == b'&').filter_map(split).take(MOST);
    named.filter(move |(own, _)| decode(own) == name).map(|(_, value)| value.map(decode))
}

/// A text without the arguments of one name; all else is as it was.
#[must_use]
pub fn without(text: &str, name: &[u8]) -> String {
    let is_other = |part: &&str| split(part.as_bytes()).is_none_or(|(own, _)| decode(own) != name);
    text.split('&').filter(is_other).collect::<Vec<_>>().join("&")
}

fn encode(name: &[u8], values: &[Value]) -> String {
    let name = percent_encode(name, ESCAPED);
    let one = |value: &Value| match value {
        Some(value) => format!("{name}={}", percent_encode(value, ESCAPED)),
        None => name.to_string(),
    };
    values.iter().map(one).collect::<Vec<_>>().join("&")
}

type Pair<'a> = (Cow<'a, [u8]>, Option<Cow<'a, [u8]>>);

fn pair(text: &[u8]) -> Option<Pair<'_>> {
    split(text).map(|(name, value)| (decode(name), value.map(decode)))
}

/// Name and value as they are written. `None` without a name.
fn split(text: &[u8]) -> Option<(&[u8], Option<&[u8]>)> {
    let at = text.iter().position(|&b| b == b'=');
    let name = &text[..at.unwrap_or(text.len())];
    (!name.is_empty()).then(|| (name, at.map(|at| &text[at + 1..])))
}

fn decode(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.contains(&b'+') {
        return percent_decode(text).into();
    }
    let spaced: Vec<u8> = text.iter().map(|&b| if b == b'+' { b' ' } else { b }).collect();
    Cow::Owned(percent_decode(&spaced).collect())
}

#[cfg(test)]
mod tests {
    use super::{Args, MOST, values, without};
    use std::borrow::Cow;

    #[test]
    fn reads_and_writes() {
        let cases = [
            ("", ""),
            ("&&", ""),
            ("=x&a", "a"),
            ("z=&a", "a&z="),
            ("a=1&b&a=2&a", "a=1&a=2&a&b"),
            ("b=%20x&a=y+z", "a=y%20z&b=%20x"),
            ("q=a%26b%3Dc", "q=a%26b%3Dc"),
            ("a[b][1]=%zz", "a%5Bb%5D%5B1%5D=%25zz"),
            ("e=a=b", "e=a%3Db"),
            ("u=-._~%21%27%28%29%2A", "u=-._~!'()*"),
            ("%ff=%00", "%FF=%00"),
        ];
        for (text, sorted) in cases {
            assert_eq!(Args::parse(text.as_bytes()).encode_sorted(), sorted, "{text}");
        }
    }

    #[test]
    fn sorts_names_but_keeps_the_order_of_their_values() {
        let args = Args::parse(b"b=9&a=z&c=0&a=1");
        assert_eq!(args.encode_sorted(), "a=z&a=1&b=9&c=0");
        assert_eq!(args.encode(), "b=9&a=z&a=1&c=0");
    }

    #[test]
    fn finds_one_name_and_leaves_it_out() {
        let found = |text: &'static str, name: &str| -> Vec<Option<String>> {
            let lossy = |value: Cow<'_, [u8]>| String::from_utf8_lossy(&value).into_owned();
            values(text.as_bytes(), name.as_bytes()).map(|value| value.map(lossy)).collect()
        };
        assert_eq!(found("a=1&k=x+y&k&%6B=%2F&K=n&=k", "k"), [Some("x y".into()), None, Some("/".into())]);
        assert_eq!(found("", "k"), []);
        for (text, left) in [("k=1&a=%20&b", "a=%20&b"), ("b&&%6b&k", "b&"), ("k", ""), ("", ""), ("kk=1", "kk=1")] {
            assert_eq!(without(text, b"k"), left, "{text}");
        }
        let late = format!("{}k=1", "a&".repeat(MOST));
        assert_eq!(values(late.as_bytes(), b"k").count(), 0);
    }

    #[test]
    fn reads_no_more_than_kong_does() {
        let text = vec!["a=1"; MOST + 5].join("&");
        assert_eq!(Args::parse(text.as_bytes()).get(b"a").map(<[_]>::len), Some(MOST));
    }
}
