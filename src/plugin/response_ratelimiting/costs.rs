//! What an upstream charges for an answer: `video=2, image=1`.

/// The costs under known names, in the order in which they are written. A cost that is no number is none.
pub(super) fn read<'a>(text: &'a str, known: impl Fn(&str) -> Option<usize> + 'a) -> impl Iterator<Item = (usize, f64)> + 'a {
    text.split(',').filter_map(move |part| {
        let (name, cost) = part.split_once('=')?;
        let cost = cost.trim_ascii().parse().ok().filter(|cost: &f64| cost.is_finite())?;
        Some((known(name.trim_ascii())?, cost))
    })
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn what_is_no_cost_of_a_known_name_costs_nothing() {
        let known = |name: &str| ["video", "image"].iter().position(|known| *known == name);
        let costs = |text| read(text, known).collect::<Vec<_>>();
        assert_eq!(costs("video=2, image = 1.5"), [(0, 2.0), (1, 1.5)]);
        assert_eq!(costs("video=-1,video=1e1"), [(0, -1.0), (0, 10.0)]);
        for nothing in ["", "video", "video=", "video=1=2", "video=x", "Video=1", "=1", "video=inf", "video=NaN", "video=1e999"] {
            assert_eq!(costs(nothing), [], "{nothing}");
        }
    }
}
