//! Every sentence that a report of a run may contain, one variant each, with the facts it is based on. The text report
//! consists of these alone, and the page takes its prose from here. A test checks each variant against the journal.

use super::after_fence::AfterFence;
use super::decision::DecisionTable;
use super::fold::{StepSummary, Summary};
use super::standstill::{JournalMoment, Standstill};
use super::time::exact_moment;
use crate::engine::status::{Status, Vouched};
use crate::error::Failure;
use crate::kinds::Action;
use crate::store::Outcome;
use std::fmt;

/// A sentence of a report.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Sentence<'a> {
    /// The run and its state; `alive` is the process that works on it now.
    Head {
        /// The run.
        summary: &'a Summary,
        /// Who works on it.
        alive: Option<&'a str>,
    },
    /// The status of a step, padded to `width`.
    Step {
        /// The step.
        step: &'a StepSummary,
        /// Width of the longest name.
        width: usize,
        /// Whether no process works on the run: then nothing of the step is running.
        idle: bool,
    },
    /// What ended the last attempt of a step.
    Failed {
        /// The step.
        step: &'a str,
        /// The failure.
        failure: &'a Failure,
    },
    /// What ended the last attempt to undo a step.
    UndoFailed {
        /// The step.
        step: &'a str,
        /// The failure.
        failure: &'a Failure,
    },
    /// A person has marked a step as undone.
    Vouched {
        /// The step.
        step: &'a str,
        /// Who, and why.
        vouched: &'a Vouched,
    },
    /// Why the run cannot continue now.
    PutOff {
        /// The step or block that cannot.
        of: &'a str,
        /// Why.
        failure: &'a Failure,
    },
    /// A block used up its time.
    Deadline {
        /// The block.
        block: &'a str,
        /// When that was.
        at: JournalMoment,
    },
    /// Why the run is, or was, rolled back, and how far that got.
    RolledBack {
        /// The reason.
        reason: &'a str,
        /// How the run ended.
        outcome: Option<Outcome>,
    },
    /// The conditions for a fence were not met, and nothing was closed.
    PutBack {
        /// When.
        moments: &'a [JournalMoment],
    },
    /// A server was closed, and until when.
    Standstill(&'a Standstill),
    /// What a person does by hand.
    ByHand(&'a StepSummary),
    /// Findings on the permanently closed servers.
    AfterFence(&'a AfterFence),
    /// The point of no return; `certain` when it is known that it was passed.
    PointOfNoReturn {
        /// Whether it is certain.
        certain: bool,
    },
    /// The known state of the servers, and what may be done.
    Decision(&'a DecisionTable),
    /// The command to type next.
    Next(&'a str),
}

impl fmt::Display for Sentence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Head { summary, alive } => head(f, summary, alive),
            Self::Step { step, width, idle } => step_line(f, step, width, idle),
            Self::Failed { failure, .. } | Self::UndoFailed { failure, .. } => write_failure(f, failure),
            Self::Vouched { vouched, .. } => {
                writeln!(f, "      marked as undone by {}: {}", vouched.by, vouched.why)
            }
            Self::PutOff { of, failure } => {
                writeln!(f, "put off because of `{of}`:")?;
                write_failure(f, failure)
            }
            Self::Deadline { block, at } => {
                writeln!(f, "block `{block}` reached its deadline at {}", exact_moment(at.at))
            }
            Self::RolledBack { reason, outcome } => writeln!(f, "{} because: {reason}", taken_back(outcome)),
            Self::PutBack { moments } => put_back(f, moments),
            Self::Standstill(standstill) => writeln!(f, "{standstill}"),
            Self::ByHand(step) => by_hand(f, step),
            Self::AfterFence(after) => {
                writeln!(f, "after the fence:")?;
                after.lines().iter().try_for_each(|line| writeln!(f, "  {line}"))
            }
            Self::PointOfNoReturn { certain } => {
                let is = if certain { "was passed" } else { "may have been passed" };
                writeln!(f, "The point of no return {is}: the old server must remain closed. Do not open it by hand.")
            }
            Self::Decision(table) => write!(f, "{table}"),
            Self::Next(next) => writeln!(f, "next: {next}"),
        }
    }
}

/// The status of a step, in words. Where no process works on its run, nothing is running, whatever the last entry announced.
#[must_use]
pub fn standing(status: Status, idle: bool) -> String {
    match status {
        Status::Running | Status::Waiting if idle => "interrupted".to_owned(),
        Status::Retrying if idle => Status::Failed.to_string(),
        Status::Undoing if idle => "undo interrupted".to_owned(),
        status => status.to_string(),
    }
}

/// How far the rollback of a run got.
#[must_use]
pub fn taken_back(outcome: Option<Outcome>) -> &'static str {
    match outcome {
        Some(Outcome::RolledBack | Outcome::Refused | Outcome::Nothing) => "rolled back",
        Some(Outcome::Kept) => "rolled back to a checkpoint",
        Some(Outcome::Stuck | Outcome::Stopped) => "rollback started but not complete,",
        Some(Outcome::Interrupted | Outcome::PutOff | Outcome::Done) | None => "rollback started but not ended,",
    }
}

