//! One check of schedules and journal: dead processes, waiting starts, due starts. Decisions go into the journal; nothing is
//! started here.

use super::decide::{Decision, Moment, decide, settle};
use super::errand;
use super::file::{Action, Rules, Schedule, Schedules};
use super::work::Work;
use crate::engine::graph::Graph;
use crate::engine::state::RunState;
use crate::engine::{Home, run_id};
use crate::error::Result;
use crate::plan::load;
use crate::playbook::document::Document;
use crate::store::{Journal, Outcome, Start, Starts, Store, Verdict};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// A start whose process died before it recorded its run is free again for this long after the decision: a process that dies
/// each time must not try forever.
const FREED: SignedDuration = SignedDuration::from_mins(10);

/// Checks the schedules of one state directory.
pub struct Scheduler {
    /// Its journal.
    pub journal: Store,
    /// Where it is, and who works there.
    pub home: Home,
    /// Who decides.
    pub by: String,
}

impl Scheduler {
    /// A scheduler of this process.
    #[must_use]
    pub fn new(home: Home) -> Self {
        Self { journal: home.store.clone(), home, by: run_id::runner() }
    }

    /// Records the end of processes that have died, settles waiting starts, and decides due ones. Returns its decisions.
    ///
    /// # Errors
    /// When the journal cannot be read or written. Earlier decisions remain.
    pub fn look(&self, schedules: &Schedules, now: Timestamp) -> Result<Vec<Start>> {
        let mut open = self.living(now)?;
        let mut decided = Vec::new();
        let waiting: Vec<Start> = open.iter().filter(|start| start.verdict == Verdict::Queued).cloned().collect();
        for start in waiting {
            if let Some(settled) = self.settle(schedules.get(&start.schedule), &start, &open, now)? {
                open.retain(|other| (&other.schedule, other.due) != (&start.schedule, start.due));
                if settled.is_open() {
                    open.push(settled.clone());
                }
                decided.push(settled);
            }
        }
        for schedule in &schedules.all {
            for start in self.decide(schedule, &schedule.rules, &open, now, now)? {
                if self.journal.decide(&start)? {
                    if start.is_open() {
                        open.push(start.clone());
                    }
                    decided.push(start);
                }
            }
        }
        Ok(decided)
    }

    /// The unfinished starts. One whose process died before its run was recorded is free again; the end of the others is
    /// recorded.
    ///
    /// # Errors
    /// When the journal cannot be read or written.
    pub fn living(&self, now: Timestamp) -> Result<Vec<Start>> {
        let mut open = self.journal.open_starts()?;
        for start in &open {
            let Some(run) = start.run.as_ref().filter(|_| start.claimed.is_some()) else { continue };
            if Work::is_under_way(&self.home, run) {
                continue;
            }
            // a run is recorded before it does anything; a rehearsal has made servers by then, a plan records none
            let is_young = now.duration_since(instant(start.at)) < FREED;
            if !(start.is_run() && is_young && self.journal.free(start)?) {
                self.journal.end(start, now.as_millisecond(), None, Some("its process died"))?;
            }
        }
        if open.iter().any(|start| start.claimed.is_some()) {
            open = self.journal.open_starts()?;
        }
        Ok(open)
    }

