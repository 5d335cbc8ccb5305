//! The write pause, moment by moment; in a rehearsal also the measurement of its application.

use crate::playbook::position::Position;
use crate::report::evidence::Evidence;
use crate::report::fold::Summary;
use crate::report::sentence::Sentence;
use crate::report::standstill::{JournalMoment, Standstill};
use crate::report::time::{exact_moment, span};
use maud::{Markup, html};
use serde_json::Value;

pub(super) fn section(summary: &Summary, evidence: &Evidence) -> Markup {
    let all = &summary.standstills;
    let put_back = Sentence::PutBack { moments: &summary.put_back };
    let certain = summary.point_of_no_return_is_certain;
    html! {
        @if !all.is_empty() || !summary.put_back.is_empty() || evidence.rehearsal.is_some() {
            section {
                h2 { "The switch" }
                @if let Some(report) = &evidence.rehearsal { (ledger(report)) }
                @if !summary.put_back.is_empty() { p { (put_back) } }
                @for standstill in all { (one(standstill)) }
                @if summary.past_point_of_no_return {
                    p { @if certain { "The point of no return was passed." } @else { "The point of no return may have been passed." } }
                }
            }
        }
    }
}

fn one(standstill: &Standstill) -> Markup {
    html! {
        p.figure { (standstill) "." }
        (moments(standstill))
        dl {
            @if let Some(ms) = standstill.fence_ms { dt { "closing took" } dd { (format!("{ms:.1} ms")) } }
            @if let Some(place) = &standstill.fenced_at { dt { "last position in the old log" } dd { (position(place)) } }
            @if let Some(place) = &standstill.promoted_at { dt { "first position in the new log" } dd { (position(place)) } }
        }
    }
}

fn moments(standstill: &Standstill) -> Markup {
    let (from, all) = (standstill.from, moments_of(standstill));
    html! {
        div.scroll {
            table {
                thead { tr { th { "moment" } th { "time" } th { "after closing started" } th { "journal entry" } } }
                tbody {
                    @for (name, moment) in all {
                        tr {
                            td { (name) }
                            td { @if let Some(moment) = moment { (exact_moment(moment.at)) } @else { "did not happen" } }
                            td { @if let Some(moment) = moment { (span(moment.at - from.at)) } }
                            td { @if let Some(moment) = moment { (moment.entry) } }
                        }
                    }
                }
            }
        }
    }
}

/// The moments that were reached, and for a switch that was not given up also those that were not.
fn moments_of(standstill: &Standstill) -> Vec<(&'static str, Option<JournalMoment>)> {
    let Standstill { from, closed, caught_up, open, arrived, reopened, .. } = standstill;
    let from_name = if closed.is_some() { "closing started" } else { "closing may have started" };
    let all = [
        (from_name, Some(*from)),
        ("the old server was closed", *closed),
        ("the new server had applied everything", *caught_up),
        ("the new server accepted writes", *open),
        ("the application was sent there", *arrived),
        ("the old server was open again", *reopened),
    ];
    let given_up = reopened.is_some();
    let counts = |name: &str, moment: Option<JournalMoment>| {
        moment.is_some() || (!given_up && name != "the old server was open again")
    };
    all.into_iter().filter(|(name, moment)| counts(name, *moment)).collect()
}

/// The record of the rehearsal's application, compared with the servers.
fn ledger(report: &Value) -> Markup {
    let writes = &report["writes"];
    let rows = [
        ("writes acknowledged", &writes["acknowledged"]),
        ("acknowledged writes lost", &writes["lost"]),
        ("accepted by the old server after the fence", &writes["on_source_after_fence"]),
        ("without an answer", &writes["unknown"]),
        ("rows copied", &report["rows_copied"]),
    ];
    html! {
        @if let Some(ms) = report["downtime_ms"].as_f64() {
            p.figure { strong { (format!("{ms:.1} ms")) } " longest write pause, measured at the rehearsal's application" }
        }
        h3 { "The ledger" }
        dl { @for (name, value) in rows { dt { (name) } dd { (value) } } }
    }
}

fn position(place: &Value) -> String {
    let position: Result<Position, _> = serde_json::from_value(place.clone());
    position.map_or_else(|_| place.to_string(), |position| position.to_string())
}
