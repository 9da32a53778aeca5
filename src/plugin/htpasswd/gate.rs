//! Who may come in, and who is shut out: one decision, on whatever thread it is made.

use super::lockout::{Limits, Lockout};
use super::users::{Seal, Sealer, Users};
use crate::plugin::basic::Credentials;
use arc_swap::ArcSwap;
use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a check needs.
pub(super) struct Gate {
    users: Arc<ArcSwap<Users>>,
    sealer: Sealer,
    lockout: Lockout,
    /// For the log.
    realm: Box<str>,
}

/// Who asks, and since when.
pub(super) struct Asked {
    credentials: Credentials,
    seal: Seal,
    client: IpAddr,
    now: Instant,
    /// Whether failures count, those before and this one.
    counts: bool,
}

/// What is said to it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is this user.
    Right(Box<str>),
    /// There is no such user, or the password is another.
    Wrong,
    /// Whatever it says, for so long.
    ShutOut(Duration),
}

// === impl Gate ===

impl Gate {
    /// A gate where nobody was yet. The key should be random.
    pub(super) fn new(users: Arc<ArcSwap<Users>>, key: &[u8; 32], limits: Limits, realm: &str) -> Self {
        Self { users, sealer: Sealer::new(key), lockout: Lockout::new(limits), realm: realm.into() }
    }

    /// Who may come in, for whoever follows the file.
    pub(super) fn users(&self) -> Arc<ArcSwap<Users>> {
        Arc::clone(&self.users)
    }

    /// How long a client is shut out, if it is.
    pub(super) fn shut_out(&self, client: IpAddr, now: Instant) -> Option<Verdict> {
        self.lockout.left(client, now).map(Verdict::ShutOut)
    }

    /// What a client asks for.
    pub(super) fn asked(&self, credentials: Credentials, client: IpAddr, now: Instant) -> Asked {
        Asked { seal: self.sealer.seal(&credentials), credentials, client, now, counts: true }
    }

    /// The verdict, if it does not take long to find.
    pub(super) fn judge_at_once(&self, asked: &Asked) -> Option<Verdict> {
        let users = self.users.load();
        let quick = users.is_cheap() || users.is_proven(&asked.credentials.user, &asked.seal);
        quick.then(|| self.judge_by(&users, asked))
    }

    /// The verdict, however long it takes.
    pub(super) fn judge(&self, asked: &Asked) -> Verdict {
        self.judge_by(&self.users.load_full(), asked)
    }

    /// Many may be asking at once: whoever is shut out meanwhile by other failures gets no answer, lest guesses be sent
    /// all together before the first one is counted.
    fn judge_by(&self, users: &Users, asked: &Asked) -> Verdict {
        let shut_out = || self.shut_out(asked.client, asked.now).filter(|_| asked.counts);
        if let Some(verdict) = shut_out() {
            return verdict;
        }
        if users.verify(&asked.credentials, &asked.seal) {
            return shut_out().unwrap_or_else(|| Verdict::Right(asked.user().into()));
        }
        if asked.counts {
            self.fail(asked, users);
        }
        Verdict::Wrong
    }

    /// A user's name is told only if there is such a user: what else stands there may be a password.
    fn fail(&self, asked: &Asked, users: &Users) {
        let (client, realm) = (asked.client, &*self.realm);
        if users.knows(&asked.credentials.user) {
            tracing::info!(%client, realm, user = &*asked.user(), "htpasswd: wrong password");
        } else {
            tracing::info!(%client, realm, "htpasswd: unknown user");
        }
        if self.lockout.fail(client, asked.now) {
            let seconds = self.lockout.limits().lockout.as_secs();
            tracing::info!(%client, realm, seconds, "htpasswd: too many failures, shut out");
        }
    }
}

// === impl Asked ===

impl Asked {
    /// The same, of somebody who is not there: failures do not count.
    pub(super) fn uncounted(self) -> Self {
        Self { counts: false, ..self }
    }

    fn user(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.credentials.user)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const LIMITS: Limits =
        Limits { max_failures: 2, window: Duration::from_secs(60), lockout: Duration::from_secs(30) };

    fn users(text: &str) -> Users {
        Users::read(text.as_bytes()).users.unwrap()
    }

    fn gate(text: &str) -> Gate {
        Gate::new(Arc::new(ArcSwap::from_pointee(users(text))), &[7; 32], LIMITS, "r")
    }

    fn asked(gate: &Gate, user: &str, password: &str, now: Instant) -> Asked {
        let credentials = Credentials { user: user.as_bytes().into(), password: password.as_bytes().into() };
        gate.asked(credentials, [1, 2, 3, 4].into(), now)
    }

    /// Of `secret`.
    const BCRYPT: &str = "a:$2y$04$dxYkxNptbNq/ecgMBZjJp.uVmFJ/HEjl3/biXUia3kzj1gfUSfvhG\n";

    #[test]
    fn only_what_is_cheap_or_known_is_said_at_once() {
        let (gate, now) = (gate(BCRYPT), Instant::now());
        let (right, wrong, nobody) =
            (asked(&gate, "a", "secret", now), asked(&gate, "a", "x", now), asked(&gate, "b", "x", now));
        for asked in [&right, &wrong, &nobody] {
            assert_eq!(gate.judge_at_once(asked), None);
        }
        assert_eq!(gate.judge(&right), Verdict::Right("a".into()));
        assert_eq!(gate.judge_at_once(&right), Some(Verdict::Right("a".into())));
        assert_eq!((gate.judge_at_once(&wrong), gate.judge(&wrong)), (None, Verdict::Wrong));
        gate.users.store(Arc::new(users(BCRYPT)));
        assert_eq!(gate.judge_at_once(&right), None, "forgotten with the file");
        gate.users.store(Arc::new(users("a:{PLAIN}secret\n")));
        assert_eq!(gate.judge_at_once(&asked(&gate, "a", "x", now)), Some(Verdict::Wrong));
    }

    #[test]
    fn failures_shut_out_even_the_right_password() {
        let (gate, now) = (gate("a:{PLAIN}secret\n"), Instant::now());
        let right = asked(&gate, "a", "secret", now);
        for user in ["a", "b"] {
            assert_eq!(gate.judge(&right), Verdict::Right("a".into()));
            assert_eq!(gate.judge(&asked(&gate, user, "x", now)), Verdict::Wrong);
        }
        assert_eq!(gate.judge(&right), Verdict::ShutOut(LIMITS.lockout));
        assert_eq!(gate.judge(&asked(&gate, "a", "secret", now).uncounted()), Verdict::Right("a".into()));
        let later = now + LIMITS.lockout;
        assert_eq!(gate.shut_out([1, 2, 3, 4].into(), later), None);
        assert_eq!(gate.judge(&asked(&gate, "a", "secret", later)), Verdict::Right("a".into()));
    }
}
