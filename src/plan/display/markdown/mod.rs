//! The plan for a pull request: first what it comes to, then the steps, then every action folded away. A comment of a
//! code host holds so much and no more, so a longer plan omits the least important parts, and states which and where to
//! see them.

mod brief;
mod cut;
mod details;

use super::edges::Edges;
use super::markup::{fenced, plain};
use super::{mermaid, too_large};
use crate::plan::Plan;
use cut::{Cut, Cuts};
use std::fmt::Write as _;

/// Longest Markdown, in UTF-16 units as code hosts count: GitHub's comments hold 65,536.
pub const LONGEST: usize = 60_000;

/// What a look at the servers adds to a plan.
#[derive(Debug, Clone, Copy, Default)]
pub struct Beside<'a> {
    /// How long the copy takes, in one sentence.
    pub forecast: Option<&'a str>,
    /// What was found, as Markdown.
    pub found: &'a str,
}

/// The plan as GitHub's and GitLab's Markdown, no longer than [`LONGEST`].
#[must_use]
pub fn markdown(plan: &Plan, beside: Beside<'_>) -> String {
    let mut cuts = Cuts::default();
    loop {
        let out = write(plan, beside, cuts);
        if units(&out) <= LONGEST {
            return out;
        }
        if !cuts.next() {
            return cut::short(&out, LONGEST);
        }
    }
}

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

fn write(plan: &Plan, beside: Beside<'_>, cuts: Cuts) -> String {
    let edges = Edges::of(plan);
    let mut out = String::new();
    // writing into a String cannot fail
    let _ = write_head(&mut out, plan, &edges, beside, cuts);
    let _ = write_graph(&mut out, plan, &edges, cuts);
    let _ = details::write_table(&mut out, plan);
    if !beside.found.is_empty() {
        let _ = writeln!(out, "\n{}", beside.found.trim());
    }
    let _ = details::write_details(&mut out, plan, cuts);
    out
}

fn write_head(out: &mut String, plan: &Plan, edges: &Edges, beside: Beside<'_>, cuts: Cuts) -> std::fmt::Result {
    writeln!(out, "{}", marker(&plan.name))?;
    brief::write_brief(out, plan, edges, beside.forecast)?;
    if !cuts.is_empty() {
        writeln!(out, "- left out to fit into a comment: {cuts}. `cutover plan` with `--format text` shows all of it")?;
    }
    details::write_sources(out, plan)
}

fn write_graph(out: &mut String, plan: &Plan, edges: &Edges, cuts: Cuts) -> std::fmt::Result {
    match too_large(plan, edges) {
        Some(why) => writeln!(out, "\n{}", plain(&why)),
        None if cuts.has(Cut::Graph) => Ok(()),
        None => writeln!(out, "\n{}", fenced("mermaid", &mermaid(plan))),
    }
}

/// The line by which a workflow finds the comment that it wrote about a plan; nobody sees it. A name cannot end it
/// early.
#[must_use]
pub fn marker(name: &str) -> String {
    let mut safe = String::with_capacity(name.len());
    for letter in name.chars() {
        let doubled = letter == '-' && safe.ends_with('-');
        safe.push(if (letter.is_alphanumeric() || "-_. ".contains(letter)) && !doubled { letter } else { '_' });
    }
    format!("<!-- cutover plan: {} -->", safe.trim())
}

#[cfg(test)]
mod tests {
    use super::marker;

    #[test]
    fn a_name_cannot_end_its_marker() {
        assert_eq!(marker("replication-swap"), "<!-- cutover plan: replication-swap -->");
        assert_eq!(marker("a --> <b>\n"), "<!-- cutover plan: a -__ _b__ -->");
    }
}
