//! `C006`: a `promote` that only a `wait_for_lag` comes before.

use super::proof;
use crate::kinds::role::Opens;
use crate::lint::finding::Finding;
use crate::lint::rule::{Rule, Severity};
use crate::lint::subject::{Pair, Subject};

/// The rule.
pub static RULE: Rule = Rule {
    code: "C006",
    name: "lag-as-only-proof",
    severity: Severity::Warning,
    title: "a small lag is the only proof before the switch",
    page: include_str!("lag_as_only_proof.md"),
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let unproved = subject.playing().filter(|promote| !proof::is_proved(subject, *promote));
    let finding = |promote: (Pair<'_>, &Opens)| {
        let lag = proof::last_lag(subject, promote)?;
        let (id, server) = (&lag.written.id, &promote.1.server);
        let message = format!("before `{server}` is opened only `{id}` checks it, and a small lag proves nothing");
        let finding = Finding::new(&RULE, lag.written.uses_place, message);
        Some(finding.label("the only proof").help(proof::HELP))
    };
    unproved.filter_map(finding).collect()
}
