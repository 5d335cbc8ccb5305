//! Starts outside the daemon: requested by a person, or called by another scheduler.

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

/// The result of a call for due starts.
#[derive(Debug)]
pub enum Called {
    /// Every due time has a decision.
    Nothing,
    /// It is decided, and there is nothing to run in this process.
    Decided(Start),
    /// It waits, in this process.
    Waits(Start, Work),
    /// This process has claimed the start, and runs it.
    Ours(Start, Work),
}

/// The schedule of a name.
///
/// # Errors
/// When there is none.
pub fn find<'a>(schedules: &'a Schedules, name: &str) -> Result<&'a Schedule> {
    schedules.get(name).ok_or_else(|| {
        let names = schedules.all.iter().map(|schedule| schedule.name.as_str());
        Failure::permanent("find the schedule", format!("there is no schedule `{name}`"))
            .now("nothing was started")
            .help(suggest::help(name, names))
    })
}

/// Decides to start a schedule now, at the request of `person`, and leaves the launch to a daemon, which does it within a
/// second. For the page.
///
/// # Errors
/// When there is no such schedule; when something prevents it, which is recorded; when the journal cannot be written.
pub fn start_now(home: &Home, schedules: &Schedules, name: &str, person: &str) -> Result<Start> {
    let mut scheduler = Scheduler::new(home.clone());
    person.clone_into(&mut scheduler.by);
    let start = asked_for(&scheduler, find(schedules, name)?)?;
    write(&scheduler, start)
}

/// The same for a person at a terminal: this process runs it.
///
/// # Errors
/// As [`start_now`].
pub fn start_here(scheduler: &Scheduler, schedule: &Schedule) -> Result<(Start, Work)> {
    let start = asked_for(scheduler, schedule)?;
    let work = take(scheduler, &start)?;
    let start = write(scheduler, Start { claimed: Some(start.at), ..start })?;
    Ok((start, work))
}

/// The requested start, unless something prevents it.
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

/// Records the request of a person. Two people may ask in the same millisecond.
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
    // the other scheduler was responsible for calling in time; of the rules only `latest_start` applies
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

/// Whether a start waits and the process in which it waited is gone. A start that waits for a daemon looks the same: a call
/// for a newer due time overtakes it.
fn is_abandoned(scheduler: &Scheduler, start: &Start) -> bool {
    let lives = |run: &String| Work::is_under_way(&scheduler.home, run);
    start.verdict == Verdict::Queued && !start.run.as_ref().is_some_and(lives)
}

/// The new decision for a start that waits in this process; `Waits` while it must wait.
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
    taken.ok_or_else(|| Failure::locked(format!("claim the start {run}"), "another process has it"))
}
