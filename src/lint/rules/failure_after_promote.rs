//! `C018`: a step after the promotion's block without `on_failure`.

use crate::kinds::role::{AsksPeople, MovesApplication, Opens};
use crate::lint::edit;
use crate::lint::finding::Finding;
use crate::lint::rule::{Rule, Severity};
use crate::lint::subject::{Pair, Subject};

/// The rule.
pub static RULE: Rule = Rule {
    code: "C018",
    name: "failure-after-promote",
    severity: Severity::Warning,
    title: "a step after the switch without `on_failure`",
    page: include_str!("failure_after_promote.md"),
    check,
};

/// Whether a step is part of the switch, or asks a person.
fn is_exempt(step: &Pair<'_>) -> bool {
    step.planned.role::<MovesApplication>().is_some() || step.planned.role::<AsksPeople>().is_some()
}

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let promotions: Vec<Pair<'_>> = subject.playing::<Opens>().map(|(promote, _)| promote).collect();
    let follows = |step: &Pair<'_>| {
        promotions.iter().any(|promote| {
            let same_block = promote.written.block.is_some() && promote.written.block == step.written.block;
            !same_block && subject.is_before(*promote, *step)
        })
    };
    let after = subject.steps().filter(|step| !is_exempt(step)).filter(follows);
    let finding = |step: Pair<'_>| {
        let node = subject.node(&step.written.id)?;
        if node.get("on_failure").is_some() {
            return None;
        }
        let message = format!("`{}` runs after the switch and has no `on_failure`", step.written.id);
        let finding = Finding::new(&RULE, step.written.id_place, message).label("no rollback from here on");
        let fix = edit::set_field(subject.document, node, "on_failure", "stop");
        Some(finding.help("add `on_failure: stop` (a person decides) or `on_failure: continue` (noted only)").fix(fix))
    };
    after.filter_map(finding).collect()
}
