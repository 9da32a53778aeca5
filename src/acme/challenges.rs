//! Challenges that an authority may ask for (HTTP-01, RFC 8555 §8.3), shared by those who order and those who answer.

use bytes::Bytes;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// Answers by token. A clone has the same ones.
#[derive(Clone, Debug, Default)]
pub struct Challenges(Arc<RwLock<HashMap<Box<str>, Bytes>>>);

/// An answer is given as long as this is there.
#[derive(Debug)]
pub struct Posted {
    challenges: Challenges,
    token: Box<str>,
}

// === impl Challenges ===

impl Challenges {
    /// Answers a token from now on.
    #[must_use]
    pub fn post(&self, token: &str, answer: &str) -> Posted {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        all.insert(token.into(), Bytes::copy_from_slice(answer.as_bytes()));
        Posted { challenges: self.clone(), token: token.into() }
    }

    /// The answer to a token.
    #[must_use]
    pub fn find(&self, token: &str) -> Option<Bytes> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(token).cloned()
    }
}

// === impl Posted ===

impl Drop for Posted {
    fn drop(&mut self) {
        self.challenges.0.write().unwrap_or_else(PoisonError::into_inner).remove(&self.token);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_there_as_long_as_somebody_holds_it() {
        let challenges = Challenges::default();
        let posted = challenges.clone().post("t", "t.thumb");
        assert_eq!(challenges.find("t").as_deref(), Some(&b"t.thumb"[..]));
        assert_eq!(challenges.find("u"), None);
        drop(posted);
        assert_eq!(challenges.find("t"), None);
    }
}
