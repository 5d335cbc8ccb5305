//! What a plan is made from, the table of its steps, and every action folded away.

use super::cut::{Cut, Cuts};
use crate::kinds::Action;
use crate::plan::display::edges::is_point_of_no_return;
use crate::plan::display::markup::{cell, code, fenced, plain, sentence};
use crate::plan::display::{text, wording};
use crate::plan::{Plan, PlannedStep};
use maud::html;
use std::fmt::Write as _;

/// Inputs that are shown; of more nobody reads the rest in a comment.
const INPUTS: usize = 100;

pub(super) fn write_sources(out: &mut String, plan: &Plan) -> std::fmt::Result {
    writeln!(out, "\n<details>\n<summary>servers, inputs and notifications</summary>\n")?;
    writeln!(out, "- hash {}", code(&plan.hash))?;
    for (name, about) in wording::servers(plan) {
        writeln!(out, "- server {}: {}", code(name), plain(&about))?;
    }
    for (name, value) in plan.inputs.iter().take(INPUTS) {
        writeln!(out, "- input {} = {}", code(name), code(&value.to_string()))?;
    }
    for (occasion, webhooks) in wording::told(plan) {
        writeln!(out, "- on {occasion} notify {}", plain(&webhooks))?;
    }
    writeln!(out, "\n</details>")
}

pub(super) fn write_table(out: &mut String, plan: &Plan) -> std::fmt::Result {
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

pub(super) fn write_details(out: &mut String, plan: &Plan, cuts: Cuts) -> std::fmt::Result {
    if cuts.has(Cut::Details) {
        return Ok(());
    }
    writeln!(out, "\n### Steps in detail")?;
    if !cuts.has(Cut::Opening) {
        writeln!(out, "\n<details>\n<summary>setup</summary>\n")?;
        writeln!(out, "{}\n\n</details>", fenced("text", &actions(&plan.opening, cuts)))?;
    }
    if !cuts.has(Cut::Contents) {
        for (name, text) in &plan.scripts {
            let title = html! { summary { "<<" (name) ">> is this script" } }.into_string();
            writeln!(out, "\n<details>\n{title}\n\n{}\n\n</details>", fenced("sh", text))?;
        }
    }
    for (number, step) in (1..).zip(&plan.steps) {
        let title = html! { summary { b { (number) ". " (step.id) } " (" (step.uses) ")" } }.into_string();
        writeln!(out, "\n<details>\n{title}\n")?;
        write_step(out, step, cuts)?;
        writeln!(out, "</details>")?;
        if is_point_of_no_return(step) {
            writeln!(out, "\n---\n\n**POINT OF NO RETURN: after {} nothing is rolled back**\n\n---", code(&step.id))?;
        }
    }
    Ok(())
}

fn write_step(out: &mut String, step: &PlannedStep, cuts: Cuts) -> std::fmt::Result {
    if let Some(reason) = &step.skip {
        return writeln!(out, "skipped: {}\n", sentence(reason));
    }
    if let Some(when) = &step.when {
        writeln!(out, "- only when {}", code(when))?;
    }
    writeln!(out, "- {}", wording::terms(step))?;
    for unproved in &step.unproved {
        writeln!(out, "- unverified: {}", sentence(unproved))?;
    }
    if cuts.has(Cut::Actions) {
        return writeln!(out);
    }
    writeln!(out, "\n{}\n", fenced("text", &actions(&step.actions, cuts)))?;
    if cuts.has(Cut::Undo) {
        return Ok(());
    }
    if !step.undo.is_empty() || !step.rollback.is_empty() {
        writeln!(out, "To undo it:\n")?;
    }
    if !step.undo.is_empty() {
        writeln!(out, "{}\n", fenced("text", &actions(&step.undo, cuts)))?;
    }
    for hook in &step.rollback {
        writeln!(out, "hook ({}):\n\n{}\n", code(&hook.uses), fenced("text", &actions(&hook.actions, cuts)))?;
    }
    Ok(())
}

fn actions(actions: &[Action], cuts: Cuts) -> String {
    let (mut out, mut looks) = (String::new(), 0);
    // writing into a String cannot fail
    for action in actions {
        if cuts.has(Cut::Looks) && action.only_reads() {
            looks += 1;
            continue;
        }
        let _ = write_looks(&mut out, std::mem::take(&mut looks));
        let _ = match action {
            Action::File { host, path, content } if cuts.has(Cut::Contents) => {
                let lines = content.to_string().lines().count();
                writeln!(out, "{host}: write {path} ({lines} {})", if lines == 1 { "line" } else { "lines" })
            }
            action => text::write_action(&mut out, action, ""),
        };
    }
    let _ = write_looks(&mut out, looks);
    out
}

fn write_looks(out: &mut String, count: usize) -> std::fmt::Result {
    match count {
        0 => Ok(()),
        1 => writeln!(out, "· 1 read-only action"),
        count => writeln!(out, "· {count} read-only actions"),
    }
}

fn codes<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    texts.map(code).collect::<Vec<_>>().join(", ")
}
