//! The moment at which the fence costs least: the replica has just caught up. If it is far behind, the server is not
//! closed.

use super::Fence;
use crate::dialect::Dialect;
use crate::domain::units::Span;
use crate::effects::Session;
use crate::effects::replica::binlog_position;
use crate::error::{Class, Failure, Result};
use crate::kinds::support::account_statements;
use crate::kinds::support::place::dialect;
use crate::kinds::{Action, Ctx};
use crate::playbook::position::Position;
use crate::playbook::world::World;
use std::cmp::Ordering;
use std::time::{Duration, Instant};

/// A replica that reaches the source's position this fast is close enough (rulebook M12: the applier then needs 0.1-6
/// ms after the fence, otherwise up to half a second).
const CLOSE: Duration = Duration::from_millis(15);
/// Pause between checks of the replica.
const PAUSE: Duration = Duration::from_millis(1);
/// What a second wait has at least, when the first has used the patience up: time to see how far the replica is behind.
const SECOND: Duration = Duration::from_millis(500);

/// Positions of the source's log with the times at which they were its end: they show how far behind a replica is.
#[derive(Default)]
struct Trail(Vec<(Position, Instant)>);

impl Trail {
    /// How far a replica is behind at `now` that has applied up to `applied`, at most; `None` when it is further than
    /// the trail goes back.
    fn lag(&self, applied: &Position, now: Instant) -> Option<Duration> {
        let reached = self.0.iter().rev().find(|(place, _)| applied.order(place) != Ordering::Less);
        reached.map(|(_, at)| now.duration_since(*at))
    }
}

impl Fence {
    pub(super) fn moment_actions(&self, world: &World) -> Vec<Action> {
        let Some(replica) = &self.replica else { return Vec::new() };
        vec![
            Action::sql(&self.server, dialect(world, &self.server).binlog_position()),
            Action::sql(replica, dialect(world, replica).replica_status()),
            Action::note(format!(
                "measured again here: repeat until the replica is less than {CLOSE:?} behind, at most for {}; then it \
                 must be less than {} behind, or nothing is changed",
                self.patience, self.lag_at_fence
            )),
        ]
    }

    /// Until when the replica is waited for, by a wait that follows one which `begin` was the beginning of: the deadline of
    /// the block runs meanwhile, so both share the patience.
    pub(super) fn patience_since(&self, begin: Instant) -> Instant {
        (begin + self.patience.0).max(Instant::now() + SECOND)
    }

    /// Waits for a moment at which the replica has everything.
    pub(super) async fn moment(&self, cx: &Ctx<'_>, main: &Session, from: Dialect, until: Instant) -> Result<()> {
        let Some(replica) = &self.replica else { return Ok(()) };
        let session = cx.fx.sql(replica).await?;
        let mut trail = Trail::default();
        loop {
            let place = binlog_position(main, from).await?;
            let taken = Instant::now();
            trail.0.push((place.clone(), taken));
            let applied = loop {
                let applied = self.applied(cx, replica, &session).await?;
                if applied.order(&place) != Ordering::Less {
                    return Ok(());
                }
                if taken.elapsed() >= CLOSE {
                    break applied;
                }
                tokio::time::sleep(PAUSE).await;
            };
            if Instant::now() >= until {
                return match trail.lag(&applied, Instant::now()) {
                    Some(lag) if lag <= self.lag_at_fence.0 => Ok(()),
                    lag => Err(self.behind(replica, lag, &applied, &place)),
                };
            }
            cx.safe_point("catch up before the switch")?;
        }
    }

    /// How far the replica has come. If it is stopped, waiting is useless, and the block can start again when it runs:
    /// nothing was touched.
    async fn applied(&self, cx: &Ctx<'_>, replica: &str, session: &Session) -> Result<Position> {
        let attempted = "catch up before the switch";
        let status = account_statements::status(cx, replica, session).await?;
        let status = status.ok_or_else(|| {
            Failure::permanent(attempted, "it does not replicate from any server").at(session.server())
        })?;
        match status.alive(session.server(), attempted) {
            Ok(()) => Ok(status.applied),
            Err(failure) => Err(Failure { class: Class::NotYet, ..failure }
                .now("the application still writes on the old server as before")),
        }
    }

    fn behind(&self, replica: &str, lag: Option<Duration>, applied: &Position, end: &Position) -> Failure {
        let lag = match lag {
            Some(lag) => {
                format!("{} behind", Span(Duration::from_millis(u64::try_from(lag.as_millis()).unwrap_or(u64::MAX))))
            }
            None => format!("more than {} behind", self.patience),
        };
        let answer = format!(
            "the replica is {lag}, allowed is {}: it has applied up to {applied}, and `{}` is at {end}",
            self.lag_at_fence, self.server
        );
        Failure::not_yet("catch up before the switch", answer)
            .at(replica)
            .now(format!("the application still writes on `{}` as before", self.server))
            .help("let it catch up (fewer writes, or more applier threads), or allow a longer lag with `lag_at_fence`")
    }
}

#[cfg(test)]
mod tests {
    use super::Trail;
    use crate::playbook::position::Position;
    use std::time::{Duration, Instant};

    #[test]
    fn a_lag_is_the_age_of_the_newest_place_that_was_reached() {
        let begin = Instant::now();
        let at = |offset: &str| Position::new("binlog.000001", offset);
        let after = |millis| begin + Duration::from_millis(millis);
        let trail = Trail(vec![(at("100"), begin), (at("200"), after(40)), (at("300"), after(80))]);
        assert_eq!(trail.lag(&at("250"), after(100)), Some(Duration::from_millis(60)));
        assert_eq!(trail.lag(&at("300"), after(100)), Some(Duration::from_millis(20)));
        assert_eq!(trail.lag(&at("99"), after(100)), None);
        assert_eq!(trail.lag(&Position::new("binlog.000002", "4"), after(100)), Some(Duration::from_millis(20)));
    }
}
