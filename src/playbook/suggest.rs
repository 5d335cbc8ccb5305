//! "Did you mean": the nearest known name to one that is not known.

/// The candidate nearest to `word`, if it is near enough to have been meant.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len().max(word.len()) / 4)
        .min()
        .map(|(_, candidate)| candidate)
}

/// The help line for an unknown name: the nearest one, or else all there are.
pub fn help<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str> + Clone) -> String {
    if let Some(near) = nearest(word, candidates.clone()) {
        return format!("did you mean `{near}`?");
    }
    let all: Vec<_> = candidates.into_iter().map(|name| format!("`{name}`")).collect();
    match all.len() {
        0 => "none is defined".into(),
        1..=32 => format!("known: {}", all.join(", ")),
        more => format!("{more} are known, but none is similar"),
    }
}

#[cfg(test)]
mod tests {
    use super::{help, nearest};

    #[test]
    fn finds_a_slip_and_leaves_strangers_alone() {
        assert_eq!(nearest("benchmrak", ["benchmark", "dump"]), Some("benchmark"));
        assert_eq!(nearest("zebra", ["benchmark", "dump"]), None);
        assert_eq!(help("x", ["dump", "import"]), "known: `dump`, `import`");
    }
}
