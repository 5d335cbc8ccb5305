//! `C011`: an `sql` step that writes on a replica and into its binary log.

use crate::kinds::role::{Follows, RunsUsersStatements};
use crate::lint::edit;
use crate::lint::finding::Finding;
use crate::lint::rule::{Rule, Severity};
use crate::lint::subject::Subject;

/// The rule.
pub static RULE: Rule = Rule {
    code: "C011",
    name: "write-on-replica",
    severity: Severity::Warning,
    title: "a statement creates a transaction that only the replica has",
    page: include_str!("write_on_replica.md"),
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let follows = subject.playing::<Follows>().filter(|(_, follows)| !follows.way_back);
    let replicas: Vec<&String> = follows.map(|(_, follows)| &follows.replica).collect();
    let writes = subject.playing::<RunsUsersStatements>();
    let writes = writes.filter(|(_, runs)| replicas.contains(&&runs.server) && runs.logged && runs.changes);
    writes
        .filter(|(step, _)| !subject.is_after_promotion(*step))
        .map(|(step, RunsUsersStatements { server, .. })| {
            let message = format!("`{}` writes to the replica `{server}` and to its binary log", step.written.id);
            Finding::new(&RULE, step.written.uses_place, message)
                .label("a transaction that the source does not have")
                .help("add `binlog: false`, or run it on the source")
                .fix(edit::set_field(subject.document, &step.written.with, "binlog", "false"))
        })
        .collect()
}
