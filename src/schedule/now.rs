//! Starts outside the daemon: one that a person asks for, and one that another scheduler calls for.

use super::decide::{Decision, GRACE};
use super::file::{CatchUp, Rules, Schedule, Schedules};
use super::look::Scheduler;
use super::work::Work;
use crate::engine::Home;
use crate::error::{Failure, Result};
use crate::playbook::suggest;
use crate::store::{Start, Starts, Verdict};
use jiff::{SignedDuration, Timestamp, ToSpan};
use std::time::Duration;

/// What a call for what is due has come to.
#[derive(Debug)]
pub enum Called {
    /// Nothing is due that has no decision yet.
    Nothing,
    /// It is decided, and there is nothing to carry out in this process.
    Decided(Start),
    /// It waits, in this process.
    Waits(Start, Work),
    /// This process has claimed the start, and carries it out.
    Ours(Start, Work),
}

/// The schedule of a name.
///
/// # Errors
/// When there is none.
pub fn find<'a>(schedules: &'a Schedules, name: &str) -> Result<&'a Schedule> {
    schedules.get(name).ok_or_else(|| {
        let names = schedules.all.iter().map(|schedule| schedule.name.as_str());
        Failure::permanent("find the schedule", format!("there is none of the name {name}"))
            .now("nothing was started")
            .help(suggest::help(name, names))
    })
}

/// Decides that a schedule is started now, because `person` asks for it, and leaves it to a daemon to launch it, which it
/// does within a second. For the page.
///
/// # Errors
/// When there is no such schedule; when something is in its way, which is recorded; when the journal cannot be written.
pub fn start_now(home: &Home, schedules: &Schedules, name: &str, person: &str) -> Result<Start> {
    let mut scheduler = Scheduler::new(home.clone());
    person.clone_into(&mut scheduler.by);
    let start = asked_for(&scheduler, find(schedules, name)?)?;
    write(&scheduler, start)
}

/// The same for a person at a terminal: this process carries it out.
///
/// # Errors
/// As [`start_now`].
pub fn start_here(scheduler: &Scheduler, schedule: &Schedule) -> Result<(Start, Work)> {
    let start = asked_for(scheduler, schedule)?;
    let work = take(scheduler, &start)?;
    let start = write(scheduler, Start { claimed: Some(start.at), ..start })?;
    Ok((start, work))
}

/// The start that is asked for now, unless something is in its way.
fn asked_for(scheduler: &Scheduler, schedule: &Schedule) -> Result<Start> {
    let now = Timestamp::now();
    let open = scheduler.living(now)?;
    let in_the_way = scheduler.in_the_way(schedule, &open, None);
    let unfinished = scheduler.unfinished(schedule)?;
    let reason = unfinished.clone().or_else(|| in_the_way.clone());
    let verdict = if reason.is_some() { Verdict::Refused } else { Verdict::Started };
    let decision = Decision { due: now, verdict, reason: reason.clone() };
    let start = Start { on_demand: true, ..scheduler.start(schedule, decision, now)? };
    let Some(reason) = reason else { return Ok(start) };
    write(scheduler, start)?;
    let make = if unfinished.is_some() { Failure::refused } else { Failure::locked };
    Err(make(format!("start the schedule {}", schedule.name), reason).now("nothing was started"))
}

/// Writes what a person asked for. Two persons in one millisecond are both right.
fn write(scheduler: &Scheduler, mut start: Start) -> Result<Start> {
    while !scheduler.journal.decide(&start)? {
        start.due += 1;
    }
    Ok(start)
}

/// Decides what is due now because another scheduler calls: the newest due time is started in this process if it has no
/// decision yet and is not too late. A call too early, too often or much too late so does no harm.
///
/// # Errors
/// When the journal cannot be read or written.
pub fn due_now(scheduler: &Scheduler, schedule: &Schedule) -> Result<Called> {
    let now = Timestamp::now();
    let open = scheduler.living(now)?;
    // it was the other scheduler's business to be there; nothing is left of this one's rule but the latest start
    let rules = Rules { catch_up: CatchUp::Last, ..schedule.rules };
    let reach = schedule.rules.latest_start.map_or(Duration::from_hours(1), |latest| latest.0.max(GRACE.0));
    let reach = SignedDuration::try_from(reach).unwrap_or(SignedDuration::from_hours(1));
    let from = now.checked_sub(reach).unwrap_or(now);
    let from = from.checked_sub(1.millisecond()).unwrap_or(from); // a due time counts when it is after that
    let died = |start: &Start| start.schedule == schedule.name && is_abandoned(scheduler, start);
    let (abandoned, open): (Vec<Start>, Vec<Start>) = open.into_iter().partition(died);
    let decided = scheduler.decide(schedule, &rules, &open, now, from)?;
    for start in abandoned.into_iter().filter(|_| !decided.is_empty()) {
        let reason = Some("the process in which it waited has died".to_owned());
        scheduler.journal.settle(&Start { verdict: Verdict::Missed, reason, at: now.as_millisecond(), ..start })?;
    }
    let mut called = Called::Nothing;
    for start in decided {
        let started = start.verdict == Verdict::Started;
        let work = if start.is_open() { Some(take(scheduler, &start)?) } else { None };
        let start = Start { claimed: started.then_some(start.at), ..start };
        if scheduler.journal.decide(&start)? {
            called = match work {
                Some(work) if started => Called::Ours(start, work),
                Some(work) => Called::Waits(start, work),
                None => Called::Decided(start),
            };
        }
    }
    Ok(called)
}

/// Whether a start waits and the process is gone in which it did. One that waits for a daemon looks the same: a call for a
/// newer due time overtakes it.
fn is_abandoned(scheduler: &Scheduler, start: &Start) -> bool {
    let lives = |run: &String| Work::is_under_way(&scheduler.home, run);
    start.verdict == Verdict::Queued && !start.run.as_ref().is_some_and(lives)
}

/// What becomes now of a start that waits in this process; `Waits` while it goes on waiting.
///
/// # Errors
/// When the journal cannot be read or written.
pub fn still_waiting(scheduler: &Scheduler, schedule: &Schedule, start: Start, work: Work) -> Result<Called> {
    let now = Timestamp::now();
    let open = scheduler.living(now)?;
    let Some(settled) = scheduler.settle(Some(schedule), &start, &open, now)? else {
        let waits = open.iter().any(|other| other.run == start.run && other.verdict == Verdict::Queued);
        return Ok(if waits { Called::Waits(start, work) } else { Called::Nothing }); // a daemon has settled it
    };
    let Some(run) = settled.run.as_deref().filter(|_| settled.verdict == Verdict::Started) else {
        return Ok(Called::Decided(settled));
    };
    let claimed = scheduler.journal.claim(run, now.as_millisecond())?;
    Ok(claimed.map_or(Called::Nothing, |claimed| Called::Ours(claimed, work)))
}

fn take(scheduler: &Scheduler, start: &Start) -> Result<Work> {
    let run = start.run.as_deref().unwrap_or_default();
    let taken = Work::take(&scheduler.home, run)?;
    taken.ok_or_else(|| Failure::locked(format!("take up the start {run}"), "another process has it"))
}
