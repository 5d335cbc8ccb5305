//! The write pauses of an application: each time that a run has closed a server, when, and what ended the pause. Read from
//! the journal in the order of its entries, so that only finished steps count. Pure.

use super::time::{exact_moment, span};
use crate::dialect::Dialect;
use crate::error::Class;
use crate::kinds::Outputs;
use crate::kinds::role::{Closes, MovesApplication, Opens, WaitsForPosition};
use crate::plan::{Plan, PlannedStep};
use crate::store::{Entry, Event};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use std::fmt;

/// The note that a fence writes before it touches anything.
const BEFORE: &str = "before";

/// A moment, and the journal entry that proves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct JournalMoment {
    /// When, in milliseconds since 1970 (UTC), on the runner's clock.
    pub at: i64,
    /// Number of the entry.
    pub entry: u32,
}

/// One write pause: a server was closed to writes, or may have been.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Standstill {
    /// The server that was closed.
    pub server: String,
    /// The step that closed it.
    pub fence: String,
    /// When closing started; where that is not known, the earliest time that it can have started.
    pub from: JournalMoment,
    /// When the server was confirmed closed; missing while that is not known.
    pub closed: Option<JournalMoment>,
    /// Time from the first lock to the final position, in milliseconds.
    pub fence_ms: Option<f64>,
    /// The last position in the closed server's log.
    pub fenced_at: Option<Value>,
    /// When the new server had applied everything.
    pub caught_up: Option<JournalMoment>,
    /// The new server, once it was opened.
    pub new: Option<String>,
    /// When it was confirmed to accept writes.
    pub open: Option<JournalMoment>,
    /// Its position in its own log at that moment.
    pub promoted_at: Option<Value>,
    /// When the application was sent to it. With `arrival`, its sessions were seen there by then.
    pub arrived: Option<JournalMoment>,
    /// When the closed server was opened again.
    pub reopened: Option<JournalMoment>,
    /// Who marked it as open again, where a person did that by hand.
    pub reopened_by: Option<String>,
    /// Whether the server was already closed before, by others: then this run did not cause the write pause.
    pub was_closed_before: bool,
}

impl Standstill {
    /// When writes could be acknowledged again; missing where the journal does not prove it.
    #[must_use]
    pub fn until(&self) -> Option<JournalMoment> {
        self.arrived.or(self.open).or(self.reopened)
    }

    /// Length of the write pause in milliseconds: exact to the time that a journal entry takes, where the server was
    /// confirmed closed; otherwise an upper bound.
    #[must_use]
    pub fn millis(&self) -> Option<i64> {
        Some(self.until()?.at.saturating_sub(self.from.at).max(0))
    }
}

impl fmt::Display for Standstill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (server, from) = (&self.server, exact_moment(self.from.at));
        let new = self.new.as_deref().unwrap_or("the new server");
        if self.was_closed_before {
            return write!(
                f,
                "`{server}` was closed before this run closed it at {from}: the length of the write pause is not known"
            );
        }
        let Some((end, time)) = self.until().zip(self.millis()) else {
            return match self.closed {
                Some(_) => {
                    write!(f, "`{server}` has been closed since {from}, and this run has opened no server since")
                }
                None => write!(f, "`{server}` may have been closed since {from}: it is not known how far closing got"),
            };
        };
        let (about, end) = (if self.closed.is_some() { "about" } else { "at most" }, exact_moment(end.at));
        write!(f, "write pause of {about} {}: `{server}` ", span(time))?;
        let closed = if self.closed.is_some() { "was closed from" } else { "may have been closed from" };
        match (self.arrived, self.open, &self.reopened_by) {
            (Some(_), ..) => write!(f, "{closed} {from}, and the application was sent to `{new}` by {end}"),
            (None, Some(_), _) => {
                write!(f, "{closed} {from}, and `{new}` accepted writes from {end}; the application was not sent there")
            }
            (None, None, Some(by)) => write!(f, "{closed} {from}; {by} marked it as open again at {end}"),
            (None, None, None) => write!(f, "{closed} {from}, and was open again by {end}"),
        }
    }
}

/// All of them, in the order of time.
#[must_use]
pub fn standstills(plan: &Plan, entries: &[Entry]) -> Vec<Standstill> {
    let fences = plan.steps.iter().flat_map(|step| step.each_role::<Closes>().map(move |closes| (step, closes)));
    let mut all: Vec<Standstill> =
        fences.flat_map(|(fence, closes)| of_fence(plan, fence, &closes.server, entries)).collect();
    all.sort_by_key(|standstill| standstill.from.entry);
    all
}

/// The entries of a postponed fence: its conditions were not met, and nothing was closed.
#[must_use]
pub fn put_back(entries: &[Entry]) -> Vec<JournalMoment> {
    let put_back = entries.iter().filter(|entry| matches!(entry.event, Event::BlockPutBack { .. }));
    put_back.map(moment).collect()
}

