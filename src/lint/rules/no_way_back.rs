//! `C024`: a promotion after which the old server does not follow the new one.

use crate::lint::finding::Finding;
use crate::lint::rule::{Rule, Severity};
use crate::lint::subject::{Pair, Subject};

/// The rule.
pub static RULE: Rule = Rule {
    code: "C024",
    name: "no-way-back",
    severity: Severity::Warning,
    title: "there is no way back after the switch",
    page: include_str!("no_way_back.md"),
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    // whoever has said it once, to preflight, is not asked again
    if subject.of_kind("preflight").any(|step| step.flag("accept_no_rollback") == Some(true)) {
        return Vec::new();
    }
    let one_way = subject.of_kind("promote").filter(|promote| {
        let leads_back = |reverse: &Pair<'_>| {
            reverse.text("source") == promote.text("server") && reverse.text("replica") == old(*promote)
        };
        !subject.of_kind("reverse_replication").any(|reverse| leads_back(&reverse))
    });
    one_way
        .map(|promote| {
            let (server, old) = (promote.text("server"), old(promote));
            let message = format!("what is written on `{server}` never reaches `{old}`: there is no way back");
            Finding::new(&RULE, promote.written.uses_place, message).label("lossless in one direction only").help(format!(
                "after the switch: `uses: reverse_replication`, `with: {{ replica: {old}, source: {server}, position: \
                 \"{{{{ steps.{}.position }}}}\" }}`; or `accept_no_rollback: true` in `preflight`",
                promote.written.id
            ))
        })
        .collect()
}

fn old(promote: Pair<'_>) -> &str {
    if promote.text("source").is_empty() { "source" } else { promote.text("source") }
}
