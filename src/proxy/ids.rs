//! A request's id: what its client calls it, where that is fit for a log, or one that is made here. Pure.

use crate::plugin::Ctx;
use http::{HeaderMap, HeaderName, HeaderValue};

/// Most bytes of a client's id.
const LONGEST: usize = 128;

/// What the client calls its request, if it says so once, and in letters, digits and `-._~:/+=@` only.
pub(super) fn given(headers: &HeaderMap, name: &HeaderName) -> Option<Box<str>> {
    let mut lines = headers.get_all(name).iter();
    let only = lines.next().filter(|_| lines.next().is_none())?.to_str().ok()?;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/+=@".contains(&byte);
    ((1..=LONGEST).contains(&only.len()) && only.bytes().all(fits)).then(|| only.into())
}

/// Writes the id down, in place of whatever stands there.
pub(super) fn tell(headers: &mut HeaderMap, name: Option<&HeaderName>, cx: &Ctx) {
    let (Some(name), Some(id)) = (name, cx.request_id.as_deref()) else { return };
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(name, id);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_a_short_and_plain_id_is_taken() {
        let name = HeaderName::from_static("x-request-id");
        let said = |values: &[&str]| {
            let lines = values.iter().map(|value| (name.clone(), HeaderValue::from_str(value).unwrap()));
            given(&lines.collect(), &name)
        };
        assert_eq!(said(&["Root=1-67891233/ab_c@d"]).as_deref(), Some("Root=1-67891233/ab_c@d"));
        assert_eq!(said(&["a".repeat(128).as_str()]).map(|id| id.len()), Some(128));
        for wrong in [vec![], vec![""], vec!["a", "a"], vec!["a b"], vec!["a\"b"], vec![&*"a".repeat(129)]] {
            assert_eq!(said(&wrong), None, "{wrong:?}");
        }
    }
}
