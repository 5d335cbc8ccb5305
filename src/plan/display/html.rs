//! The plan as one page: nothing is loaded, no script is needed, and the page states this to the browser.

use super::edges::{Edges, is_point_of_no_return};
use super::svg::svg;
use super::wording::{self, NoReturn};
use super::{text, too_large};
use crate::domain::visible;
use crate::kinds::Action;
use crate::plan::{Plan, PlannedStep};
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// Nothing but the page's own style: no request can leave it.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// The whole plan as a self-contained page.
#[must_use]
pub fn html(plan: &Plan) -> String {
    let edges = Edges::of(plan);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "plan " (plan.name) }
                style { (PreEscaped(include_str!("html.css"))) }
            }
            body {
                (summary(plan, &edges))
                (graph(plan, &edges))
                h2 { "Steps in detail" }
                details {
                    summary { "setup" }
                    (actions(&plan.opening))
                }
                @for (number, step) in (1..).zip(&plan.steps) { (details(plan, &edges, number, step)) }
                @for (name, text) in &plan.scripts {
                    details { summary { "<<" (name) ">> is this script" } pre { (text) } }
                }
            }
        }
    };
    visible(&page.into_string()).into_owned() + "\n"
}

fn summary(plan: &Plan, edges: &Edges) -> Markup {
    let end = NoReturn::of(plan, edges);
    html! {
        h1 { "plan " (plan.name) }
        @if let Some(description) = &plan.description { p { (description.trim()) } }
        dl {
            dt { "hash" } dd { code { (plan.hash) } }
            @for (name, about) in wording::servers(plan) { dt { "server " (name) } dd { (about) } }
            @for (name, value) in &plan.inputs { dt { "input " (name) } dd { code { (value) } } }
            @for (id, about) in wording::windows(plan) { dt { "window of " (id) } dd { (about) } }
            @for (occasion, webhooks) in wording::told(plan) { dt { "on " (occasion) } dd { "notify " (webhooks) } }
            dt { "steps" } dd { (wording::count(plan)) }
            dt { "point of no return" }
            dd {
                @if let Some((number, step)) = end.step {
                    strong.no-return { "after step " (number) ", " a href={ "#step-" (number) } { (step) } }
                    "; after it nothing is rolled back"
                } @else {
                    "none: after any failure, the steps that ran are undone"
                }
            }
            @if end.step.is_some() {
                dt { "steps after it" }
                dd { (if end.beyond.is_empty() { "none".to_owned() } else { end.beyond.join(", ") }) }
            }
        }
    }
}

fn graph(plan: &Plan, edges: &Edges) -> Markup {
    html! {
        @match too_large(plan, edges) {
            Some(why) => p { (why) },
            None => div.graph { (svg(plan, edges)) },
        }
    }
}

fn details(plan: &Plan, edges: &Edges, number: usize, step: &PlannedStep) -> Markup {
    html! {
        details.last[is_point_of_no_return(step)] {
            summary {
                b { (number) ". " (step.id) } " " span.kind { (step.uses) }
                @if let Some(block) = &step.block { " " span.kind { "in block " (block) } }
                @if step.skip.is_some() { " " span.kind { "skipped" } }
            }
            // a link to something inside opens the fold
            div id={ "step-" (number) } {
                @if let Some(reason) = &step.skip { p { "skipped: " (reason) } } @else { (content(plan, edges, number, step)) }
            }
        }
        @if is_point_of_no_return(step) {
            p.no-return { "POINT OF NO RETURN: after " (step.id) " nothing is rolled back" }
        }
    }
}

fn content(plan: &Plan, edges: &Edges, number: usize, step: &PlannedStep) -> Markup {
    let needs = &edges.needs[number - 1];
    html! {
        @if !needs.is_empty() {
            p {
                "after"
                @for &need in needs { " " a href={ "#step-" (need + 1) } { (plan.steps[need].id) } }
            }
        }
        @if let Some(when) = &step.when { p { "only when " code { (when) } } }
        p { (wording::terms(step)) }
        @if !step.unproved.is_empty() {
            p { "unverified:" }
            ul { @for unproved in &step.unproved { li { (unproved) } } }
        }
        (actions(&step.actions))
        @if !step.undo.is_empty() || !step.rollback.is_empty() { p { "to undo it:" } }
        @if !step.undo.is_empty() { (actions(&step.undo)) }
        @for hook in &step.rollback { p { "hook (" (hook.uses) ")" } (actions(&hook.actions)) }
    }
}

fn actions(actions: &[Action]) -> Markup {
    let mut out = String::new();
    // writing into a String cannot fail
    let _ = actions.iter().try_for_each(|action| text::write_action(&mut out, action, ""));
    html! { pre { (out) } }
}
