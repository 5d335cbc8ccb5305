//! `C003`: a `promote` before which nothing makes the server's commits durable.

use super::durability;
use crate::kinds::role::Opens;
use crate::lint::finding::Finding;
use crate::lint::rule::{Rule, Severity};
use crate::lint::subject::Subject;

/// The rule.
pub static RULE: Rule = Rule {
    code: "C003",
    name: "promote-without-durability",
    severity: Severity::Warning,
    title: "the new server is opened without durable commits",
    page: include_str!("promote_without_durability.md"),
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let bare = subject.playing().filter(|(promote, Opens { server, .. })| {
        let mut durable = subject.steps().filter(|step| durability::is_durable(*step, server));
        !durable.any(|step| subject.is_before(step, *promote))
    });
    bare.map(|(promote, Opens { server, .. })| {
        let message = format!("`{server}` is opened, and no step before makes its commits durable");
        Finding::new(&RULE, promote.written.uses_place, message)
            .label("a power cut could lose acknowledged writes")
            .help(format!(
                "before the switch: `uses: set_variables`, `with: {{ server: {server}, persist: true, variables: \
                 {{ innodb_flush_log_at_trx_commit: 1, sync_binlog: 1 }} }}`"
            ))
    })
    .collect()
}
