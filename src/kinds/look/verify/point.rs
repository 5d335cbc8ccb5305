//! The common point: snapshots on the source at one binlog position, the replica brought to that exact position, and
//! snapshots there. The applier is stopped meanwhile, and is started again in any case.
//!
//! That `START … UNTIL` ends exactly at its position with parallel appliers too was seen on `MariaDB` 10.11 (4 threads,
//! optimistic, with file positions and with `slave_pos`) and on `MySQL` 9.7 (4 workers, auto-position), under four
//! writers; it is checked each time.

use super::sides::{Side, Sides};
use super::{ATTEMPTED, Verify};
use crate::effects::replica::{LOOK, ReplicaStatus, binlog_position};
use crate::error::{Class, Failure, Result};
use crate::kinds::Ctx;
use crate::kinds::support::account_statements::{self, wait_until_applied};
use crate::kinds::support::place::dialect;
use crate::playbook::position::Position;
use std::cmp::Ordering;
use std::time::{Duration, Instant};

/// The memo's entry that says whether the applier was halted by this step.
const HALTED: &str = "applier_halted";
/// Commits are held back, or waited for the chance to, no longer than this: writers queue up behind it.
const HOLD: Duration = Duration::from_millis(500);
/// Attempts to hold them back, a second apart.
const TRIES: u32 = 20;
/// Statements that run for longer are let finish first: holding commits back would wait for them.
pub(super) const LONG_SECONDS: u32 = 1;
/// Longest time for an applier to stop: it finishes the transaction it is at.
const STOP: Duration = Duration::from_mins(10);
/// How long a started applier may take to show as running.
const START: Duration = Duration::from_secs(10);
/// The runner may ask the step to stop between rounds of this length.
const ROUND: Duration = Duration::from_secs(1);
/// Pause between checks of an applier that is to stop or to start.
const PAUSE: Duration = Duration::from_millis(2);

impl Verify {
    /// Brings the readers of both servers to one position, and returns it.
    pub(super) async fn meet(&self, cx: &Ctx<'_>, sides: &Sides) -> Result<Position> {
        self.close_behind(cx, sides).await?;
        cx.memo.set(HALTED, true.into()).await?;
        let met = self.meet_halted(cx, sides).await;
        let released = self.release_applier(cx).await;
        if met.is_err() && account_statements::go_past(cx, &self.replica).await? {
            return Box::pin(self.meet(cx, sides)).await;
        }
        let met = met?; // says more than that the applier does not run, which may be its consequence
        released.map(|()| met)
    }

    /// Waits until the replica is nearly where the source is, so that the applier stands still for a short time only.
    pub(super) async fn close_behind(&self, cx: &Ctx<'_>, sides: &Sides) -> Result<()> {
        loop {
            let place = binlog_position(&sides.source.control, sides.source.dialect).await?;
            let replica = &sides.replica;
            if wait_until_applied(cx, &self.replica, &replica.control, &place, ROUND).await?.is_some() {
                return Ok(());
            }
            cx.progress.note("waiting until the replica has caught up");
            cx.safe_point(ATTEMPTED)?;
        }
    }

    async fn meet_halted(&self, cx: &Ctx<'_>, sides: &Sides) -> Result<Position> {
        let Side { control, dialect, .. } = &sides.replica;
        control.query(&dialect.stop_applier(), STOP).await?;
        let place = self.snapshot_source(cx, &sides.source).await?;
        control.query(&dialect.start_applier_until(&place.file, &place.offset), LOOK).await?;
        self.arrive(cx, &sides.replica, &place).await?;
        sides.replica.take_snapshots().await?;
        self.stands_at(&sides.replica, &place).await?;
        Ok(place)
    }

    /// Takes the source's snapshots while no commit can come between them.
    async fn snapshot_source(&self, cx: &Ctx<'_>, source: &Side) -> Result<Position> {
        let mut left = TRIES;
        loop {
            let held = match self.nothing_in_the_way(source).await {
                Ok(()) => self.hold(cx, source).await,
                Err(failure) => Err(failure),
            };
            left -= 1;
            match held {
                Err(failure) if failure.class == Class::Transient && left > 0 && source.control.is_alive() => {
                    cx.progress.note(format!("waiting for a moment to take snapshots: {}", failure.answer));
                    cx.pause(Duration::from_secs(1), ATTEMPTED).await?;
                }
                held => return held,
            }
        }
    }

    async fn nothing_in_the_way(&self, source: &Side) -> Result<()> {
        let Some(question) = source.dialect.statements_in_the_way(LONG_SECONDS) else { return Ok(()) };
        let rows = source.control.query(&question, LOOK).await?;
        let Some(row) = rows.first() else { return Ok(()) };
        let word = |name| row.get(name).unwrap_or_default();
        let answer = format!("connection {} has been at `{}` for {} s", word("id"), word("query"), word("seconds"));
        Err(Failure::transient("block commits for a moment", answer)
            .at(&self.source)
            .help("wait until it ends, or end it with KILL QUERY"))
    }

