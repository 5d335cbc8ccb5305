//! The verdict of one check, and how its text is put together.

use crate::domain::{on_one_line, visible};
use crate::kinds::{CheckResult, Mark};

/// How many names are shown; the rest is counted.
const SHOWN: usize = 5;
/// Maximum length of a line of a warning, in characters.
const LINE: usize = 160;

/// The verdict of one check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    pub result: Mark,
    pub evidence: String,
    pub remedy: Option<String>,
}

impl Verdict {
    /// Nothing stands in the way.
    pub fn pass(evidence: impl Into<String>) -> Self {
        Self { result: Mark::Pass, evidence: visible(&evidence.into()).into_owned(), remedy: None }
    }
    /// It works, but people should know.
    pub fn warn(evidence: impl Into<String>, remedy: impl Into<String>) -> Self {
        let remedy = Some(visible(&remedy.into()).into_owned());
        Self { result: Mark::Warn, remedy, ..Self::pass(evidence) }
    }
    /// It cannot work, or would lose something.
    pub fn block(evidence: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { result: Mark::Block, ..Self::warn(evidence, remedy) }
    }
    /// The worst of `found` with the words of all, or a pass with `fine` when nothing was found.
    pub fn worst_of(found: Vec<Self>, fine: impl Into<String>) -> Self {
        let Some(result) = found.iter().map(|verdict| verdict.result).max() else { return Self::pass(fine) };
        let mut remedies: Vec<String> = found.iter().filter_map(|verdict| verdict.remedy.clone()).collect();
        remedies.dedup();
        let evidence: Vec<String> = found.into_iter().map(|verdict| verdict.evidence).collect();
        let remedy = (!remedies.is_empty()).then(|| remedies.join("; "));
        Self { result, evidence: evidence.join("; "), remedy }
    }
}

/// The first names, and how many there are besides.
pub fn some<S: AsRef<str>>(names: &[S]) -> String {
    let shown: Vec<_> = names.iter().take(SHOWN).map(|name| on_one_line(name.as_ref())).collect();
    match names.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// A warning as a run shows it: two lines at most for what was found, and one for what to do.
pub fn in_three_lines(check: &CheckResult) -> String {
    let whole = format!("warning: {}: {}", check.name, check.evidence.replace('\n', "; "));
    let letters: Vec<char> = whole.chars().collect();
    let line =
        |from: usize, to: usize| letters[from.min(letters.len())..to.min(letters.len())].iter().collect::<String>();
    let mut lines = vec![line(0, LINE)];
    if letters.len() > LINE {
        let more = if letters.len() > 2 * LINE { "…" } else { "" };
        lines.push(format!("  {}{more}", line(LINE, 2 * LINE)));
    }
    let remedy = check.remedy.as_deref().unwrap_or("see the step's outputs").replace('\n', "; ");
    let more = if remedy.chars().count() > LINE { "…" } else { "" };
    lines.push(format!("  → {}{more}", remedy.chars().take(LINE).collect::<String>()));
    lines.join("\n")
}

/// `1 table`, `3 tables`.
pub fn count(number: usize, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}

#[cfg(test)]
mod tests {
    use super::{Verdict, in_three_lines, some};
    use crate::kinds::{CheckResult, Mark};

    #[test]
    fn a_warning_is_three_lines_at_most() {
        let warning = |evidence: String, remedy: &str| {
            let (name, result) = ("packets".to_owned(), Mark::Warn);
            in_three_lines(&CheckResult { name, result, evidence, remedy: Some(remedy.to_owned()) })
        };
        assert_eq!(warning("small".into(), "make it large"), "warning: packets: small\n  → make it large");
        let long = warning("ü\n".repeat(900), &"x".repeat(500));
        assert_eq!(long.lines().count(), 3, "{long}");
        assert!(long.lines().all(|line| line.chars().count() < 170), "{long}");
    }

    #[test]
    fn the_worst_counts_and_all_is_told() {
        let found = vec![Verdict::warn("a", "x"), Verdict::block("b", "y"), Verdict::warn("c", "y")];
        let all = Verdict::worst_of(found, "fine");
        assert_eq!((all.result, all.evidence.as_str(), all.remedy.as_deref()), (Mark::Block, "a; b; c", Some("x; y")));
        assert_eq!(Verdict::worst_of(Vec::new(), "fine"), Verdict::pass("fine"));
    }

    #[test]
    fn many_names_are_counted() {
        assert_eq!(some(&["a", "b"]), "a, b");
        assert_eq!(some(&["a", "b", "c", "d", "e", "f", "g"]), "a, b, c, d, e and 2 more");
    }
}
