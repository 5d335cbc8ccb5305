//! Keeps the comparison from slowing replication down: it pauses while the replica lags.

use super::sides::Sides;
use super::{ATTEMPTED, Verify};
use crate::domain::units::Span;
use crate::effects::replica::binlog_position;
use crate::error::{Failure, Result};
use crate::kinds::Ctx;
use crate::kinds::support::account_statements;
use crate::playbook::position::Position;
use std::cmp::Ordering;
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How often both servers are asked where they are.
const EVERY: Duration = Duration::from_millis(500);

/// Places of the source that the replica has not reached, and when the source was seen there. One clock, and no row
/// written for it.
#[derive(Default)]
struct Behind(VecDeque<(Position, Instant)>);

impl Behind {
    fn lag(&mut self, source: Position, applied: &Position, now: Instant) -> Duration {
        if self.0.back().is_none_or(|(last, _)| *last != source) {
            self.0.push_back((source, now));
        }
        while self.0.pop_front_if(|(place, _)| applied.order(place) != Ordering::Less).is_some() {}
        self.0.front().map_or(Duration::ZERO, |(_, seen)| now - *seen)
    }
}

impl Verify {
    /// Sets `paused` while the replica lags too much, until all is `done`. A failure: replication does not run.
    pub(super) async fn pace(
        &self,
        cx: &Ctx<'_>,
        sides: &Sides,
        paused: &watch::Sender<bool>,
        done: &CancellationToken,
    ) -> Option<Failure> {
        let mut behind = Behind::default();
        loop {
            match self.look_behind(cx, sides, &mut behind).await {
                Ok(lag) => {
                    let too_much = lag > self.max_lag.0;
                    let changed = paused.send_if_modified(|now| std::mem::replace(now, too_much) != too_much);
                    if changed && too_much {
                        let limit = Span(self.max_lag.0);
                        cx.progress.note(format!("paused: the replica lags by more than {limit}"));
                    }
                }
                Err(failure) => return Some(failure),
            }
            if tokio::time::timeout(EVERY, done.cancelled()).await.is_ok() {
                return None;
            }
        }
    }

    async fn look_behind(&self, cx: &Ctx<'_>, sides: &Sides, behind: &mut Behind) -> Result<Duration> {
        let place = binlog_position(&sides.source.control, sides.source.dialect).await?;
        let status = account_statements::status(cx, &self.replica, &sides.replica.control).await?;
        let status = status
            .ok_or_else(|| Failure::permanent(ATTEMPTED, "it does not replicate from any server").at(&self.replica))?;
        status.alive(&self.replica, ATTEMPTED)?;
        Ok(behind.lag(place, &status.applied, Instant::now()))
    }
}

#[cfg(test)]
mod tests {
    use super::Behind;
    use crate::playbook::position::Position;
    use std::time::{Duration, Instant};

    #[test]
    fn lag_is_the_age_of_the_oldest_place_that_was_not_reached() {
        let (mut behind, start) = (Behind::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        let place = |offset: u32| Position::new("b.000001", offset);
        assert_eq!(behind.lag(place(10), &place(10), at(0)), Duration::ZERO);
        assert_eq!(behind.lag(place(20), &place(10), at(1)), Duration::ZERO);
        assert_eq!(behind.lag(place(30), &place(10), at(4)), Duration::from_secs(3));
        assert_eq!(behind.lag(place(30), &place(20), at(5)), Duration::from_secs(1));
        assert_eq!(behind.lag(place(30), &place(30), at(9)), Duration::ZERO);
    }
}
