//! `C023`: a promotion after which nobody lets the new server run the events of the old one.

use crate::lint::finding::Finding;
use crate::lint::rule::{Rule, Severity};
use crate::lint::subject::Subject;

/// The rule.
pub static RULE: Rule = Rule {
    code: "C023",
    name: "events-left-behind",
    severity: Severity::Warning,
    title: "scheduled events run nowhere after the switch",
    page: include_str!("events_left_behind.md"),
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let left = subject.of_kind("promote").filter(|promote| {
        let moved = |events: &crate::lint::subject::Pair<'_>| events.text("to") == promote.text("server");
        !subject.of_kind("events").any(|events| moved(&events) && subject.is_before(*promote, events))
    });
    left.map(|promote| {
        let server = promote.text("server");
        let message = format!("`{server}` is opened, and no `events` step lets it run what the old server ran");
        Finding::new(&RULE, promote.written.uses_place, message).label("events stay off").help(format!(
            "after the switch: `uses: events`, `with: {{ from: OLD, to: {server}, scheduler: \
             \"{{{{ steps.fence.event_scheduler }}}}\" }}`"
        ))
    })
    .collect()
}
