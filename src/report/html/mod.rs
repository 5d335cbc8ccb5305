//! A run as one self-contained page: to send to an auditor, keep with the change request, and open in ten years. Nothing is
//! loaded, no script is needed, and its policy forbids both. Pure.

mod evidence;
mod gantt;
mod pause;

use super::evidence::Evidence;
use super::fold::{StepSummary, Summary};
use super::lag_curve::{LagSample, curve};
use super::sentence::Sentence;
use super::time::{exact_moment, span};
use crate::domain::visible;
use crate::engine::status::Status;
use crate::store::{Entry, Outcome};
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// Nothing but the page's own style: no request can leave it.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";
/// Number of journal entries that are printed; a plan of ten thousand steps has more than anyone reads.
const ENTRIES: usize = 2_000;

/// The parts of a report.
pub struct Material<'a> {
    /// The run.
    pub summary: &'a Summary,
    /// Its journal.
    pub entries: &'a [Entry],
    /// Who works on it now, if anybody does.
    pub alive: Option<&'a str>,
    /// Replication lag over time, as far as it was recorded.
    pub lag: &'a [LagSample],
}

/// The page.
#[must_use]
pub fn page(material: &Material<'_>) -> String {
    let Material { summary, entries, alive, lag } = material;
    let evidence = Evidence::new(summary, entries);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { @if summary.rehearsal { "rehearsal " } "run " (summary.run) " of " (summary.playbook) }
                style { (PreEscaped(include_str!("report.css"))) }
            }
            body {
                header { (head(summary, *alive, &evidence)) }
                main {
                    (pause::section(summary, &evidence))
                    (troubles(summary))
                    (after_fence(summary))
                    (gantt::section(summary))
                    (replication_lag(lag, summary))
                    (evidence::section(summary, &evidence))
                    (journal(entries))
                }
            }
        }
    };
    visible(&page.into_string()).into_owned() + "\n"
}

fn head(summary: &Summary, alive: Option<&str>, evidence: &Evidence) -> Markup {
    let done = summary.steps.iter().filter(|step| step.status == Status::Succeeded).count();
    html! {
        h1 {
            (summary.playbook) " " span.outcome.(tone(summary.outcome)) { (outcome(summary.outcome, alive)) }
            @if summary.rehearsal { " " span.outcome.plain { "rehearsal" } }
        }
        @if summary.rehearsal { p { "This run is a rehearsal, on temporary servers." } }
        dl {
            dt { "run" } dd { code { (summary.run) } }
            @if let Some(started) = summary.started { dt { "started" } dd { (exact_moment(started)) } }
            @if let Some(took) = summary.duration { dt { "took" } dd { (span(took)) } }
            dt { "steps" } dd { (done) " of " (summary.steps.len()) " succeeded" }
            @if summary.resumed > 0 {
                dt { "resumed" }
                dd { (summary.resumed) (if summary.resumed == 1 { " time" } else { " times" }) }
            }
            @if let Some(revision) = &evidence.revision { dt { "commit" } dd { code { (revision) } } }
            dt { "plan" } dd { code { (summary.plan) } }
        }
    }
}

fn outcome(outcome: Option<Outcome>, alive: Option<&str>) -> String {
    match (outcome, alive) {
        (_, Some(_)) => "running".to_owned(),
        (Some(outcome), None) => outcome.to_string(),
        (None, None) => "not finished, and no process is working on it".to_owned(),
    }
}

fn tone(outcome: Option<Outcome>) -> &'static str {
    match outcome {
        Some(Outcome::Done) => "good",
        Some(Outcome::Stuck | Outcome::Stopped) => "bad",
        Some(_) => "warn",
        None => "plain",
    }
}

/// What went wrong, and what a person was asked to do.
fn troubles(summary: &Summary) -> Markup {
    let failed: Vec<&StepSummary> = summary.steps.iter().filter(|step| has_trouble(step)).collect();
    html! {
        @if let Some(reason) = &summary.rollback {
            section {
                h2 { "Rollback" }
                p { (Sentence::RolledBack { reason, outcome: summary.outcome }) }
                @for (block, at) in &summary.deadlines { p { (Sentence::Deadline { block, at: *at }) } }
            }
        }
        @if let Some(table) = &summary.decision {
            section { h2 { "State of the servers, and what may be done" } pre { (table) } }
        }
        @if !failed.is_empty() {
            section {
                h2 { "What failed" }
                @for step in failed {
                    h3 { (step.id) " " small { (step.status) } }
                    @for failure in [&step.failure, &step.undo_failure].into_iter().flatten() {
                        pre { (failure.in_the_past()) @if let Some(help) = &failure.help { "\nhelp: " (help) } }
                    }
                    @if let Some(vouched) = &step.vouched {
                        p { "marked as undone by " (vouched.by) ": " (vouched.why) }
                    }
                }
            }
        }
    }
}

/// Findings on the permanently closed servers.
fn after_fence(summary: &Summary) -> Markup {
    html! {
        @if let Some(after) = &summary.after_fence {
            section {
                h2 { "After the fence" }
                ul { @for line in after.lines() { li { (line) } } }
                @if let Some(next) = after.next(&summary.run) { p { (next) } }
            }
        }
    }
}

fn has_trouble(step: &StepSummary) -> bool {
    step.undo_failure.is_some() || (step.failure.is_some() && step.status != Status::Succeeded)
}

/// The curve; without one, the outputs of the waiting steps.
fn replication_lag(samples: &[LagSample], summary: &Summary) -> Markup {
    let known = |step: &StepSummary| Some((step.id.clone(), step.outputs.get("lag_ms")?.as_i64()?, step.done?.at));
    let lags: Vec<(String, i64, i64)> = summary.steps.iter().filter_map(known).collect();
    html! {
        @if !samples.is_empty() || !lags.is_empty() {
            section {
                @if samples.is_empty() { h2 { "Replication lag" } } @else { (curve(samples)) }
                ul {
                    @for (step, lag, at) in lags {
                        li { (step) ": at most " (span(lag)) " in the requested period, which ended " (exact_moment(at)) }
                    }
                }
            }
        }
    }
}

fn journal(entries: &[Entry]) -> Markup {
    html! {
        section {
            h2 { "Journal" }
            details {
                summary { (entries.len()) " entries" }
                @if entries.len() > ENTRIES {
                    p { "The first " (ENTRIES) " are here; " code { "cutover report --format json" } " has all." }
                }
                div.scroll {
                    table {
                        thead { tr { th { "no." } th { "time" } th { "event" } } }
                        tbody {
                            @for entry in entries.iter().take(ENTRIES) {
                                tr {
                                    td { (entry.seq) }
                                    td { (exact_moment(entry.at)) }
                                    td { code { (serde_json::to_string(&entry.event).unwrap_or_default()) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
