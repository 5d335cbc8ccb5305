//! `C017`: a step whose condition is false whatever is set, or that uses an output of such a step.

use crate::domain::marker;
use crate::lint::finding::Finding;
use crate::lint::rule::{Rule, Severity};
use crate::lint::subject::{Pair, Subject};
use crate::playbook::node::Node;
use crate::playbook::template;
use std::collections::HashMap;

/// The rule.
pub static RULE: Rule = Rule {
    code: "C017",
    name: "unreachable-step",
    severity: Severity::Warning,
    title: "a step that never runs",
    page: include_str!("unreachable_step.md"),
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let mut never: HashMap<&str, &str> = HashMap::new();
    let mut findings = Vec::new();
    for step in subject.steps() {
        let Some(when) = step.written.when.as_ref().filter(|when| is_constant(when)) else { continue };
        if step.planned.skip.is_some() {
            never.insert(&step.written.id, &step.written.id);
            let message = format!("`{}` never runs: its condition is always false", step.written.id);
            let finding = Finding::new(&RULE, when.span, message).label("always false");
            findings.push(finding.help("remove the step, or let an input decide: `when: inputs.NAME`"));
        }
    }
    // a skipped step has no outputs, and a step that reads them is skipped in turn
    loop {
        let before = never.len();
        for step in subject.steps().filter(|_| before > 0) {
            let id = step.written.id.as_str();
            if never.contains_key(id) {
                continue;
            }
            let Some(missing) = never.keys().copied().find(|from| reads(step, from)) else { continue };
            never.insert(id, missing);
            let message = format!("`{id}` never runs: it uses an output of `{missing}`, which never runs");
            let finding = Finding::new(&RULE, step.written.uses_place, message).label("skipped as well");
            findings.push(finding.help(format!("let `{missing}` run, or take the value from another step")));
        }
        if never.len() == before {
            return findings;
        }
    }
}

/// Whether a condition names nothing that could change it.
fn is_constant(when: &Node) -> bool {
    let Some(text) = when.as_str() else { return true };
    let text = if template::is_template(text) { text.to_owned() } else { format!("{{{{{text}}}}}") };
    template::names_used(&template::environment(), &text).is_ok_and(|names| names.is_empty())
}

fn reads(step: Pair<'_>, from: &str) -> bool {
    let shown = step.planned.with.to_string();
    shown.contains(&format!("{}steps.{from}.", marker::OPEN))
        || step.planned.when.as_deref().is_some_and(|when| when.contains(&format!("steps.{from}.")))
}
