//! The parts of a run's page that change while it runs. A part is sent again only when its text has changed.

use super::estimate::Estimate;
use super::mark::{badge, of_run, of_step};
use super::visitor::Visitor;
use super::watch::Parts;
use super::{decide, step_log};
use crate::engine::status::Status;
use crate::plan::Plan;
use crate::plan::display::{self, Mark};
use crate::report::decision::DecisionTable;
use crate::report::fold::{StepSummary, Summary};
use crate::report::lag_curve::curve;
use crate::report::progress::News;
use crate::report::progress::lag;
use crate::report::text;
use crate::report::time::{moment, running, span};
use crate::store::{Entry, Outcome};
use maud::{Markup, html};

/// The data that they are made from.
pub(super) struct Seen<'a> {
    pub summary: &'a Summary,
    pub plan: &'a Plan,
    pub entries: &'a [Entry],
    pub news: &'a [News],
    pub worker: Option<&'a str>,
    pub rehearsal: bool,
    pub visitor: &'a Visitor,
}

/// All of them, by the ids of their elements.
pub(super) fn of(seen: &Seen<'_>) -> Parts {
    let summary = seen.summary;
    let mut parts = Parts::new();
    let mut put = |id: String, part: Markup| parts.insert(id, part.into_string());
    put("headline".into(), headline(seen));
    put("about".into(), about(seen));
    put("asks".into(), decide::asks(seen));
    put("lag".into(), curve(&lag(seen.news)));
    put("decision".into(), unfinished(seen));
    for (number, step) in (1..).zip(&summary.steps) {
        put(format!("is-{number}"), row(seen, number, step));
        put(format!("log-{number}"), step_log::log(&step.id, seen.entries, seen.news));
    }
    if let Ok(live) = display::live(seen.plan, &marks(summary)) {
        for (number, node) in (1..).zip(live.nodes) {
            put(format!("node-{number}"), node);
        }
    }
    parts
}

/// How each step looks.
pub(super) fn marks(summary: &Summary) -> Vec<Mark> {
    summary.steps.iter().map(|step| of_step(step.status)).collect()
}

/// The state of the run, in one line that screen readers announce when it changes.
fn headline(seen: &Seen<'_>) -> Markup {
    let summary = seen.summary;
    let steps = &summary.steps;
    let done = steps.iter().filter(|step| matches!(step.status, Status::Succeeded | Status::Skipped)).count();
    let now: Vec<&str> = steps
        .iter()
        .filter(|step| matches!(step.status, Status::Running | Status::Waiting | Status::Retrying | Status::Undoing))
        .map(|step| step.id.as_str())
        .collect();
    let waits = seen.worker.is_some() && steps.iter().any(|step| step.status == Status::Waiting);
    let mark = if waits { of_step(Status::Waiting) } else { of_run(summary.outcome, seen.worker.is_some()) };
    html! {
        (badge(mark))
        " " (done) " of " (steps.len()) " steps done"
        @if !now.is_empty() && seen.worker.is_some() { ", now: " strong { (now.join(", ")) } }
    }
}

