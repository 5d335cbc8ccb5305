//! `C007`: a `fence` outside a block with a deadline.

use crate::kinds::role::Closes;
use crate::lint::edit;
use crate::lint::finding::Finding;
use crate::lint::rule::{Rule, Severity};
use crate::lint::subject::{Pair, Subject};

/// The rule.
pub static RULE: Rule = Rule {
    code: "C007",
    name: "fence-without-deadline",
    severity: Severity::Warning,
    title: "nothing limits how long the application waits",
    page: include_str!("fence_without_deadline.md"),
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let finding = |(fence, _): (Pair<'_>, &Closes)| {
        let id = &fence.written.id;
        let Some(block) = subject.block(fence) else {
            let message = format!("`{id}` closes a server for an unlimited time");
            let finding = Finding::new(&RULE, fence.written.uses_place, message).label("is in no block");
            return Some(finding.help("put it, with the steps up to the promotion, into a `block` with a `deadline`"));
        };
        if block.deadline.is_some() {
            return None;
        }
        let message = format!("the block `{}` closes a server for an unlimited time", block.id);
        let node = subject.node(&block.id)?;
        let finding = Finding::new(&RULE, block.id_place, message).label("has no deadline");
        let fix = edit::set_field(subject.document, node, "deadline", "10s");
        Some(finding.help("give the block a deadline: `deadline: 10s`").fix(fix))
    };
    subject.playing().filter_map(finding).collect()
}
