//! The state of schedules: for `cutover schedule list`, and for the page.

use super::file::{Action, CatchUp, Overlap, Schedule, Schedules};
use crate::domain::units::Span;
use crate::error::Result;
use crate::store::{Start, Starts};
use jiff::Timestamp;
use serde::Serialize;
use std::path::PathBuf;

/// The state of a schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// Its name.
    pub schedule: String,
    /// What it does.
    pub action: Action,
    /// The playbook.
    pub playbook: PathBuf,
    /// Its cron expression.
    pub cron: String,
    /// Its time zone.
    pub time_zone: String,
    /// How long after its due time a start may still happen.
    pub latest_start: Option<Span>,
    /// While something prevents it.
    pub overlap: Overlap,
    /// When no scheduler was running.
    pub catch_up: CatchUp,
    /// Its next due time, with its offset: `2026-10-25T02:30:00+02:00`.
    pub next: Option<String>,
    /// The same in milliseconds since 1970.
    pub next_at: Option<i64>,
    /// Its newest start.
    pub last: Option<Start>,
}

/// The state of all schedules at `now`; without a journal none has started yet.
///
/// # Errors
/// When the journal cannot be read.
pub fn standings(schedules: &Schedules, journal: Option<&dyn Starts>, now: Timestamp) -> Result<Vec<Standing>> {
    let newest = |schedule: &Schedule| match journal {
        Some(journal) => journal.starts(Some(&schedule.name), 1).map(|mut starts| starts.pop()),
        None => Ok(None),
    };
    schedules.all.iter().map(|schedule| Ok(standing(schedule, newest(schedule)?, now))).collect()
}

fn standing(schedule: &Schedule, last: Option<Start>, now: Timestamp) -> Standing {
    let next = schedule.timetable.next(now);
    Standing {
        schedule: schedule.name.clone(),
        action: schedule.action,
        playbook: schedule.sources.playbook.clone(),
        cron: schedule.timetable.expression.to_string(),
        time_zone: schedule.timetable.zone.iana_name().unwrap_or("UTC").to_owned(),
        latest_start: schedule.rules.latest_start,
        overlap: schedule.rules.overlap,
        catch_up: schedule.rules.catch_up,
        next: next.map(|next| with_offset(schedule, next)),
        next_at: next.map(Timestamp::as_millisecond),
        last,
    }
}

/// A time in the schedule's zone, with its offset.
#[must_use]
pub fn with_offset(schedule: &Schedule, at: Timestamp) -> String {
    at.to_zoned(schedule.timetable.zone.clone()).strftime("%FT%H:%M:%S%:z").to_string()
}
