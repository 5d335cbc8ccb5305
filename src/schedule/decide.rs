//! Decides about due times. Pure: no clock, no journal, no process.

use super::file::{CatchUp, Overlap, Rules};
use super::timetable::Timetable;
use crate::domain::units::Span;
use crate::store::Verdict;
use jiff::{SignedDuration, Timestamp};
use std::collections::VecDeque;
use std::time::Duration;

/// A scheduler that checks at most this long after a due time counts as running: it was restarted, or only busy.
pub const GRACE: Span = Span(Duration::from_mins(1));
/// Number of missed due times of one absence that are recorded one by one; earlier ones are recorded as a count.
const KEPT: usize = 1000;

/// The state of a schedule at one moment.
#[derive(Debug, Clone, Default)]
pub struct Moment {
    /// The time.
    pub now: Timestamp,
    /// Since when its due times count.
    pub since: Timestamp,
    /// Its newest due time, not after now, that has a decision.
    pub last: Option<Timestamp>,
    /// What prevents a start now.
    pub in_the_way: Option<String>,
    /// Why nothing may be started before a person has acted.
    pub unfinished: Option<String>,
}

/// A due time and its decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The due time.
    pub due: Timestamp,
    /// The decision.
    pub verdict: Verdict,
    /// The reason, unless it is simply started.
    pub reason: Option<String>,
}

/// The decision for every past due time that has none yet, the oldest first.
#[must_use]
pub fn decide(timetable: &Timetable, rules: &Rules, moment: &Moment) -> Vec<Decision> {
    let from = moment.last.map_or(moment.since, |last| last.max(moment.since));
    let mut come: VecDeque<Timestamp> = VecDeque::new();
    let mut left_out = 0_u64;
    for due in timetable.after(from).take_while(|due| *due <= moment.now) {
        if come.len() > KEPT {
            come.pop_front();
            left_out += 1;
        }
        come.push_back(due);
    }
    let Some(newest) = come.pop_back() else { return Vec::new() };
    let mut decisions: Vec<_> = come.into_iter().map(overtaken).collect();
    if let Some(oldest) = decisions.first_mut().filter(|_| left_out > 0) {
        oldest.reason =
            oldest.reason.take().map(|reason| format!("{reason}; the same holds for {left_out} earlier due times"));
    }
    let (verdict, reason) = judge(rules, newest, moment);
    decisions.push(Decision { due: newest, verdict, reason });
    decisions
}

fn overtaken(due: Timestamp) -> Decision {
    let reason = "no scheduler was running before the next start was due".to_owned();
    Decision { due, verdict: Verdict::Missed, reason: Some(reason) }
}

fn judge(rules: &Rules, due: Timestamp, moment: &Moment) -> (Verdict, Option<String>) {
    let late = moment.now.duration_since(due);
    if let Some(reason) = too_late(rules, late) {
        return (Verdict::Late, Some(reason));
    }
    if rules.catch_up == CatchUp::None && exceeds(late, GRACE) {
        return (Verdict::Missed, Some(format!("no scheduler was running for {}, and catch_up is none", shown(late))));
    }
    if let Some(reason) = &moment.unfinished {
        return (Verdict::Refused, Some(reason.clone()));
    }
    match (&moment.in_the_way, rules.overlap) {
        (None, _) => (Verdict::Started, None),
        (Some(what), Overlap::Skip) => (Verdict::Skipped, Some(what.clone())),
        (Some(what), Overlap::Refuse) => (Verdict::Refused, Some(what.clone())),
        (Some(what), Overlap::Queue) => (Verdict::Queued, Some(format!("waits: {what}"))),
    }
}

/// The new decision for a waiting start; `None` while it must wait.
#[must_use]
pub fn settle(rules: &Rules, due: Timestamp, moment: &Moment) -> Option<(Verdict, Option<String>)> {
    if let Some(reason) = too_late(rules, moment.now.duration_since(due)) {
        let waited = moment.in_the_way.as_ref().map(|what| format!(", and still {what}")).unwrap_or_default();
        return Some((Verdict::Late, Some(format!("{reason}{waited}"))));
    }
    if let Some(reason) = &moment.unfinished {
        return Some((Verdict::Refused, Some(reason.clone())));
    }
    moment.in_the_way.is_none().then_some((Verdict::Started, None))
}

/// Why a start that was decided at `decided` and that no process has claimed must not happen any more: the machine was
/// off in between.
#[must_use]
pub fn spoilt(rules: &Rules, due: Timestamp, decided: Timestamp, now: Timestamp) -> Option<(Verdict, String)> {
    if let Some(reason) = too_late(rules, now.duration_since(due)) {
        return Some((Verdict::Late, reason));
    }
    let gone = now.duration_since(decided);
    let missed = rules.catch_up == CatchUp::None && exceeds(gone, GRACE);
    missed.then(|| (Verdict::Missed, format!("no process claimed it for {}, and catch_up is none", shown(gone))))
}

fn too_late(rules: &Rules, late: SignedDuration) -> Option<String> {
    let latest = rules.latest_start.filter(|latest| exceeds(late, *latest))?;
    Some(format!("{} after it was due; latest_start is {latest}", shown(late)))
}

fn exceeds(late: SignedDuration, limit: Span) -> bool {
    Duration::try_from(late).is_ok_and(|late| late > limit.0)
}

/// A length of time in whole seconds.
fn shown(late: SignedDuration) -> String {
    Span(Duration::from_secs(late.as_secs().unsigned_abs())).to_string()
}
