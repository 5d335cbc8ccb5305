//! What is looked at before the fence falls, while the application still writes: whether it can fall at all, and
//! the moment at which it costs least.

use super::Fence;
use crate::effects::Session;
use crate::effects::dialect::Dialect;
use crate::effects::replica::{LOOK, ReplicaStatus, binlog_position, wait_until_applied};
use crate::error::{Class, Failure, Result};
use crate::playbook::world::World;
use crate::steps::answer::is_closed;
use crate::steps::place::dialect;
use crate::steps::{Action, Ctx};
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// A replica that gets to the source's place this fast is at its heels (rulebook M12: the applier then
/// needs 0.1-6 ms after the fence, otherwise up to half a second).
const CLOSE: Duration = Duration::from_millis(15);
/// The right moment is waited for this long; a busy replica may never be so close, and later is still right.
const PATIENCE: Duration = Duration::from_secs(3);
/// A replica that says nothing for so long is out of reach.
const SILENCE: Duration = Duration::from_secs(2);

impl Fence {
    pub(super) fn gate_actions(&self, world: &World) -> Vec<Action> {
        let dialect = dialect(world, &self.server);
        let mut actions: Vec<Action> = [
            dialect.replica_status(),
            dialect.prepared_transactions().to_owned(),
            dialect.open_transactions(self.oldest()),
        ]
        .map(|text| Action::sql(&self.server, text))
        .into();
        if let Some(replica) = &self.replica {
            actions.push(Action::sql(replica, super::dialect(world, replica).read_only()));
        }
        actions.extend(self.moment_actions(world));
        actions
    }

    pub(super) fn moment_actions(&self, world: &World) -> Vec<Action> {
        let Some(replica) = &self.replica else { return Vec::new() };
        vec![
            Action::sql(&self.server, dialect(world, &self.server).binlog_position()),
            Action::sql(replica, dialect(world, replica).replica_status()),
            Action::note(format!("repeat until the replica is there within {CLOSE:?}, at most {PATIENCE:?}")),
        ]
    }

    fn oldest(&self) -> u32 {
        u32::try_from(self.max_transaction.0.as_secs()).unwrap_or(u32::MAX)
    }

    /// Everything that would keep the fence from falling, or the replica from following, seen beforehand.
    pub(super) async fn gate(&self, cx: &Ctx<'_>, main: &Session, dialect: Dialect) -> Result<()> {
        let stop = |answer: String, help: &str| {
            Err(Failure::transient("begin the fence", answer)
                .at(&self.server)
                .now("the application still writes there, undisturbed")
                .help(help))
        };
        if let Some(status) = ReplicaStatus::read(main, dialect).await? {
            let answer = format!("it is itself a replica of {}", status.source);
            return stop(answer, "its applier would go on writing: stop that replication and forget the channel first");
        }
        if !main.query(dialect.prepared_transactions(), LOOK).await?.is_empty() {
            return stop("a prepared XA transaction is open".into(), "commit or roll it back: XA RECOVER lists it");
        }
        let old = main.query(&dialect.open_transactions(self.oldest()), LOOK).await?;
        if let Some(row) = old.first() {
            let (id, age) = (row.get("id").unwrap_or_default(), row.get("seconds").unwrap_or_default());
            let answer = format!("connection {id} has had a transaction open for {age} s");
            return stop(answer, "let it end, or end it with KILL, and cut over when it is quiet");
        }
        self.replica_is_closed(cx).await?;
        self.moment(cx, main, dialect).await
    }

    /// No two servers may be open at once, so the other one has to be closed before and after.
    pub(super) async fn replica_is_closed(&self, cx: &Ctx<'_>) -> Result<()> {
        let Some(replica) = &self.replica else { return Ok(()) };
        let session = cx.fx.sql(replica).await?;
        let dialect = dialect(cx.world, replica);
        if is_closed(&session, dialect).await? {
            return Ok(());
        }
        Err(Failure::permanent(format!("keep `{}` the only server that takes writes", self.server), "the replica takes writes too")
            .at(replica)
            .help("a replica must be read-only: render its configuration with `profile: import`, or SET GLOBAL read_only = ON"))
    }

    /// The same for a server that may be out of reach. It was closed when the fence fell, and a run that has opened it
    /// since takes that back first, so silence is no reason to keep the application waiting.
    pub(super) async fn replica_is_not_open(&self, cx: &Ctx<'_>) -> Result<()> {
        match timeout(SILENCE, self.replica_is_closed(cx)).await {
            Ok(Err(failure)) if failure.class == Class::Permanent => Err(failure),
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => {
                let replica = self.replica.as_deref().unwrap_or_default();
                cx.progress.note(format!("`{replica}` does not answer; it was closed when the fence fell"));
                Ok(())
            }
        }
    }

    /// Waits for a moment at which the replica has everything.
    pub(super) async fn moment(&self, cx: &Ctx<'_>, main: &Session, from: Dialect) -> Result<()> {
        let Some(replica) = &self.replica else { return Ok(()) };
        let session = cx.fx.sql(replica).await?;
        let to = dialect(cx.world, replica);
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            let position = binlog_position(main, from).await?;
            if wait_until_applied(&session, to, &position, CLOSE).await?.is_some() {
                return Ok(());
            }
            cx.safe_point("begin the fence")?;
        }
        Ok(())
    }
}
