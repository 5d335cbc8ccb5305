//! The plan for a pull request: a summary, the graph, a table of the steps, and every action folded away.

use super::edges::{Edges, is_point_of_no_return};
use super::markup::{cell, code, fenced, plain, sentence};
use super::wording::{self, NoReturn};
use super::{mermaid, text, too_large};
use crate::plan::{Plan, PlannedStep};
use crate::steps::Action;
use maud::html;
use std::fmt::Write as _;

/// The whole plan as GitHub's and GitLab's Markdown.
#[must_use]
pub fn markdown(plan: &Plan) -> String {
    let edges = Edges::of(plan);
    let mut out = String::new();
    // writing into a String cannot fail
    let _ = write_summary(&mut out, plan, &edges);
    let _ = match too_large(plan, &edges) {
        Some(why) => writeln!(out, "\n{why}"),
        None => writeln!(out, "\n{}", fenced("mermaid", &mermaid(plan))),
    };
    let _ = write_table(&mut out, plan);
    let _ = write_details(&mut out, plan);
    out
}

fn write_summary(out: &mut String, plan: &Plan, edges: &Edges) -> std::fmt::Result {
    writeln!(out, "## Plan {}\n", code(&plan.name))?;
    if let Some(description) = &plan.description {
        writeln!(out, "{}\n", plain(description))?;
    }
    writeln!(out, "- hash {}", code(&plan.hash))?;
    for (name, about) in wording::servers(plan) {
        writeln!(out, "- server {}: {}", code(name), plain(&about))?;
    }
    for (name, value) in &plan.inputs {
        writeln!(out, "- input {} = {}", code(name), code(&value.to_string()))?;
    }
    for (id, about) in wording::windows(plan) {
        writeln!(out, "- window of {}: {}", code(id), plain(&about))?;
    }
    for (occasion, webhooks) in wording::told(plan) {
        writeln!(out, "- on {occasion} tell {}", plain(&webhooks))?;
    }
    writeln!(out, "- steps: {}", wording::count(plan))?;
    let end = NoReturn::of(plan, edges);
    let Some((number, step)) = end.step else {
        return writeln!(out, "- **no point of no return**: whatever fails, what was done is taken back");
    };
    writeln!(out, "- **point of no return: after step {number}, {}**; nothing is rolled back from there", code(step))?;
    let beyond = if end.beyond.is_empty() { "none".to_owned() } else { codes(end.beyond.iter().copied()) };
    writeln!(out, "- steps beyond it, which are not taken back: {beyond}")
}

fn write_table(out: &mut String, plan: &Plan) -> std::fmt::Result {
    writeln!(out, "\n| # | step | kind | after | | at most |\n|---:|---|---|---|---|---|")?;
    for (number, step) in (1..).zip(&plan.steps) {
        let (id, uses) = (cell(&code(&step.id)), cell(&code(&step.uses)));
        let needs = cell(&codes(step.needs.iter().map(String::as_str)));
        let about = match (&step.skip, is_point_of_no_return(step)) {
            (Some(reason), _) => cell(&format!("skipped: {}", sentence(reason))),
            (None, true) => "**point of no return**".to_owned(),
            (None, false) => wording::reversibility(step).to_owned(),
        };
        writeln!(out, "| {number} | {id} | {uses} | {needs} | {about} | {} |", wording::time(step.timeout_ms))?;
    }
    Ok(())
}

fn write_details(out: &mut String, plan: &Plan) -> std::fmt::Result {
    writeln!(out, "\n### What is done\n\n<details>")?;
    writeln!(out, "<summary>before the first step, and beside the steps</summary>\n")?;
    writeln!(out, "{}\n\n</details>", fenced("text", &actions(&plan.opening)))?;
    for (number, step) in (1..).zip(&plan.steps) {
        let title = html! { summary { b { (number) ". " (step.id) } " (" (step.uses) ")" } }.into_string();
        writeln!(out, "\n<details>\n{title}\n")?;
        write_step(out, step)?;
        writeln!(out, "</details>")?;
        if is_point_of_no_return(step) {
            writeln!(out, "\n---\n\n**POINT OF NO RETURN: after {} nothing is rolled back**\n\n---", code(&step.id))?;
        }
    }
    Ok(())
}

fn write_step(out: &mut String, step: &PlannedStep) -> std::fmt::Result {
    if let Some(reason) = &step.skip {
        return writeln!(out, "skipped: {}\n", sentence(reason));
    }
    if let Some(when) = &step.when {
        writeln!(out, "- only when {}", code(when))?;
    }
    writeln!(out, "- {}", wording::terms(step))?;
    for unproved in &step.unproved {
        writeln!(out, "- not proved before: {}", sentence(unproved))?;
    }
    writeln!(out, "\n{}\n", fenced("text", &actions(&step.actions)))?;
    if !step.undo.is_empty() || !step.rollback.is_empty() {
        writeln!(out, "To take it back:\n")?;
    }
    if !step.undo.is_empty() {
        writeln!(out, "{}\n", fenced("text", &actions(&step.undo)))?;
    }
    for hook in &step.rollback {
        writeln!(out, "hook ({}):\n\n{}\n", code(&hook.uses), fenced("text", &actions(&hook.actions)))?;
    }
    Ok(())
}

fn actions(actions: &[Action]) -> String {
    let mut out = String::new();
    // writing into a String cannot fail
    let _ = actions.iter().try_for_each(|action| text::write_action(&mut out, action, ""));
    out
}

fn codes<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    texts.map(code).collect::<Vec<_>>().join(", ")
}