fn moment(entry: &Entry) -> JournalMoment {
    JournalMoment { at: entry.at, entry: entry.seq }
}

fn of_fence(plan: &Plan, fence: &PlannedStep, server: &str, entries: &[Entry]) -> Vec<Standstill> {
    let mut reader = Reader { plan, fence, server, over: Vec::new(), open: None, noted: None };
    for entry in entries {
        reader.read(entry);
    }
    reader.over.extend(reader.open);
    reader.over
}

/// Reads the entries of one fence, and of the steps that end its write pause.
struct Reader<'a> {
    plan: &'a Plan,
    fence: &'a PlannedStep,
    server: &'a str,
    over: Vec<Standstill>,
    /// The write pause in progress.
    open: Option<Standstill>,
    /// The state of the server before, as the fence noted it: from here on it may be closing.
    noted: Option<(JournalMoment, bool)>,
}

impl Reader<'_> {
    fn read(&mut self, entry: &Entry) {
        match entry.event.step() {
            Some(step) if step == self.fence.id => self.read_fence(entry),
            Some(step) => self.read_other(step, entry),
            None => {}
        }
    }

    fn read_fence(&mut self, entry: &Entry) {
        match &entry.event {
            Event::StepNoted { key, value, .. } if key == BEFORE => {
                let was_closed = value["read_only"].as_str().and_then(Dialect::closed) == Some(true);
                self.noted = Some((moment(entry), was_closed));
                self.begin(moment(entry));
            }
            // the note of an earlier attempt is still valid: this attempt may close at once
            Event::StepIntent { .. } if self.noted.is_some() => self.begin(moment(entry)),
            Event::StepDone { outputs, .. } => self.close(entry, outputs),
            Event::StepFailed { failure, .. } if failure.class == Class::NotYet => {
                self.open = self.open.take().filter(|open| open.closed.is_some()); // nothing was touched
            }
            Event::UndoDone { .. } => self.end(moment(entry), None),
            Event::MarkedUndone { by, .. } => self.end(moment(entry), Some(by)),
            _ => {}
        }
    }

    fn begin(&mut self, from: JournalMoment) {
        let (server, fence) = (self.server.to_owned(), self.fence.id.clone());
        let was_closed_before = self.noted.is_some_and(|(_, was_closed)| was_closed);
        self.open.get_or_insert_with(|| Standstill {
            server,
            fence,
            from,
            closed: None,
            fence_ms: None,
            fenced_at: None,
            caught_up: None,
            new: None,
            open: None,
            promoted_at: None,
            arrived: None,
            reopened: None,
            reopened_by: None,
            was_closed_before,
        });
    }

    /// The server is closed. The first time, closing started as long ago as it took.
    fn close(&mut self, entry: &Entry, outputs: &Outputs) {
        self.begin(moment(entry));
        let Some(open) = &mut self.open else { return };
        let took = outputs.get("fence_ms").and_then(Value::as_f64);
        #[allow(clippy::cast_possible_truncation, reason = "milliseconds")]
        if let (Some(ms), None) = (took, open.closed) {
            let begun = entry.at - ms.ceil() as i64;
            open.from.at = if open.from.entry == entry.seq { begun } else { begun.max(open.from.at) };
        }
        open.closed = Some(moment(entry));
        open.fence_ms = took;
        open.fenced_at = outputs.get("position").cloned();
    }

    fn end(&mut self, at: JournalMoment, by: Option<&String>) {
        self.noted = None;
        if let Some(open) = self.open.take() {
            self.over.push(Standstill { reopened: Some(at), reopened_by: by.cloned(), ..open });
        }
    }

    fn read_other(&mut self, id: &str, entry: &Entry) {
        let Some(open) = self.open.as_mut().filter(|open| open.closed.is_some()) else { return };
        let Some(step) = self.plan.step(id) else { return };
        let opens = step.each_role::<Opens>().find(|opens| opens.source == self.server);
        let (waits, moves) = (step.role::<WaitsForPosition>().is_some(), step.role::<MovesApplication>().is_some());
        match &entry.event {
            Event::StepDone { outputs, .. } => {
                if waits {
                    open.caught_up = Some(moment(entry));
                }
                if let Some(opens) = opens {
                    open.open = Some(moment(entry));
                    open.new = Some(opens.server.clone());
                    open.promoted_at = outputs.get("position").cloned();
                }
                if moves && open.open.is_some() {
                    open.arrived = Some(moment(entry));
                }
            }
            Event::StepAbsent { .. } => {
                open.caught_up = open.caught_up.filter(|_| !waits);
                open.open = open.open.filter(|_| opens.is_none());
                open.arrived = open.arrived.filter(|_| !moves);
            }
            _ => {}
        }
    }
}
