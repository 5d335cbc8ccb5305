//! When something that failed is tried again. Pure.

use crate::domain::units::Span;
use crate::engine::status::Failing;
use crate::error::{Class, Failure};
use crate::playbook::model::{Backoff, Retry};
use std::time::Duration;

/// How undos and rollback hooks are retried: one try and three more. Short pauses, because the application may be
/// waiting for the rollback.
pub const UNDO: Retry = Retry {
    attempts: 4,
    time: None,
    delay: Span(Duration::from_millis(250)),
    backoff: Backoff::Exponential,
    max_delay: Span(Duration::from_secs(2)),
};

/// The pause after attempt number `attempt` (from 1) has failed.
#[must_use]
pub fn pause(retry: &Retry, attempt: u32) -> Duration {
    let delay = retry.delay.0;
    let grown = match retry.backoff {
        Backoff::Constant => delay,
        Backoff::Linear => delay.saturating_mul(attempt),
        Backoff::Exponential => delay.saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1))),
    };
    grown.min(retry.max_delay.0)
}

/// When a step is tried again whose last attempt ended in `failure` at `now` (milliseconds), the last of the failures
/// `row`; `None` when it is not: only temporary failures are tried again.
///
/// `hurry` is for a step in a block that has started: the application may be waiting. It does not wait for an attempt
/// that touched nothing.
#[must_use]
pub fn step_again(retry: &Retry, row: Failing, failure: &Failure, now: i64, hurry: bool) -> Option<i64> {
    let longest = if hurry && failure.class != Class::NotYet { UNDO.delay.0 } else { Duration::MAX };
    let passes = matches!(failure.class, Class::Transient | Class::NotYet);
    let again = passes && (row.times < retry.attempts || is_in_time(retry.time, row, now));
    again.then(|| later(now, pause(retry, row.times).min(longest)))
}

/// The same for an undo or a rollback hook of a step that is retried according to `retry`: everything but a refusal is
/// tried again, and a temporary failure for as long as in the step itself.
#[must_use]
pub fn undo_again(retry: &Retry, row: Failing, failure: &Failure, now: i64) -> Option<i64> {
    let passes = failure.class == Class::Transient && is_in_time(retry.time, row, now);
    let again = failure.class != Class::Refused && (row.times < UNDO.attempts || passes);
    again.then(|| later(now, pause(&UNDO, row.times)))
}

fn is_in_time(time: Option<Span>, row: Failing, now: i64) -> bool {
    time.is_some_and(|time| now < later(row.since, time.0))
}

fn later(now: i64, pause: Duration) -> i64 {
    now.saturating_add(i64::try_from(pause.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::{Failing, pause, step_again, undo_again};
    use crate::domain::units::Span;
    use crate::error::Failure;
    use crate::playbook::model::{Backoff, Retry};
    use std::time::Duration;

    fn retry(backoff: Backoff) -> Retry {
        let seconds = |s| Span(Duration::from_secs(s));
        Retry { attempts: 3, time: None, delay: seconds(5), backoff, max_delay: seconds(60) }
    }

    #[test]
    fn pauses_grow_as_told_and_stop_growing() {
        let pauses = |backoff| [1, 2, 3, 9].map(|attempt| pause(&retry(backoff), attempt).as_secs());
        assert_eq!(pauses(Backoff::Constant), [5, 5, 5, 5]);
        assert_eq!(pauses(Backoff::Linear), [5, 10, 15, 45]);
        assert_eq!(pauses(Backoff::Exponential), [5, 10, 20, 60]);
        assert_eq!(pause(&retry(Backoff::Exponential), u32::MAX).as_secs(), 60);
    }

    fn row(since: i64, times: u32) -> Failing {
        Failing { since, times }
    }

    #[test]
    fn only_what_may_go_away_is_tried_again_and_not_for_ever() {
        let retry = retry(Backoff::Constant);
        let transient = Failure::transient("x", "y");
        assert_eq!(step_again(&retry, row(100, 1), &transient, 100, true), Some(350));
        assert_eq!(step_again(&retry, row(100, 1), &transient, 100, false), Some(5_100));
        assert_eq!(step_again(&retry, row(100, 3), &transient, 100, false), None);
        assert_eq!(step_again(&retry, row(100, 1), &Failure::permanent("x", "y"), 100, false), None);
        assert_eq!(step_again(&retry, row(100, 1), &Failure::refused("x", "y"), 100, false), None);
        assert_eq!(undo_again(&retry, row(100, 1), &Failure::permanent("x", "y"), 100), Some(350));
        assert_eq!(undo_again(&retry, row(100, 4), &transient, 100), None);
    }

    #[test]
    fn what_passes_is_waited_for_by_time() {
        let retry = Retry { time: Some(Span(Duration::from_mins(10))), ..retry(Backoff::Constant) };
        let transient = Failure::transient("x", "y");
        assert_eq!(step_again(&retry, row(0, 100), &transient, 599_999, false), Some(604_999));
        assert_eq!(step_again(&retry, row(0, 100), &transient, 600_000, false), None);
        assert_eq!(step_again(&retry, row(0, 100), &Failure::permanent("x", "y"), 0, false), None);
        assert_eq!(undo_again(&retry, row(0, 100), &transient, 599_999), Some(601_999));
        assert_eq!(undo_again(&retry, row(0, 100), &Failure::permanent("x", "y"), 0), None);
    }

    #[test]
    fn what_touched_nothing_is_in_no_hurry() {
        let not_yet = Failure::not_yet("begin the fence", "the replica is 2 s behind");
        assert_eq!(step_again(&retry(Backoff::Constant), row(0, 1), &not_yet, 0, true), Some(5_000));
    }
}
