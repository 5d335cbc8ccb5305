//! A run's summary as text: what happened, what is true, what to type next.

use super::after_fence::AfterFence;
use super::fold::{PutOff, StepSummary, Summary};
use crate::engine::status::Status;
use crate::error::Failure;
use crate::journal::Outcome;
use crate::steps::Action;
use std::fmt::Write as _;

/// The summary for people. `alive` names the process that is working on the run right now, if there is one.
#[must_use]
pub fn text(summary: &Summary, alive: Option<&str>) -> String {
    let mut out = String::new();
    // writing into a String cannot fail
    let _ = write(&mut out, summary, alive);
    out
}

fn write(out: &mut String, summary: &Summary, alive: Option<&str>) -> std::fmt::Result {
    let state = match (summary.outcome, alive) {
        (_, Some(holder)) => format!("running, {holder}"),
        (Some(outcome), None) => outcome.to_string(),
        (None, None) => "not finished, and nothing is working on it".to_owned(),
    };
    writeln!(out, "run {} of {}: {state}", summary.run, summary.playbook)?;
    let width = summary.steps.iter().map(|step| step.id.len()).max().unwrap_or(0);
    for step in &summary.steps {
        write_step(out, step, width)?;
    }
    let said = |put_off: &&PutOff| summary.steps.iter().any(|step| step.failure.as_ref() == Some(&put_off.failure));
    if let Some(put_off) = summary.put_off.as_ref().filter(|put_off| alive.is_none() && !said(put_off)) {
        writeln!(out, "put off because of `{}`:", put_off.of)?;
        write_failure(out, &put_off.failure)?;
    }
    if let Some(reason) = &summary.rollback {
        writeln!(out, "rolled back because: {reason}")?;
    }
    write_by_hand(out, summary)?;
    write_after_fence(out, summary)?;
    let over = summary.outcome == Some(Outcome::Done) || trouble_after_fence(summary).is_some();
    if summary.past_point_of_no_return && !over {
        writeln!(
            out,
            "The point of no return is passed, or may be: the old server stays closed. Do not open it by hand."
        )?;
    }
    if let Some(table) = summary.decision.as_ref().filter(|_| alive.is_none()) {
        write!(out, "{table}")?;
    }
    match next(summary, alive) {
        Some(next) => writeln!(out, "next: {next}"),
        None => Ok(()),
    }
}

fn write_step(out: &mut String, step: &StepSummary, width: usize) -> std::fmt::Result {
    let (id, status) = (&step.id, step.status.to_string());
    let time = step.duration.map_or(String::new(), |ms| format!("{:>10.2} s", millis(ms)));
    write!(out, "  {id:<width$}  {status:<11}{time}")?;
    if step.attempts > 1 {
        write!(out, "  {} attempts", step.attempts)?;
    }
    for note in [&step.reason, &step.waits_for].into_iter().flatten() {
        write!(out, "  {note}")?;
    }
    writeln!(out)?;
    let failures = [&step.failure, &step.undo_failure].into_iter().flatten();
    for failure in failures.filter(|_| step.status != Status::Succeeded) {
        write_failure(out, failure)?;
    }
    if let Some(vouched) = &step.vouched {
        writeln!(out, "      taken back by hand, says {}: {}", vouched.by, vouched.why)?;
    }
    Ok(())
}

fn write_failure(out: &mut String, failure: &Failure) -> std::fmt::Result {
    for line in failure.to_string().lines() {
        writeln!(out, "      {line}")?;
    }
    match &failure.help {
        Some(help) => writeln!(out, "      help: {help}"),
        None => Ok(()),
    }
}

fn write_by_hand(out: &mut String, summary: &Summary) -> std::fmt::Result {
    for step in summary.steps.iter().filter(|step| !step.by_hand.is_empty()) {
        writeln!(out, "to take `{}` back by hand:", step.id)?;
        for action in &step.by_hand {
            writeln!(out, "  {}", self::action(action))?;
        }
    }
    Ok(())
}

fn write_after_fence(out: &mut String, summary: &Summary) -> std::fmt::Result {
    let Some(after) = &summary.after_fence else { return Ok(()) };
    writeln!(out, "after the fence:")?;
    after.lines().iter().try_for_each(|line| writeln!(out, "  {line}"))
}

/// What keeps a run from success of which every step is done.
fn trouble_after_fence(summary: &Summary) -> Option<&AfterFence> {
    let over = |step: &StepSummary| matches!(step.status, Status::Succeeded | Status::Skipped);
    let all_over = summary.outcome == Some(Outcome::Stopped) && summary.steps.iter().all(over);
    summary.after_fence.as_ref().filter(|after| all_over && !after.is_well())
}

/// One thing that a person does by hand, on one line.
#[must_use]
pub fn action(action: &Action) -> String {
    match action {
        Action::Sql { server, statement } => format!("{server}> {statement}"),
        Action::Command { host, command } => format!("{host}$ {command}"),
        Action::File { host, path, .. } => format!("{host}: write {path}"),
        Action::Note { text } => format!("· {text}"),
    }
}

/// What to type next. `alive` names the process that is working on the run right now, if there is one.
#[must_use]
pub fn next(summary: &Summary, alive: Option<&str>) -> Option<String> {
    let run = &summary.run;
    if alive.is_some() {
        let waiting = summary.steps.iter().find(|step| step.status == Status::Waiting)?;
        return Some(format!("cutover approve {run} {}", waiting.id));
    }
    if let Some(after) = trouble_after_fence(summary) {
        return after.next(run);
    }
    match summary.outcome {
        None | Some(Outcome::Interrupted) if summary.past_point_of_no_return => Some(format!("cutover resume {run}")),
        None | Some(Outcome::Interrupted | Outcome::PutOff) => {
            Some(format!("cutover resume {run}, or cutover rollback {run}"))
        }
        Some(Outcome::Kept) => Some(format!(
            "mend what failed, then cutover resume {run}, which goes on from there\n   or: cutover rollback {run}, which takes \
             everything back"
        )),
        Some(Outcome::Stopped) if summary.past_point_of_no_return => {
            Some(format!("mend what failed, then cutover resume {run}"))
        }
        Some(Outcome::Stopped | Outcome::Stuck) if summary.rollback.is_some() => Some(next_of_stuck(summary)),
        Some(Outcome::Stopped | Outcome::Stuck) => {
            Some(format!("mend what failed, then cutover resume {run} or cutover rollback {run}"))
        }
        Some(_) => None,
    }
}

/// A run that could not be taken back goes on taking back, once that can be done or a person has done it.
fn next_of_stuck(summary: &Summary) -> String {
    let run = &summary.run;
    let mut steps = summary.steps.iter().filter(|step| step.status == Status::UndoFailed);
    match steps.next() {
        None => format!("cutover resume {run}, which goes on taking back"),
        Some(step) => format!(
            "mend what failed, then cutover resume {run}\n   or: do it by hand as said above, then cutover mark-undone \
             {run} {} --why TEXT, then cutover resume {run}",
            step.id
        ),
    }
}

#[allow(clippy::cast_precision_loss, reason = "durations shown with two digits")]
fn millis(ms: i64) -> f64 {
    ms as f64 / 1e3
}
