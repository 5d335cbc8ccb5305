//! `C023`: a promotion after which nobody lets the new server run the events of the old one.

use crate::kinds::role::{MovesEvents, Opens};
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
    let left = subject.playing().filter(|(promote, Opens { server, .. })| {
        let mut events = subject.playing::<MovesEvents>().filter(|(_, moves)| moves.to == *server);
        !events.any(|(events, _)| subject.is_before(*promote, events))
    });
    left.map(|(promote, Opens { server, .. })| {
        let message = format!("`{server}` is opened, and no `events` step makes it run the events of the old server");
        Finding::new(&RULE, promote.written.uses_place, message).label("events stay off").help(format!(
            "after the switch: `uses: events`, `with: {{ from: OLD, to: {server}, scheduler: \
             \"{{{{ steps.fence.event_scheduler }}}}\" }}`"
        ))
    })
    .collect()
}