    async fn hold(&self, cx: &Ctx<'_>, source: &Side) -> Result<Position> {
        let Side { control, dialect, .. } = source;
        let hold = dialect.hold_commits();
        let begin = Instant::now();
        let mut begun = false;
        let taken = async {
            for &statement in hold.take {
                control.query(statement, HOLD).await?;
                begun = true;
            }
            source.take_snapshots().await?;
            binlog_position(control, *dialect).await
        };
        let taken = taken.await;
        if begun && let Err(failure) = control.query(hold.release, LOOK).await {
            control.hang_up(); // ends the hold, if there is one
            return taken.and(Err(failure));
        }
        let (place, waited) = (taken?, begin.elapsed());
        self.same_place(source, &place).await?;
        cx.progress.note(format!("snapshots at {place}; writers waited at most {:.1} ms", waited.as_secs_f64() * 1e3));
        Ok(place)
    }

    /// Each snapshot says itself where it stands, on servers that know.
    async fn same_place(&self, source: &Side, place: &Position) -> Result<()> {
        let Some(question) = source.dialect.snapshot_position() else { return Ok(()) };
        for reader in &source.readers {
            let rows = reader.query(question, LOOK).await?;
            let value = |name: &str| {
                let row =
                    rows.iter().find(|row| row.get("Variable_name").is_some_and(|n| n.eq_ignore_ascii_case(name)));
                row.and_then(|row| row.get("Value")).unwrap_or_default().to_owned()
            };
            let own = Position::new(value("Binlog_snapshot_file"), value("Binlog_snapshot_position"));
            if own != *place {
                let answer = format!("a snapshot is at {own}, but the log is at {place}");
                return Err(Failure::transient("take snapshots at one position", answer).at(&self.source));
            }
        }
        Ok(())
    }

    /// Waits until the applier has stopped at `place`. If nothing follows in the log, it may not notice that it has
    /// arrived, so it is stopped then.
    async fn arrive(&self, cx: &Ctx<'_>, replica: &Side, place: &Position) -> Result<()> {
        loop {
            let Some(status) = ReplicaStatus::read(&replica.control, replica.dialect).await? else {
                return Err(Failure::permanent(ATTEMPTED, "it does not replicate from any server").at(&self.replica));
            };
            if !status.applying {
                return match status.apply_error {
                    Some(_) => status.healthy(&self.replica, ATTEMPTED),
                    None => Ok(()),
                };
            }
            if status.applied.order(place) != Ordering::Less {
                return replica.control.query(&replica.dialect.stop_applier(), STOP).await.map(drop);
            }
            status.alive(&self.replica, ATTEMPTED)?;
            cx.pause(PAUSE, ATTEMPTED).await?;
        }
    }

    /// The applier is exactly at `place`.
    async fn stands_at(&self, replica: &Side, place: &Position) -> Result<()> {
        let status = ReplicaStatus::read(&replica.control, replica.dialect).await?;
        match status {
            Some(status) if !status.applying && status.applied == *place => Ok(()),
            Some(status) => {
                let word = if status.applying { "runs" } else { "is stopped" };
                let answer =
                    format!("the applier {word} at {}, but the snapshots of the source are at {place}", status.applied);
                Err(Failure::transient("bring the replica to the source's position", answer).at(&self.replica))
            }
            None => Err(Failure::permanent(ATTEMPTED, "it does not replicate from any server").at(&self.replica)),
        }
    }

    /// Starts the applier if this step has halted it, and sees it run. A channel that is gone meanwhile stays gone.
    pub(super) async fn release_applier(&self, cx: &Ctx<'_>) -> Result<()> {
        if !cx.memo.flag(HALTED)? {
            return Ok(());
        }
        let started = self.start_applier(cx).await.map_err(|failure| {
            let by_hand = dialect(cx.world, &self.replica).start_applier();
            failure.now(format!("the applier of `{}` is stopped", self.replica)).help(format!("run there: {by_hand}"))
        });
        started?;
        cx.memo.set(HALTED, false.into()).await
    }

    async fn start_applier(&self, cx: &Ctx<'_>) -> Result<()> {
        let dialect = dialect(cx.world, &self.replica);
        let session = cx.fx.sql(&self.replica).await?;
        if ReplicaStatus::read(&session, dialect).await?.is_none() {
            return Ok(());
        }
        session.query(&dialect.start_applier(), LOOK).await?;
        let begin = Instant::now();
        loop {
            let status = ReplicaStatus::read(&session, dialect).await?;
            match status {
                Some(status) if !status.applying => {
                    if status.apply_error.is_some() || begin.elapsed() > START {
                        return status.healthy(&self.replica, "start the applier again");
                    }
                }
                _ => return Ok(()),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}
