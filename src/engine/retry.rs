//! When something that failed is tried again. Pure.

use crate::error::{Class, Failure};
use crate::playbook::model::{Backoff, Retry};
use crate::playbook::units::Span;
use std::time::Duration;

/// How undos and rollback hooks are retried: one try and three more. Short pauses, because the application may be
/// waiting for the rollback.
pub const UNDO: Retry = Retry {
    attempts: 4,
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

/// When a step is tried again whose attempt number `attempt` ended in `failure` at `now` (milliseconds); `None` when
/// it is not: only what may go away by itself is tried again.
///
/// `hurry` is for a step in a block that has begun: the application may be waiting.
#[must_use]
pub fn step_again(retry: &Retry, attempt: u32, failure: &Failure, now: i64, hurry: bool) -> Option<i64> {
    let longest = if hurry { UNDO.delay.0 } else { Duration::MAX };
    let passes = matches!(failure.class, Class::Transient | Class::NotYet);
    let again = passes && attempt < retry.attempts;
    again.then(|| later(now, pause(retry, attempt).min(longest)))
}

/// The same for an undo or a rollback hook: everything but a refusal is tried again.
#[must_use]
pub fn undo_again(attempt: u32, failure: &Failure, now: i64) -> Option<i64> {
    let again = failure.class != Class::Refused && attempt < UNDO.attempts;
    again.then(|| later(now, pause(&UNDO, attempt)))
}

fn later(now: i64, pause: Duration) -> i64 {
    now.saturating_add(i64::try_from(pause.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::{pause, step_again, undo_again};
    use crate::error::Failure;
    use crate::playbook::model::{Backoff, Retry};
    use crate::playbook::units::Span;
    use std::time::Duration;

    fn retry(backoff: Backoff) -> Retry {
        let seconds = |s| Span(Duration::from_secs(s));
        Retry { attempts: 3, delay: seconds(5), backoff, max_delay: seconds(60) }
    }

    #[test]
    fn pauses_grow_as_told_and_stop_growing() {
        let pauses = |backoff| [1, 2, 3, 9].map(|attempt| pause(&retry(backoff), attempt).as_secs());
        assert_eq!(pauses(Backoff::Constant), [5, 5, 5, 5]);
        assert_eq!(pauses(Backoff::Linear), [5, 10, 15, 45]);
        assert_eq!(pauses(Backoff::Exponential), [5, 10, 20, 60]);
        assert_eq!(pause(&retry(Backoff::Exponential), u32::MAX).as_secs(), 60);
    }

    #[test]
    fn only_what_may_go_away_is_tried_again_and_not_for_ever() {
        let retry = retry(Backoff::Constant);
        let transient = Failure::transient("x", "y");
        assert_eq!(step_again(&retry, 1, &transient, 100, true), Some(350));
        assert_eq!(step_again(&retry, 1, &transient, 100, false), Some(5_100));
        assert_eq!(step_again(&retry, 3, &transient, 100, false), None);
        assert_eq!(step_again(&retry, 1, &Failure::permanent("x", "y"), 100, false), None);
        assert_eq!(step_again(&retry, 1, &Failure::refused("x", "y"), 100, false), None);
        assert_eq!(undo_again(1, &Failure::permanent("x", "y"), 100), Some(350));
        assert_eq!(undo_again(4, &transient, 100), None);
    }
}