fn about(seen: &Seen<'_>) -> Markup {
    let summary = seen.summary;
    let finished = summary.outcome.is_some() && seen.worker.is_none();
    html! {
        dl {
            dt { "where" }
            dd { @if seen.rehearsal { "a rehearsal, on temporary servers" } @else { strong { "live servers" } } }
            @if let Some(started) = summary.started {
                dt { "started" } dd { (moment(started)) }
                dt { @if finished { "took" } @else { "for" } }
                dd {
                    @if finished { (span(summary.duration.unwrap_or_default())) }
                    @else if seen.worker.is_some() { (running(started, summary.last.unwrap_or(started))) }
                    @else { (span(summary.duration.unwrap_or_default())) " until its last journal entry" }
                }
            }
            @if let Some(worker) = seen.worker {
                dt { "by" } dd { (worker.trim_start_matches(&format!("run {} (", summary.run)).trim_end_matches(')')) }
            }
            @if summary.resumed > 0 {
                dt { "resumed" }
                dd { (summary.resumed) (if summary.resumed == 1 { " time" } else { " times" }) }
            }
            @if let Some(reason) = &summary.rollback { dt { "rolled back" } dd { "because " (reason) } }
            @for (name, about) in display::servers(seen.plan) { dt { "server " (name) } dd { (about) } }
            @for (host, region) in &summary.regions { dt { "host " (host) } dd { (region) } }
            dt { "plan" } dd { code { (seen.plan.hash.get(..16).unwrap_or(&seen.plan.hash)) } }
        }
        @if summary.past_point_of_no_return && summary.outcome != Some(Outcome::Done) {
            p.said {
                "The point of no return was passed, or may have been: the old server must remain closed. Do not open it by hand."
            }
        }
    }
}

/// For a run that has not ended well and that no process works on: its state, and the commands to type.
fn unfinished(seen: &Seen<'_>) -> Markup {
    if seen.worker.is_some() {
        return html! {};
    }
    let summary = seen.summary;
    let by_hand: Vec<&StepSummary> = summary.steps.iter().filter(|step| !step.by_hand.is_empty()).collect();
    html! {
        @if let Some(next) = text::next(summary, None) { h2 { "What to do next" } pre { (next) } }
        @if let Some(table) = &summary.decision { (decision(table)) }
        @for step in by_hand {
            h3 { "To undo " (step.id) " by hand" }
            pre { @for action in &step.by_hand { (text::action(action)) "\n" } }
        }
    }
}

fn decision(table: &DecisionTable) -> Markup {
    html! {
        h2 { "State of the servers" }
        table.cards {
            thead { tr { th { "name" } th { "at" } th { "is" } th { "because" } } }
            tbody {
                @for place in &table.places {
                    tr {
                        td data-label="name" { strong { (place.name) } }
                        td data-label="at" { (place.at) }
                        td data-label="is" { strong { (place.known) } }
                        td data-label="because" { (place.because) }
                    }
                }
            }
        }
        @for case in &table.cases {
            h3 { "Check " (case.server) }
            p { "with " code { (case.look) } ", then:" }
            dl {
                dt { "0, OFF" } dd { (case.open) }
                dt { "1, ON" } dd { (case.closed) }
                dt { "no answer" } dd { (case.no_answer) }
            }
        }
    }
}

/// One step: its status, its duration, its progress.
fn row(seen: &Seen<'_>, number: usize, step: &StepSummary) -> Markup {
    let underway = matches!(step.status, Status::Running | Status::Waiting);
    let failures = [&step.failure, &step.undo_failure].into_iter().flatten();
    let since = step.started.unwrap_or_default();
    html! {
        div.line {
            span.number { (number) }
            strong.id { (step.id) }
            span.kind { (step.uses) @if let Some(block) = &step.block { " in " (block) } }
            (badge(of_step(step.status)))
            span.took {
                @if let (true, Some(started), true) = (underway, step.started, seen.worker.is_some()) {
                    (running(started, seen.summary.last.unwrap_or(started)))
                } @else if let Some(took) = step.duration { (span(took)) }
                @if step.attempts > 1 { ", " (step.attempts) " attempts" }
            }
        }
        @if underway && seen.worker.is_some() {
            @if let Some(estimate) = Estimate::of(seen.news, &step.id, since) { (estimate.bar()) }
        }
        @if let Some(why) = step.reason.as_ref().or(step.waits_for.as_ref()) { p.why { (why) } }
        @for failure in failures.filter(|_| step.status != Status::Succeeded) {
            p.said { (failure.in_the_past()) @if let Some(help) = &failure.help { br; strong { "Help: " } (help) } }
        }
        @if let Some(vouched) = &step.vouched { p.why { "marked as undone by " (vouched.by) ": " (vouched.why) } }
    }
}
