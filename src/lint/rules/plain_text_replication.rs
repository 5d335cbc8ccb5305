//! `C009`: a `change_source` or `reverse_replication` between hosts that goes through no tunnel and is not encrypted.

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
    let open = subject.of_kind("change_source").chain(subject.of_kind("reverse_replication")).filter(|step| {
        let through = step.planned.with.get("through").is_some_and(|through| !through.is_null());
        let tls = step.planned.with.get("tls").is_some_and(|tls| tls == true);
        !through && !tls && inventory.host_of(step.text("replica")) != inventory.host_of(step.text("source"))
    });
    open.map(|step| {
        let hosts = [step.text("source"), step.text("replica")].map(|server| inventory.host_of(server));
        let message = format!("every row goes from `{}` to `{}` in plain text", hosts[0], hosts[1]);
        Finding::new(&RULE, step.written.uses_place, message)
            .label("goes through no tunnel and is not encrypted")
            .help("open a `tunnel` before it and name it: `through: TUNNEL`; or let the servers encrypt: `tls: true`")
    })
    .collect()
}
