//! `C019`: a comment `cutover: allow` without a reason.

use crate::lint::finding::Finding;
use crate::lint::rule::{Rule, Severity};
use crate::lint::subject::Subject;

/// The rule.
pub static RULE: Rule = Rule {
    code: "C019",
    name: "allow-without-reason",
    severity: Severity::Warning,
    title: "an `allow` comment without a reason",
    page: include_str!("allow_without_reason.md"),
    check,
};

fn check(_: &Subject<'_>) -> Vec<Finding> {
    Vec::new() // the comments are judged where they are read
}
