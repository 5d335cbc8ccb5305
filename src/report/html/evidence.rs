//! Who, what, where, and what was read back.

use crate::engine::status::Status;
use crate::report::evidence::Evidence;
use crate::report::fold::{StepSummary, Summary};
use crate::report::time::{exact_moment, span};
use maud::{Markup, html};
use serde_json::Value;

/// Longest value that is printed whole.
const LETTERS: usize = 2_000;

pub(super) fn section(summary: &Summary, evidence: &Evidence) -> Markup {
    html! {
        (rates(summary))
        section {
            h2 { "Evidence" }
            h3 { "Who decided" }
            @if evidence.decisions.is_empty() { p { "No step asked for approval." } }
            ul {
                @for decision in &evidence.decisions {
                    li {
                        (decision.step) ": " (if decision.approved { "approved" } else { "refused" }) ", " (decision.by) ", "
                        (exact_moment(decision.at))
                        @if let Some(reason) = &decision.reason { ": " (reason) }
                    }
                }
            }
            @if let Some(runner) = &evidence.runner { p { "Started by " (runner) "." } }
            @if !evidence.servers.is_empty() {
                h3 { "Servers, as identified at the start" }
                @for (server, identity) in &evidence.servers {
                    h4 { (server) }
                    dl { @for (name, value) in identity { dt { (name) } dd { (value) } } }
                }
            }
            @if !summary.regions.is_empty() {
                h3 { "Regions" }
                dl { @for (host, region) in &summary.regions { dt { (host) } dd { (region) } } }
            }
            h3 { "Values read back by the steps when they last succeeded" }
            @for (step, outputs) in &evidence.read_back {
                details {
                    summary { (step) @if let Some(now) = changed(summary, step) { ", now " (now) } }
                    dl { @for (name, value) in outputs { dt { (name) } dd { (shown(value)) } } }
                }
            }
        }
    }
}

/// The status of a step that is no longer done: its values may be out of date.
fn changed(summary: &Summary, step: &str) -> Option<Status> {
    summary.step(step).map(|step| step.status).filter(|status| *status != Status::Succeeded)
}

/// Sizes, and how fast they went.
fn rates(summary: &Summary) -> Markup {
    let rows: Vec<Markup> = summary.steps.iter().filter_map(rate).collect();
    html! {
        @if !rows.is_empty() {
            section {
                h2 { "Sizes and rates" }
                table {
                    thead { tr { th { "step" } th { "size" } th { "time" } th { "rate" } } }
                    tbody { @for row in &rows { (row) } }
                }
            }
        }
    }
}

#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate to show"
)]
fn rate(step: &StepSummary) -> Option<Markup> {
    let took = step.duration.filter(|ms| *ms > 0 && step.done.is_some_and(|done| Some(done.at) == step.ended))?;
    let per_second = |amount: u64| amount as f64 / (took as f64 / 1e3);
    let size = |bytes: u64| bytesize::ByteSize(bytes).display().iec().to_string();
    let number = |name: &str| step.outputs.get(name).and_then(Value::as_u64);
    let (amount, rate) = match (number("bytes"), number("rows")) {
        (Some(bytes), _) => (size(bytes), format!("{}/s", size(per_second(bytes) as u64))),
        (None, Some(rows)) => (format!("{rows} rows"), format!("{:.0} rows/s", per_second(rows))),
        (None, None) => return None,
    };
    Some(html! { tr { td { (step.id) } td { (amount) } td { (span(took)) } td { (rate) } } })
}

fn shown(value: &Value) -> Markup {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if text.contains('\n') || text.chars().count() > 200 {
        let cut: String = text.chars().take(LETTERS).collect();
        return html! { pre { (cut) @if cut.len() < text.len() { " …" } } };
    }
    html! { code { (text) } }
}
