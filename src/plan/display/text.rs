//! The plan for terminals: order, needs, every action, reversibility, the point of no return as a visible line.

use super::edges::is_point_of_no_return;
use super::groups::{Group, groups};
use super::wording;
use crate::domain::{Action, Contents};
use crate::plan::{Plan, PlannedStep};
use std::fmt::Write as _;

/// The whole plan as text.
#[must_use]
pub fn text(plan: &Plan) -> String {
    let mut out = String::new();
    // writing into a String cannot fail
    let _ = write_plan(&mut out, plan);
    out
}

fn write_plan(out: &mut String, plan: &Plan) -> std::fmt::Result {
    writeln!(out, "plan {}  {}", plan.name, wording::short_hash(plan))?;
    if let Some(description) = &plan.description {
        writeln!(out, "{}", description.trim())?;
    }
    for (name, value) in &plan.inputs {
        writeln!(out, "  input {name} = {value}")?;
    }
    for (name, about) in wording::servers(plan) {
        writeln!(out, "  server {name}: {about}")?;
    }
    for (id, about) in wording::windows(plan) {
        writeln!(out, "  window of {id}: {about}")?;
    }
    for (occasion, webhooks) in wording::told(plan) {
        writeln!(out, "  on {occasion} notify {webhooks}")?;
    }
    writeln!(out, "\nsetup")?;
    for action in &plan.opening {
        write_action(out, action, "    ")?;
    }
    write_steps(out, plan)?;
    write_scripts(out, plan)
}

fn write_scripts(out: &mut String, plan: &Plan) -> std::fmt::Result {
    for (name, text) in &plan.scripts {
        writeln!(out, "\n<<{name}>> is this script:")?;
        text.lines().try_for_each(|line| writeln!(out, "    {line}"))?;
    }
    Ok(())
}

fn write_steps(out: &mut String, plan: &Plan) -> std::fmt::Result {
    for Group { block, first, steps } in groups(plan) {
        if let Some((_, block)) = block {
            writeln!(out, "\n── {}", wording::block(block))?;
        }
        for (number, step) in (first + 1..).zip(steps) {
            write_step(out, number, step)?;
            if is_point_of_no_return(step) {
                writeln!(
                    out,
                    "\n━━━━━━━━━━ POINT OF NO RETURN: after `{}` nothing is rolled back ━━━━━━━━━━",
                    step.id
                )?;
            }
        }
    }
    Ok(())
}

fn write_step(out: &mut String, number: usize, step: &PlannedStep) -> std::fmt::Result {
    let needs = if step.needs.is_empty() { String::new() } else { format!("  after {}", step.needs.join(", ")) };
    writeln!(out, "\n{number:>3}. {}  ({}){needs}", step.id, step.uses)?;
    if let Some(reason) = &step.skip {
        return writeln!(out, "     skipped: {reason}");
    }
    if let Some(when) = &step.when {
        writeln!(out, "     only when {when}")?;
    }
    writeln!(out, "     {}", wording::terms(step))?;
    for unproved in &step.unproved {
        writeln!(out, "     ? unverified: {unproved}")?;
    }
    for action in &step.actions {
        write_action(out, action, "     ")?;
    }
    if !step.undo.is_empty() || !step.rollback.is_empty() {
        writeln!(out, "     to undo it:")?;
    }
    for action in &step.undo {
        write_action(out, action, "       ")?;
    }
    for hook in &step.rollback {
        writeln!(out, "       hook ({})", hook.uses)?;
        for action in &hook.actions {
            write_action(out, action, "         ")?;
        }
    }
    Ok(())
}

/// One action, every line of it indented.
pub(super) fn write_action(out: &mut String, action: &Action, indent: &str) -> std::fmt::Result {
    match action {
        Action::File { host, path, content } => {
            writeln!(out, "{indent}{host}: write {path}")?;
            write_content(out, indent, content)
        }
        Action::Command { host, command, input: Some(input) } => {
            write_body(out, indent, &format!("{host}$ {command}"))?;
            writeln!(out, "{indent}  with this input:")?;
            write_content(out, indent, input)
        }
        other => write_body(out, indent, &other.to_string()),
    }
}

fn write_content(out: &mut String, indent: &str, content: &Contents) -> std::fmt::Result {
    content.to_string().lines().try_for_each(|line| writeln!(out, "{indent}  │ {line}"))
}

fn write_body(out: &mut String, indent: &str, body: &str) -> std::fmt::Result {
    let mut lines = body.lines();
    writeln!(out, "{indent}{}", lines.next().unwrap_or_default())?;
    lines.try_for_each(|line| writeln!(out, "{indent}  {line}"))
}
