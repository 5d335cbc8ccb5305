//! `C020`: a comment `cutover: allow` for a rule that finds nothing there.

use crate::lint::finding::Finding;
use crate::lint::rule::{Rule, Severity};
use crate::lint::subject::Subject;

/// The rule.
pub static RULE: Rule = Rule {
    code: "C020",
    name: "allow-of-nothing",
    severity: Severity::Warning,
    title: "an `allow` comment that matches no finding",
    page: include_str!("allow_of_nothing.md"),
    check,
};

fn check(_: &Subject<'_>) -> Vec<Finding> {
    Vec::new() // the comments are judged where they are read
}
