//! `C008`: a `command` or `sql` step that changes something and says not how that is taken back.

use super::statement;
use crate::lint::finding::Finding;
use crate::lint::rule::{Rule, Severity};
use crate::lint::subject::{Pair, Subject};

/// The rule.
pub static RULE: Rule = Rule {
    code: "C008",
    name: "change-without-undo",
    severity: Severity::Warning,
    title: "a change of your own that no rollback takes back",
    page: include_str!("change_without_undo.md"),
    check,
};

/// Programs that only look.
const LOOKS: [&str; 31] = [
    "[",
    "cat",
    "date",
    "df",
    "dig",
    "du",
    "echo",
    "env",
    "false",
    "free",
    "getent",
    "grep",
    "head",
    "hostname",
    "id",
    "ls",
    "nproc",
    "ping",
    "printf",
    "ps",
    "pwd",
    "sha256sum",
    "sleep",
    "ss",
    "stat",
    "tail",
    "test",
    "true",
    "uname",
    "uptime",
    "wc",
];

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let own = subject.of_kind("command").filter(|step| runs_a_change(*step));
    let own = own.chain(subject.of_kind("sql").filter(|step| statement::changes(*step)));
    let undone = |step: &Pair<'_>| step.texts("undo").next().is_some() || !step.written.rollback.is_empty();
    own.filter(|step| !undone(step) && !subject.is_after_promotion(*step))
        .map(|step| {
            let message = format!("`{}` changes something, and nothing says how that is taken back", step.written.id);
            Finding::new(&RULE, step.written.uses_place, message)
                .label("stays after a rollback")
                .help("give it an `undo`, or a `rollback` hook")
        })
        .collect()
}

fn runs_a_change(step: Pair<'_>) -> bool {
    let program = step.texts("run").next().unwrap_or_default();
    !LOOKS.contains(&program.rsplit('/').next().unwrap_or_default())
}