fn head(f: &mut fmt::Formatter<'_>, summary: &Summary, alive: Option<&str>) -> fmt::Result {
    let state = match (summary.outcome, alive) {
        (_, Some(holder)) => format!("running, {holder}"),
        (Some(outcome), None) => outcome.to_string(),
        (None, None) => "not finished, and no process is working on it".to_owned(),
    };
    let kind = if summary.rehearsal { "rehearsal run" } else { "run" };
    writeln!(f, "{kind} {} of {}: {state}", summary.run, summary.playbook)
}

fn step_line(f: &mut fmt::Formatter<'_>, step: &StepSummary, width: usize, idle: bool) -> fmt::Result {
    let (id, status) = (&step.id, standing(step.status, idle));
    let time = step.duration.map_or(String::new(), |ms| format!("{:>10.2} s", seconds(ms)));
    write!(f, "  {id:<width$}  {status:<11}{time}")?;
    if step.attempts > 1 {
        write!(f, "  {} attempts", step.attempts)?;
    }
    for note in [&step.reason, &step.waits_for].into_iter().flatten() {
        write!(f, "  {note}")?;
    }
    writeln!(f)
}

fn write_failure(f: &mut fmt::Formatter<'_>, failure: &Failure) -> fmt::Result {
    for line in failure.in_the_past().to_string().lines() {
        writeln!(f, "      {line}")?;
    }
    match &failure.help {
        Some(help) => writeln!(f, "      help: {help}"),
        None => Ok(()),
    }
}

fn put_back(f: &mut fmt::Formatter<'_>, moments: &[JournalMoment]) -> fmt::Result {
    let Some((first, last)) = moments.first().zip(moments.last()) else { return Ok(()) };
    let (first, last) = (exact_moment(first.at), exact_moment(last.at));
    match moments.len() {
        1 => writeln!(f, "switch postponed at {first}: its conditions were not met yet, and no writes were paused"),
        times => writeln!(
            f,
            "switch postponed {times} times, from {first} to {last}: its conditions were not met yet, and no writes were paused"
        ),
    }
}

fn by_hand(f: &mut fmt::Formatter<'_>, step: &StepSummary) -> fmt::Result {
    writeln!(f, "to undo `{}` by hand:", step.id)?;
    step.by_hand.iter().try_for_each(|action| writeln!(f, "  {}", self::action(action)))
}

/// One thing that a person does by hand, on one line.
#[must_use]
pub fn action(action: &Action) -> String {
    action.to_string()
}

#[allow(clippy::cast_precision_loss, reason = "durations shown with two digits")]
fn seconds(ms: i64) -> f64 {
    ms as f64 / 1e3
}
