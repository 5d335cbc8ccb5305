//! The plan for terminals: order, needs, every action, reversibility, the point of no return as a visible line.

use crate::plan::{Plan, PlannedStep};
use crate::playbook::model::OnFailure;
use crate::playbook::units::Span;
use crate::steps::{Action, Reversibility};
use std::fmt::Write as _;
use std::time::Duration;

/// The whole plan as text.
#[must_use]
pub fn text(plan: &Plan) -> String {
    let mut out = String::new();
    // writing into a String cannot fail
    let _ = write_plan(&mut out, plan);
    out
}

fn write_plan(out: &mut String, plan: &Plan) -> std::fmt::Result {
    writeln!(out, "plan {}  {}", plan.name, &plan.hash[..plan.hash.len().min(16)])?;
    if let Some(description) = &plan.description {
        writeln!(out, "{}", description.trim())?;
    }
    for (name, value) in &plan.inputs {
        writeln!(out, "  input {name} = {value}")?;
    }
    for (name, server) in &plan.world.inventory.servers {
        let Some(host) = plan.world.inventory.host(&server.host) else { continue };
        let via = host.ssh.as_deref().map_or(String::new(), |ssh| format!(" by ssh {ssh}"));
        let (user, product) = (&server.user, server.wanted());
        writeln!(out, "  server {name}: {} on {}{via} as {user}, {product}", server.address, server.host)?;
    }
    writeln!(out, "\nbefore the first step, and beside the steps")?;
    for action in &plan.opening {
        write_action(out, action, "    ")?;
    }
    let mut block: Option<&str> = None;
    for (index, step) in plan.steps.iter().enumerate() {
        if step.block.as_deref() != block {
            block = step.block.as_deref();
            write_block(out, plan, block)?;
        }
        write_step(out, index + 1, step)?;
        if step.reversibility == Reversibility::PointOfNoReturn {
            writeln!(out, "\n━━━━━━━━━━ POINT OF NO RETURN: after `{}` nothing is rolled back ━━━━━━━━━━", step.id)?;
        }
    }
    Ok(())
}

fn time(millis: u64) -> String {
    Span(Duration::from_millis(millis)).to_string()
}

fn write_block(out: &mut String, plan: &Plan, block: Option<&str>) -> std::fmt::Result {
    let Some(block) = block.and_then(|id| plan.blocks.iter().find(|block| block.id == id)) else { return Ok(()) };
    let deadline = block.deadline_ms.map_or(String::new(), |ms| format!(" within {}, or it is rolled back", time(ms)));
    writeln!(out, "\n── block {}: one after the other{deadline}", block.id)
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
    let undo = match step.reversibility {
        Reversibility::Reversible => "can be taken back",
        Reversibility::NothingToUndo => "changes nothing to take back",
        Reversibility::PointOfNoReturn => "cannot be taken back once it has succeeded",
    };
    let failure = match step.on_failure {
        OnFailure::Rollback => "",
        OnFailure::Stop => "; on failure the run stops as it is",
        OnFailure::Continue => "; on failure the run goes on",
    };
    let attempts = if step.retry.attempts > 1 { format!(", {} attempts", step.retry.attempts) } else { String::new() };
    writeln!(out, "     {undo}{failure}; at most {} an attempt{attempts}", time(step.timeout_ms))?;
    for action in &step.actions {
        write_action(out, action, "     ")?;
    }
    if !step.undo.is_empty() || !step.rollback.is_empty() {
        writeln!(out, "     to take it back:")?;
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

fn write_action(out: &mut String, action: &Action, indent: &str) -> std::fmt::Result {
    match action {
        Action::Note { text } => writeln!(out, "{indent}· {text}"),
        Action::Sql { server, statement } => write_body(out, indent, &format!("{server}>"), statement),
        Action::Command { host, command } => write_body(out, indent, &format!("{host}$"), command),
        Action::File { host, path, content } => {
            writeln!(out, "{indent}{host}: write {path}")?;
            content.lines().try_for_each(|line| writeln!(out, "{indent}  │ {line}"))
        }
    }
}

fn write_body(out: &mut String, indent: &str, prompt: &str, body: &str) -> std::fmt::Result {
    let mut lines = body.lines();
    writeln!(out, "{indent}{prompt} {}", lines.next().unwrap_or_default())?;
    lines.try_for_each(|line| writeln!(out, "{indent}  {line}"))
}
