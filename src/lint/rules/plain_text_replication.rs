//! `C009`: a `change_source` or `reverse_replication` between hosts that goes through no tunnel and is not encrypted.

use crate::kinds::role::Follows;
use crate::lint::finding::Finding;
use crate::lint::rule::{Rule, Severity};
use crate::lint::subject::Subject;

/// The rule.
pub static RULE: Rule = Rule {
    code: "C009",
    name: "plain-text-replication",
    severity: Severity::Warning,
    title: "replication between hosts in plain text",
    page: include_str!("plain_text_replication.md"),
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let inventory = &subject.plan.world.inventory;
    let hosts = |follows: &Follows| {
        let host = |server| inventory.host_of(server).to_owned();
        [host(&follows.source), host(&follows.replica)]
    };
    let open = subject.playing::<Follows>().filter(|(_, follows)| !follows.sheltered);
    open.map(|(step, follows)| (step, hosts(follows)))
        .filter(|(_, hosts)| hosts[0] != hosts[1])
        .map(|(step, hosts)| {
            let message = format!("every replicated row goes from `{}` to `{}` in plain text", hosts[0], hosts[1]);
            Finding::new(&RULE, step.written.uses_place, message).label("no tunnel and no encryption").help(
                "open a `tunnel` before it and name it: `through: TUNNEL`; or let the servers encrypt: `tls: true`",
            )
        })
        .collect()
}
