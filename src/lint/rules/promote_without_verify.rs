//! `C021`: a `promote` before which nothing compares the rows of both servers.

use crate::domain::marker;
use crate::kinds::role::{Opens, ProvesEquality};
use crate::lint::finding::Finding;
use crate::lint::rule::{Rule, Severity};
use crate::lint::subject::{Pair, Subject};

/// The rule.
pub static RULE: Rule = Rule {
    code: "C021",
    name: "promote-without-verify",
    severity: Severity::Error,
    title: "the new server is opened without a comparison with the old one",
    page: include_str!("promote_without_verify.md"),
    check,
};

const HELP: &str = "before the switch: `uses: verify`, `with: { source: OLD, replica: NEW }`; and in `promote`: \
                    `verified: \"{{ steps.ID.finished }}\"`";

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let finding = |(promote, opens): (Pair<'_>, &Opens)| {
        let (message, label) = fault(subject, opens)?;
        Some(Finding::new(&RULE, promote.place_of("verified"), message).label(label).help(HELP))
    };
    subject.playing().filter_map(finding).collect()
}

/// What is wrong with the proof that a promotion names.
fn fault(subject: &Subject<'_>, opens: &Opens) -> Option<(String, &'static str)> {
    let (server, verified) = (&opens.server, opens.verified.as_deref().unwrap_or_default());
    let opened = format!("`{server}` is opened, and ");
    if verified == "none" {
        return Some((opened + "nothing proves that its rows equal those of the old server", "no proof"));
    }
    let Some((_, reference)) = marker::find(verified).next() else {
        return Some((opened + "the proof is a time written by hand", "not the output of a step"));
    };
    let Some(step) = reference.strip_prefix("steps.").and_then(|rest| rest.split('.').next()) else {
        return Some((opened + "the proof is not the output of a step", "not the output of a step"));
    };
    let proof = subject.playing::<ProvesEquality>().find(|(verify, _)| verify.written.id == step);
    let Some((_, ProvesEquality { replica: compared, .. })) = proof else {
        return Some((opened + &format!("`{step}` is not a `verify` step"), "not the output of a `verify`"));
    };
    if compared != server {
        return Some((opened + &format!("`{step}` compares `{compared}`"), "the proof of another server"));
    }
    None
}
