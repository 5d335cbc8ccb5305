//! One run: its live graph, its steps with their logs, its approvals, and the state of the servers when it is stuck.

use super::fragments::marks;
use super::guard::Refusal;
use super::schedules::segment;
use super::visitor::Visitor;
use super::watch::{Parts, Watched};
use super::{Page, frame};
use crate::plan::{Plan, display};
use axum::extract::{Path, State};
use maud::{Markup, PreEscaped, html};
use std::sync::Arc;

/// The page of a run.
pub(super) async fn show(
    State(page): State<Arc<Page>>,
    visitor: Visitor,
    Path(run): Path<String>,
) -> Result<Markup, Refusal> {
    page.aside(move |page| {
        let watched = Watched::open(page, &run)?;
        let body = body(&watched, &watched.parts(&visitor)?)?;
        let events = format!("/runs/{}/events", segment(&run));
        Ok(frame::page(&format!("{} {run}", watched.plan.name), &visitor, Some(&events), &body))
    })
    .await
}

fn body(watched: &Watched, parts: &Parts) -> Result<Markup, Refusal> {
    let (plan, run) = (&watched.plan, &watched.run);
    let summary = watched.summary()?;
    let part = |id: &str| PreEscaped(parts.get(id).map(String::as_str).unwrap_or_default());
    let address = format!("/runs/{}", segment(run));
    Ok(html! {
        p.crumbs { a href="/" { "All runs" } }
        h1 { (plan.name) " " span.quiet { (run) } @if summary.rehearsal { " " span.badge.waiting { "rehearsal" } } }
        @if let Some(description) = &plan.description { p.quiet { (description.trim()) } }
        p #headline .headline role="status" { (part("headline")) }
        p.links {
            a.button href={ (address) "/plan" } { "Reviewed plan" }
            a.button href={ (address) "/report" } { "Report" }
        }
        div #asks { (part("asks")) }
        div #decision { (part("decision")) }
        div #about { (part("about")) }
        section #lag { (part("lag")) }
        div.both {
            section {
                h2 { "Graph" }
                @match display::live(plan, &marks(&summary)) {
                    Ok(live) => div #graph .graph tabindex="0" role="region" aria-label="graph of the steps" { (live.drawing) },
                    Err(why) => p { (why) },
                }
            }
            section { h2 { "Steps" } (steps(plan, part)) }
        }
    })
}

fn steps<'a>(plan: &Plan, part: impl Fn(&str) -> PreEscaped<&'a str>) -> Markup {
    html! {
        ol.steps {
            @for (number, step) in (1..).zip(&plan.steps) {
                li id={ "row-" (number) } {
                    div id={ "is-" (number) } { (part(&format!("is-{number}"))) }
                    details {
                        summary { "Log" span.hidden { " of " (step.id) } }
                        div id={ "log-" (number) } { (part(&format!("log-{number}"))) }
                    }
                }
            }
        }
    }
}
