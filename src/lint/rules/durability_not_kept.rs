//! `C004`: durable settings that are only in the server's memory.

use super::durability;
use crate::kinds::role::{Opens, SetsVariables};
use crate::lint::edit;
use crate::lint::finding::Finding;
use crate::lint::rule::{Rule, Severity};
use crate::lint::subject::{Pair, Subject};

/// The rule.
pub static RULE: Rule = Rule {
    code: "C004",
    name: "durability-not-kept",
    severity: Severity::Warning,
    title: "commits are durable only until the next restart",
    page: include_str!("durability_not_kept.md"),
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (_, Opens { server, .. }) in subject.playing() {
        let keeps = |step: Pair<'_>| durability::keeps(step, server);
        if subject.steps().any(keeps) {
            continue;
        }
        let set = subject.playing::<SetsVariables>().rfind(|(_, set)| set.durable && set.server == *server);
        findings.extend(set.map(|(step, _)| {
            let message = format!("`{}` makes commits durable only until `{server}` restarts", step.written.id);
            Finding::new(&RULE, step.written.uses_place, message)
                .label("in memory only")
                .help("add `persist: true`, or a `render` step with `profile: production`")
                .fix(edit::set_field(subject.document, &step.written.with, "persist", "true"))
        }));
    }
    findings
}
