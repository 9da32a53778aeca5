//! When Lua runs, and where a function may be called from (`kong/templates-and-functions.md` §3, Phase rules).

/// The phase that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Before there is a route; only global plugins.
    Rewrite,
    /// Before the upstream is asked.
    Access,
    /// When there is an answer's head.
    HeaderFilter,
    /// For each piece of its body.
    BodyFilter,
    /// When all is over.
    Log,
}

/// Phases that a function may be called in; some of Kong's never run here, and are only named in messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phases(u16);

/// Kong's names, in the order of the bits.
const NAMES: [&str; 10] = [
    "certificate",
    "rewrite",
    "access",
    "balancer",
    "response",
    "header_filter",
    "body_filter",
    "log",
    "error",
    "admin_api",
];

// === impl Phase ===

impl Phase {
    /// Kong's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rewrite => "rewrite",
            Self::Access => "access",
            Self::HeaderFilter => "header_filter",
            Self::BodyFilter => "body_filter",
            Self::Log => "log",
        }
    }

    const fn phases(self) -> Phases {
        match self {
            Self::Rewrite => Phases::REWRITE,
            Self::Access => Phases::ACCESS,
            Self::HeaderFilter => Phases::HEADER_FILTER,
            Self::BodyFilter => Phases::BODY_FILTER,
            Self::Log => Phases::LOG,
        }
    }

    /// Kong's words where a function may not be called now.
    ///
    /// # Errors
    /// When `allowed` has another phase than this.
    pub fn check(self, allowed: Phases) -> Result<(), String> {
        if allowed.0 & self.phases().0 != 0 {
            return Ok(());
        }
        let phase = self.name();
        Err(format!("function cannot be called in {phase} phase (only in: {})", allowed.names()))
    }
}

// === impl Phases ===

impl Phases {
    const CERTIFICATE: Self = Self(1);
    /// `rewrite`.
    pub const REWRITE: Self = Self(1 << 1);
    /// `access`.
    pub const ACCESS: Self = Self(1 << 2);
    /// `balancer`.
    pub const BALANCER: Self = Self(1 << 3);
    /// `response`.
    pub const RESPONSE: Self = Self(1 << 4);
    /// `header_filter`.
    pub const HEADER_FILTER: Self = Self(1 << 5);
    /// `body_filter`.
    pub const BODY_FILTER: Self = Self(1 << 6);
    /// `log`.
    pub const LOG: Self = Self(1 << 7);
    /// `error`.
    pub const ERROR: Self = Self(1 << 8);
    /// `admin_api`.
    pub const ADMIN: Self = Self(1 << 9);

    /// Every phase.
    pub const ANY: Self = Self::REQUEST.and(Self::CERTIFICATE).and(Self::BALANCER);
    /// Those with a request.
    pub const REQUEST: Self = Self::BEFORE.and(Self::AFTER).and(Self::ERROR).and(Self::ADMIN);
    /// Before the upstream is asked.
    pub const BEFORE: Self = Self::REWRITE.and(Self::ACCESS);
    /// When there is an answer.
    pub const AFTER: Self = Self::RESPONSE.and(Self::HEADER_FILTER).and(Self::BODY_FILTER).and(Self::LOG);

    /// These and those.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn names(self) -> String {
        let named = NAMES.iter().enumerate().filter(|(bit, _)| self.0 & (1 << bit) != 0);
        named.map(|(_, name)| *name).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::{Phase, Phases};

    #[test]
    fn a_function_is_refused_in_kongs_words() {
        assert_eq!(Phase::Access.check(Phases::BEFORE), Ok(()));
        let message = "function cannot be called in log phase (only in: rewrite, access)";
        assert_eq!(Phase::Log.check(Phases::BEFORE), Err(message.to_owned()));
    }
}
