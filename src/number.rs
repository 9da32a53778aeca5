//! Numbers as Lua and its JSON encoder write them: 14 significant digits, `%.14g` of C.

/// Digits that are kept.
const DIGITS: i32 = 14;

/// A number as Kong prints it: `3600`, `1.5`, `1e+20`.
#[must_use]
pub fn lua(number: f64) -> String {
    let scientific = format!("{number:.*e}", 13);
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    match exponent.parse::<i32>() {
        Ok(exponent) if (-4..DIGITS).contains(&exponent) => fixed(number, exponent),
        Ok(exponent) => format!("{}e{}{:02}", trim(mantissa), sign(exponent), exponent.abs()),
        Err(_) => scientific,
    }
}

fn fixed(number: f64, exponent: i32) -> String {
    let places = usize::try_from(DIGITS - 1 - exponent).unwrap_or(0);
    trim(&format!("{number:.places$}")).to_owned()
}

/// Without zeros that say nothing, and without a final point.
fn trim(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

fn sign(exponent: i32) -> char {
    if exponent < 0 { '-' } else { '+' }
}

#[cfg(test)]
mod tests {
    use super::lua;

    #[test]
    fn writes_fourteen_significant_digits() {
        let cases = [
            (0.0, "0"),
            (-0.0, "-0"),
            (3600.0, "3600"),
            (1.5, "1.5"),
            (0.1 + 0.2, "0.3"),
            (-0.000_1, "-0.0001"),
            (0.000_01, "1e-05"),
            (1.0 / 3.0, "0.33333333333333"),
            (99_999_999_999_999.0, "99999999999999"),
            (100_000_000_000_000.0, "1e+14"),
            (9_007_199_254_740_993.0, "9.007199254741e+15"),
            (1e100, "1e+100"),
            (f64::INFINITY, "inf"),
        ];
        for (number, text) in cases {
            assert_eq!(lua(number), text);
        }
    }
}
