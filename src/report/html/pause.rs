//! The switch: how long the application can have waited, moment by moment; in a rehearsal also what it measured itself.

use crate::playbook::position::Position;
use crate::report::evidence::{Evidence, Switch};
use crate::report::fold::Summary;
use crate::report::time::{exact_moment, span};
use maud::{Markup, html};
use serde_json::Value;

pub(super) fn section(summary: &Summary, evidence: &Evidence) -> Markup {
    let Some(switch) = &evidence.switch else { return html! {} };
    let measured = evidence.rehearsal.as_ref().and_then(|report| report["downtime_ms"].as_f64());
    html! {
        section {
            h2 { "The switch" }
            @match (measured, switch.gap_ms()) {
                (Some(ms), _) => p.figure { strong { (format!("{ms:.1} ms")) } " without an acknowledged write, measured at the application" },
                (None, Some(ms)) => p.figure { strong { (span(ms)) } " at most, from the fence to the application's first session on the new server" },
                (None, None) => p { "The application was not moved." },
            }
            (moments(switch))
            @if let Some(report) = &evidence.rehearsal { (ledger(report)) }
            @if summary.past_point_of_no_return { p { "The point of no return was passed." } }
        }
    }
}

fn moments(switch: &Switch) -> Markup {
    let all = [
        ("the fence begins", Some(switch.closing)),
        ("the new server has everything", switch.caught_up),
        ("the new server is open", switch.open),
        ("the application is there", switch.arrived),
    ];
    html! {
        div.scroll {
            table {
                thead { tr { th { "moment" } th { "time (UTC)" } th { "after the fence" } } }
                tbody {
                    @for (name, at) in all {
                        tr {
                            td { (name) }
                            td { @if let Some(at) = at { (exact_moment(at)) } @else { "did not come" } }
                            td { @if let Some(at) = at { (span((at - switch.closing).max(0))) } }
                        }
                    }
                }
            }
        }
        dl {
            @if let Some(ms) = switch.fence_ms { dt { "closing took" } dd { (format!("{ms:.1} ms")) } }
            @if let Some(place) = &switch.fenced_at { dt { "last place in the old log" } dd { (position(place)) } }
            @if let Some(place) = &switch.promoted_at { dt { "first place in the new log" } dd { (position(place)) } }
        }
    }
}

/// What the rehearsal's application wrote down, beside what the servers hold.
fn ledger(report: &Value) -> Markup {
    let writes = &report["writes"];
    let rows = [
        ("writes acknowledged", &writes["acknowledged"]),
        ("of them lost", &writes["lost"]),
        ("accepted by the old server after the fence", &writes["on_source_after_fence"]),
        ("without an answer", &writes["unknown"]),
        ("rows that came over", &report["rows_copied"]),
    ];
    html! {
        h3 { "The ledger" }
        dl { @for (name, value) in rows { dt { (name) } dd { (value) } } }
    }
}

fn position(place: &Value) -> String {
    let position: Result<Position, _> = serde_json::from_value(place.clone());
    position.map_or_else(|_| place.to_string(), |position| position.to_string())
}
