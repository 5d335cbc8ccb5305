//! `C008`: a `command` or `sql` step that changes something and has no undo.

use crate::kinds::role::{RunsUsersProgram, RunsUsersStatements};
use crate::lint::finding::Finding;
use crate::lint::rule::{Rule, Severity};
use crate::lint::subject::Subject;

/// The rule.
pub static RULE: Rule = Rule {
    code: "C008",
    name: "change-without-undo",
    severity: Severity::Warning,
    title: "a change of your own that no rollback undoes",
    page: include_str!("change_without_undo.md"),
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let programs = subject.playing::<RunsUsersProgram>().filter(|(_, runs)| runs.changes && !runs.has_undo);
    let statements = subject.playing::<RunsUsersStatements>().filter(|(_, runs)| runs.changes && !runs.has_undo);
    let own = programs.map(|(step, _)| step).chain(statements.map(|(step, _)| step));
    own.filter(|step| step.written.rollback.is_empty() && !subject.is_after_promotion(*step))
        .map(|step| {
            let message = format!("`{}` changes something, and nothing states how to undo it", step.written.id);
            Finding::new(&RULE, step.written.uses_place, message)
                .label("remains after a rollback")
                .help("give it an `undo`, or a `rollback` hook")
        })
        .collect()
}
