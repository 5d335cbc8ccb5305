//! `C024`: a promotion after which the old server does not follow the new one.

use crate::kinds::role::{Examines, Follows, Opens};
use crate::lint::finding::Finding;
use crate::lint::rule::{Rule, Severity};
use crate::lint::subject::Subject;

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
    // an answer in `preflight` is enough
    if subject.playing::<Examines>().any(|(_, examines)| examines.accepts_no_way_back) {
        return Vec::new();
    }
    let one_way = subject.playing().filter(|(_, Opens { server, source, .. })| {
        let leads_back =
            |follows: &Follows| follows.way_back && follows.source == *server && follows.replica == *source;
        !subject.playing().any(|(_, follows)| leads_back(follows))
    });
    one_way
        .map(|(promote, Opens { server, source: old, .. })| {
            let message = format!("writes on `{server}` never reach `{old}`: there is no way back");
            Finding::new(&RULE, promote.written.uses_place, message).label("lossless in one direction").help(format!(
                "after the switch: `uses: reverse_replication`, `with: {{ replica: {old}, source: {server}, position: \
                 \"{{{{ steps.{}.position }}}}\" }}`; or `way_back: none` in `preflight`",
                promote.written.id
            ))
        })
        .collect()
}
