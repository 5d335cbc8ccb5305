//! Requests for approval, and a person's answer.

use super::fragments::Seen;
use super::guard::Refusal;
use super::schedules::segment;
use super::visitor::Visitor;
use super::watch::Watched;
use super::{Page, confirm};
use crate::effects::Decision;
use crate::engine::approvals::decide as record;
use crate::engine::status::Status;
use crate::kinds::role::AsksPeople;
use crate::people::Right;
use crate::plan::Plan;
use crate::plan::stored::maker;
use crate::report::fold::{Approval, StepSummary};
use crate::report::time::moment;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;
use std::sync::Arc;

/// Longest reason, in letters.
const LONGEST: usize = 1000;

/// An answer.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Said {
    #[serde(default)]
    answer: String,
    #[serde(default)]
    reason: String,
    /// The plan that the person has seen.
    #[serde(default)]
    plan: String,
    #[serde(default)]
    form_key: String,
    /// The word that confirms the answer.
    #[serde(default)]
    confirm: String,
}

/// Steps that wait for an answer, with a form for those who may give one.
pub(super) fn asks(seen: &Seen<'_>) -> Markup {
    let asks = |step: &&StepSummary| asks_people(seen.plan, &step.id);
    let asking = seen.summary.steps.iter().filter(|step| step.status == Status::Waiting).filter(asks);
    html! {
        @if seen.worker.is_some() {
            @for step in asking { (ask(seen, step)) }
        }
    }
}

fn asks_people(plan: &Plan, step: &str) -> bool {
    plan.step(step).is_some_and(|step| step.role::<AsksPeople>().is_some())
}

fn ask(seen: &Seen<'_>, step: &StepSummary) -> Markup {
    let run = &seen.summary.run;
    let question = step.waits_for.as_deref().unwrap_or("Continue?");
    let words = html! { "Type " strong { "approve" } " or " strong { "refuse" } ", then press the same button" };
    html! {
        section.ask aria-labelledby={ "ask-" (step.id) } {
            h2 id={ "ask-" (step.id) } { (question) }
            p {
                "Step " strong { (step.id) } " waits for approval. "
                @if seen.rehearsal { "This is a rehearsal." } @else { strong { "These are live servers." } }
            }
            @if let Some(approval) = &step.approval { (so_far(approval)) }
            @if let Some(maker) = maker(seen.plan.format) {
                p { "Answer with " code { "cutover approve " (run) " " (step.id) } " of cutover " (maker) ", which made its plan." }
            } @else if seen.visitor.may(Right::Approve) {
                form method="post" action={ "/runs/" (segment(run)) "/steps/" (segment(&step.id)) "/decision" } {
                    input type="hidden" name="form_key" value=(seen.visitor.form_key());
                    input type="hidden" name="plan" value=(seen.plan.hash);
                    (confirm::keep_enter())
                    label for={ "reason-" (step.id) } { "Reason, for the report" }
                    input id={ "reason-" (step.id) } name="reason" maxlength=(LONGEST) autocomplete="off";
                    (confirm::field(&format!("confirm-{}", step.id), &words, "\\s*(approve|refuse)\\s*"))
                    div.answers {
                        button.go name="answer" value="yes" { "Approve" }
                        button.no name="answer" value="no" { "Refuse" }
                    }
                }
            } @else {
                p {
                    @if seen.visitor.people && seen.visitor.name().is_none() {
                        a href={ "/login?next=/runs/" (segment(run)) } { "Log in" } " to answer, or type "
                    } @else { "Answer with " }
                    code { "cutover approve " (run) " " (step.id) }
                }
            }
        }
    }
}

/// Who has approved already, and how many more must approve.
fn so_far(approval: &Approval) -> Markup {
    html! {
        p {
            @if !approval.people.is_empty() { "Approved by " (approval.people.join(", ")) ". " }
            @match approval.missing { 0 => {}, 1 => "One more must approve.", more => { (more) " more must approve." } }
            @if let Some(lapses) = approval.lapses_at { " The request expires at " (moment(lapses)) "." }
        }
    }
}

/// Writes an answer into the journal.
pub(super) async fn decide(
    State(page): State<Arc<Page>>,
    visitor: Visitor,
    Path((run, step)): Path<(String, String)>,
    Form(said): Form<Said>,
) -> Result<Response, Refusal> {
    let person = visitor.allowed(Right::Approve, &said.form_key)?.to_owned();
    let approved = match said.answer.as_str() {
        "yes" => true,
        "no" => false,
        _ => return Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "`answer` is neither yes nor no")),
    };
    let (word, act) = if approved { ("approve", "approve this step") } else { ("refuse", "refuse this step") };
    confirm::see(&said.confirm, word, act)?;
    let reason = Some(said.reason.trim().chars().take(LONGEST).collect::<String>()).filter(|reason| !reason.is_empty());
    let plan = Some(said.plan).filter(|plan| !plan.is_empty());
    let decision = Decision { approved, by: person, reason, plan, people: None };
    let file = visitor.file().cloned();
    let back = format!("/runs/{}", segment(&run));
    page.aside(move |page| {
        let watched = Watched::open(page, &run)?;
        may_be_decided(&watched, &step)?;
        record(&page.journal, &run, Some(&step), decision, file.as_ref())?;
        Ok(())
    })
    .await?;
    Ok(if visitor.is_program() {
        StatusCode::NO_CONTENT.into_response()
    } else {
        (StatusCode::SEE_OTHER, [(LOCATION, back)]).into_response()
    })
}

/// A step is answered only while a process works on its run; the engine checks everything else.
fn may_be_decided(watched: &Watched, step: &str) -> Result<(), Refusal> {
    let summary = watched.summary()?;
    let conflict = |said: String| Err(Refusal::new(StatusCode::CONFLICT, said));
    match summary.step(step) {
        None => Err(Refusal::missing(format!("run {} has no step {step}", summary.run))),
        Some(found) if !asks_people(&watched.plan, &found.id) || found.status != Status::Waiting => {
            conflict(format!("step {step} does not wait for approval: it is {}", found.status))
        }
        Some(_) if watched.worker().is_none() => {
            conflict(format!("no process works on run {}: resume it first", summary.run))
        }
        Some(_) => Ok(()),
    }
}
