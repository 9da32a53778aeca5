//! "Did you mean": the nearest of some names.

/// The name that is nearest, if any is near enough: a third of its letters may differ.
#[must_use]
pub(super) fn nearest<'a>(written: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (written.chars().count() / 3).max(1);
    let scored = names.into_iter().map(|name| (distance(written, name, limit), name));
    scored.filter(|(far, name)| *far <= limit && *far < name.len()).min().map(|(_, name)| name)
}

/// Damerau-Levenshtein (adjacent letters may be swapped), without regard to case and to `-` against `_`. Names longer
/// than 64 letters are far from everything.
fn distance(a: &str, b: &str, limit: usize) -> usize {
    let letters =
        |text: &str| text.chars().map(|c| if c == '-' { '_' } else { c.to_ascii_lowercase() }).collect::<Vec<_>>();
    let (a, b) = (letters(a), letters(b));
    if a.len().max(b.len()) > 64 || a.len().abs_diff(b.len()) > limit {
        return usize::MAX;
    }
    let mut rows = vec![(0..=b.len()).collect::<Vec<_>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let change = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = change.min(row[j - 1] + 1).min(rows[i - 1][j] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_found_and_far_ones_not() {
        let names = ["strip_path", "paths", "hosts", "preserve_host"];
        assert_eq!(nearest("strip_paht", names), Some("strip_path"));
        assert_eq!(nearest("strip-path", names), Some("strip_path"));
        assert_eq!(nearest("host", names), Some("hosts"));
        assert_eq!(nearest("config", names), None);
        assert_eq!(nearest("x", ["y"]), None);
    }
}
