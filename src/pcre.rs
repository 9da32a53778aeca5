//! Perl-compatible regular expressions, as Kong's `ngx.re` runs them.

/// A compiled expression.
#[derive(Debug)]
pub struct Pcre(pcre2::bytes::Regex);

impl Pcre {
    /// Compiles an expression that may match anywhere.
    ///
    /// # Errors
    /// What the engine says about it.
    pub fn new(pattern: &str) -> Result<Self, String> {
        let built = pcre2::bytes::RegexBuilder::new().jit_if_available(true).build(pattern);
        built.map(Self).map_err(|error| error.to_string())
    }

    /// Compiles an expression that must match from the first byte on.
    ///
    /// # Errors
    /// What the engine says about it.
    pub fn anchored(pattern: &str) -> Result<Self, String> {
        Self::new(&format!("\\A(?:{pattern})"))
    }

    /// Whether it matches. An expression that runs into the engine's limits does not.
    #[must_use]
    pub fn is_match(&self, subject: &[u8]) -> bool {
        self.0.is_match(subject).unwrap_or(false)
    }
}
