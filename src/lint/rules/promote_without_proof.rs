//! `C005`: a `promote` before which nothing is verified.

use super::proof;
use crate::kinds::role::Opens;
use crate::lint::finding::Finding;
use crate::lint::rule::{Rule, Severity};
use crate::lint::subject::Subject;

/// The rule.
pub static RULE: Rule = Rule {
    code: "C005",
    name: "promote-without-proof",
    severity: Severity::Warning,
    title: "the new server is opened without proof that it has everything",
    page: include_str!("promote_without_proof.md"),
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let bare = subject.playing().filter(|promote| !proof::is_proved(subject, *promote));
    bare.filter(|promote| proof::last_lag(subject, *promote).is_none())
        .map(|(promote, Opens { server, .. })| {
            let message = format!("`{server}` is opened, and no step proves that it has everything");
            Finding::new(&RULE, promote.written.uses_place, message).label("nothing was verified").help(proof::HELP)
        })
        .collect()
}
