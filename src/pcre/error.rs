//! What is wrong with an expression, in the words of the PCRE (version 1) that Kong 2 embeds: people search for them.

/// The text that follows `PCRE returned:`.
pub(super) fn words(error: &pcre2::Error, pattern: &str) -> String {
    let full = error.to_string();
    let message = full.rsplit_once(": ").map_or(&*full, |(_, message)| message);
    let message = old(message);
    // The engine's offset counts the limit that stands in front.
    let at = error.offset().and_then(|at| at.checked_sub(super::LIMIT.len())).and_then(|at| pattern.get(at..));
    match at {
        Some(rest) if !rest.is_empty() => format!("pcre_compile() failed: {message} in \"{pattern}\" at \"{rest}\""),
        _ => format!("pcre_compile() failed: {message} in \"{pattern}\""),
    }
}

/// PCRE2 renamed some of PCRE's messages.
fn old(message: &str) -> &str {
    match message {
        "missing closing parenthesis" => "missing )",
        "unmatched closing parenthesis" => "unmatched parentheses",
        "quantifier does not follow a repeatable item" => "nothing to repeat",
        "missing closing parenthesis for comment" => "missing ) after (?# comment",
        "reference to non-existent subpattern" | "non-existent group" => "reference to non-existent subpattern",
        "lookbehind assertion is not fixed length" => "lookbehind assertion is not fixed length",
        "two named subpatterns have the same name (PCRE2_DUPNAMES not set)" => {
            "two named subpatterns have the same name"
        }
        "subpattern name must start with a non-digit" => "group name must start with a non-digit",
        "subpattern name expected" => "subpattern name expected",
        "digit expected after (?+ or (?-" => "digit expected after (?+",
        "syntax error in subpattern name (missing terminator?)" => {
            "syntax error in subpattern name (missing terminator)"
        }
        other => other,
    }
}
