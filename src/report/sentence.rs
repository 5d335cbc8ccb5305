//! Every sentence that a report of a run may hold, one variant each, with what it rests on. The text report is nothing
//! but these, and the page takes its prose from here: what has no variant cannot be said, and a test holds each variant
//! against the journal.

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
    /// Which run it is, and how it stands; `alive` is the process that works on it now.
    Head {
        /// The run.
        summary: &'a Summary,
        /// Who works on it.
        alive: Option<&'a str>,
    },
    /// How a step stands, padded to `width`.
    Step {
        /// The step.
        step: &'a StepSummary,
        /// Width of the longest name.
        width: usize,
        /// Whether nobody works on the run: then nothing of the step is under way.
        idle: bool,
    },
    /// What ended the last attempt of a step.
    Failed {
        /// The step.
        step: &'a str,
        /// The failure.
        failure: &'a Failure,
    },
    /// What ended the last attempt to take a step back.
    UndoFailed {
        /// The step.
        step: &'a str,
        /// The failure.
        failure: &'a Failure,
    },
    /// A person says that a step is taken back.
    Vouched {
        /// The step.
        step: &'a str,
        /// Who, and why.
        vouched: &'a Vouched,
    },
    /// Why the run cannot go on now.
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
    /// Why the run is, or was, taken back, and how far that came.
    RolledBack {
        /// The reason.
        reason: &'a str,
        /// How the run ended.
        outcome: Option<Outcome>,
    },
    /// The moment for a fence had not come, and nothing was closed.
    PutBack {
        /// When.
        moments: &'a [JournalMoment],
    },
    /// A server was closed, and until when.
    Standstill(&'a Standstill),
    /// What a person does by hand.
    ByHand(&'a StepSummary),
    /// What was found on the servers that were closed for good.
    AfterFence(&'a AfterFence),
    /// The point of no return; `certain` when it is known to be passed.
    PointOfNoReturn {
        /// Whether it is certain.
        certain: bool,
    },
    /// What is known of the servers, and what may be done.
    Decision(&'a DecisionTable),
    /// What to type next.
    Next(&'a str),
}

impl fmt::Display for Sentence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Head { summary, alive } => head(f, summary, alive),
            Self::Step { step, width, idle } => step_line(f, step, width, idle),
            Self::Failed { failure, .. } | Self::UndoFailed { failure, .. } => write_failure(f, failure),
            Self::Vouched { vouched, .. } => {
                writeln!(f, "      taken back by hand, says {}: {}", vouched.by, vouched.why)
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
                let is = if certain { "is passed" } else { "may be passed" };
                writeln!(f, "The point of no return {is}: the old server stays closed. Do not open it by hand.")
            }
            Self::Decision(table) => write!(f, "{table}"),
            Self::Next(next) => writeln!(f, "next: {next}"),
        }
    }
}

/// How a step stands, in words. Where nobody works on its run, nothing is under way, whatever the last entry announced.
#[must_use]
pub fn standing(status: Status, idle: bool) -> String {
    match status {
        Status::Running | Status::Waiting if idle => "cut off".to_owned(),
        Status::Retrying if idle => Status::Failed.to_string(),
        Status::Undoing if idle => "undo cut off".to_owned(),
        status => status.to_string(),
    }
}

/// How far a run came that was to be taken back.
#[must_use]
pub fn taken_back(outcome: Option<Outcome>) -> &'static str {
    match outcome {
        Some(Outcome::RolledBack | Outcome::Refused | Outcome::Nothing) => "rolled back",
        Some(Outcome::Kept) => "taken back to a checkpoint",
        Some(Outcome::Stuck | Outcome::Stopped) => "a rollback was begun, and is not complete,",
        Some(Outcome::Interrupted | Outcome::PutOff | Outcome::Done) | None => {
            "a rollback was begun, and has not ended,"
        }
    }
}

fn head(f: &mut fmt::Formatter<'_>, summary: &Summary, alive: Option<&str>) -> fmt::Result {
    let state = match (summary.outcome, alive) {
        (_, Some(holder)) => format!("running, {holder}"),
        (Some(outcome), None) => outcome.to_string(),
        (None, None) => "not finished, and nothing is working on it".to_owned(),
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
        1 => writeln!(f, "put back at {first}: its moment had not come, and writes were not stopped for it"),
        times => writeln!(
            f,
            "put back {times} times, from {first} to {last}: its moment had not come, and writes were not stopped for it"
        ),
    }
}

fn by_hand(f: &mut fmt::Formatter<'_>, step: &StepSummary) -> fmt::Result {
    writeln!(f, "to take `{}` back by hand:", step.id)?;
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
