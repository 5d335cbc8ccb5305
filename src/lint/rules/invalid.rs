//! `C000`: a fault of a document; found before any other rule is asked.

use crate::lint::finding::Finding;
use crate::lint::rule::{Rule, Severity};
use crate::lint::subject::Subject;

/// The rule.
pub static RULE: Rule = Rule {
    code: "C000",
    name: "invalid",
    severity: Severity::Error,
    title: "the playbook or the inventory is not valid",
    page: include_str!("invalid.md"),
    check,
};

fn check(_: &Subject<'_>) -> Vec<Finding> {
    Vec::new() // the planner finds these
}