    /// The decision for every past due time of a schedule; not written yet. Due times before `from` do not count when the
    /// schedule is seen for the first time.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn decide(
        &self,
        schedule: &Schedule,
        rules: &Rules,
        open: &[Start],
        now: Timestamp,
        from: Timestamp,
    ) -> Result<Vec<Start>> {
        let (name, table) = (&schedule.name, schedule.timetable.to_string());
        let since = self.journal.watch(name, &table, now.as_millisecond(), from.as_millisecond())?;
        let last = self.journal.last_due(name, now.as_millisecond())?.map(instant);
        let mut moment = Moment { now, since: instant(since), last, ..Moment::default() };
        let come = schedule.timetable.next(last.map_or(moment.since, |last| last.max(moment.since)));
        if come.is_none_or(|come| come > now) {
            return Ok(Vec::new()); // the common case needs no further queries
        }
        moment.in_the_way = self.in_the_way(schedule, open, None);
        moment.unfinished = self.unfinished(schedule)?;
        let decisions = decide(&schedule.timetable, rules, &moment);
        decisions.into_iter().map(|decision| self.start(schedule, decision, now)).collect()
    }

    /// The new decision for a waiting start, recorded; `None` while it must wait, or when another process was faster.
    ///
    /// # Errors
    /// When the journal cannot be read or written.
    pub fn settle(
        &self,
        schedule: Option<&Schedule>,
        start: &Start,
        open: &[Start],
        now: Timestamp,
    ) -> Result<Option<Start>> {
        let settled = match schedule {
            None => Some((Verdict::Refused, Some("its schedule is no longer in the file".to_owned()))),
            Some(schedule) => {
                let in_the_way = self.in_the_way(schedule, open, Some(start.due));
                let moment = Moment { now, in_the_way, unfinished: self.unfinished(schedule)?, ..Moment::default() };
                settle(&schedule.rules, instant(start.due), &moment)
            }
        };
        let Some((verdict, reason)) = settled else { return Ok(None) };
        let (by, at) = (self.by.clone(), now.as_millisecond());
        let settled = Start { verdict, reason, by, at, ..start.clone() };
        Ok(self.journal.settle(&settled)?.then_some(settled))
    }

    /// The record of a decision.
    ///
    /// # Errors
    /// When the schedule's command cannot be recorded.
    pub fn start(&self, schedule: &Schedule, decision: Decision, now: Timestamp) -> Result<Start> {
        let Decision { due, verdict, reason } = decision;
        let comes = matches!(verdict, Verdict::Started | Verdict::Queued);
        let run = comes.then(run_id::new);
        let command =
            run.as_ref().map(|run| errand::command(schedule, run, Path::new(self.home.argument()))).transpose()?;
        Ok(Start {
            schedule: schedule.name.clone(),
            due: due.as_millisecond(),
            verdict,
            reason,
            by: self.by.clone(),
            at: now.as_millisecond(),
            on_demand: false,
            run,
            command: command.unwrap_or_default(),
            runs_on: if comes { runs_on(schedule) } else { BTreeMap::new() },
            claimed: None,
            ended: None,
            exit_code: None,
        })
    }

    /// What prevents a start of the schedule now; of the waiting starts only those before `due` count.
    #[must_use]
    pub fn in_the_way(&self, schedule: &Schedule, open: &[Start], due: Option<i64>) -> Option<String> {
        let is_before = |other: &Start| other.schedule == schedule.name && due.is_none_or(|due| other.due < due);
        let works = |other: &Start| {
            let is_another = other.schedule != schedule.name || due != Some(other.due);
            // a state directory allows one run at a time, a shared store as many as there are runners
            let alone = !self.home.is_shared() && schedule.action == Action::Run;
            let takes_the_place = other.schedule == schedule.name || alone && other.is_run();
            other.verdict == Verdict::Started && is_another && takes_the_place
        };
        let said = |start: &Start| {
            let run = start.run.as_deref().unwrap_or("?");
            format!("run {run} of schedule {}, due {}, is not over", start.schedule, instant(start.due))
        };
        let found = open.iter().find(|other| works(other) || is_before(other)).map(said);
        let holder = || self.home.keeper().map(|holder| format!("the state directory is held by {holder}"));
        found.or_else(|| holder().filter(|_| schedule.action == Action::Run))
    }

    /// Why a person must act before the schedule starts anything: its last run is unfinished.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn unfinished(&self, schedule: &Schedule) -> Result<Option<String>> {
        if schedule.action != Action::Run {
            return Ok(None);
        }
        let Some(run) = self.journal.last_ended(&schedule.name)?.filter(Start::is_run).and_then(|start| start.run)
        else {
            return Ok(None);
        };
        Ok(match self.outcome(&run) {
            Ok(Some(outcome)) if !outcome.is_resumable() => None,
            Ok(Some(outcome)) => Some(format!("the last run {run} is {outcome}: {}", what_to_do(&run))),
            Ok(None) => Some(format!("the last run {run} has not ended, and its process died: {}", what_to_do(&run))),
            Err(failure) => Some(format!("the result of the last run is unknown: {failure}")),
        })
    }

    /// How a run ended; a run that never started counts as one that did nothing.
    fn outcome(&self, run: &str) -> Result<Option<Outcome>> {
        let entries = self.journal.entries(run)?;
        if entries.is_empty() {
            return Ok(Some(Outcome::Nothing));
        }
        let plan = Arc::new(self.journal.run(run)?.plan_to_read()?);
        Ok(RunState::fold(Arc::new(Graph::new(plan)?), &entries)?.outcome)
    }
}

fn what_to_do(run: &str) -> String {
    format!("cutover status {run} shows what to do; cutover resume {run} or cutover rollback {run} finishes it")
}

/// The instant of a time in the journal.
#[must_use]
pub fn instant(millisecond: i64) -> Timestamp {
    Timestamp::from_millisecond(millisecond).unwrap_or(Timestamp::UNIX_EPOCH) // this program never writes a time out of range
}

/// Labels that the inventory of a schedule asks for. An unreadable inventory is reported by the run itself.
pub(super) fn runs_on(schedule: &Schedule) -> BTreeMap<String, String> {
    let inventory = schedule.sources.inventory.as_deref().filter(|_| schedule.action == Action::Run);
    let read = inventory.and_then(|path| load::inventory(&Document::open(path).ok()?).ok());
    read.map(|inventory| inventory.runs_on).unwrap_or_default()
}
