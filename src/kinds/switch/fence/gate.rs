//! The checks before the fence, while the application still writes: whether the server can be closed at all.

use super::Fence;
use crate::dialect::Dialect;
use crate::effects::Session;
use crate::effects::replica::{LOOK, ReplicaStatus};
use crate::error::{Failure, Result};
use crate::kinds::support::answer::is_closed;
use crate::kinds::support::place::dialect;
use crate::kinds::{Action, Ctx};
use crate::playbook::world::World;
use std::time::Duration;
use tokio::time::timeout;

/// A replica that does not answer within this time counts as unreachable.
const SILENCE: Duration = Duration::from_secs(2);

/// Whether the other server takes writes. Only a value that was read is an answer.
enum Replica {
    Open,
    Closed,
    Unknown(Failure),
}

impl Fence {
    pub(super) fn gate_actions(&self, world: &World) -> Vec<Action> {
        let dialect = dialect(world, &self.server);
        let mut actions: Vec<Action> = [
            dialect.replica_status(),
            dialect.prepared_transactions().into(),
            dialect.open_transactions(self.oldest()),
        ]
        .map(|text| Action::sql(&self.server, text))
        .into();
        actions.extend(self.lock_questions(dialect));
        if let Some(replica) = &self.replica {
            actions.push(Action::sql(replica, super::dialect(world, replica).read_only()));
        }
        actions.extend(self.moment_actions(world));
        actions
    }

    fn oldest(&self) -> u32 {
        u32::try_from(self.max_transaction.0.as_secs()).unwrap_or(u32::MAX)
    }

    /// Everything that would prevent the fence, or stop replication, checked in advance.
    pub(super) async fn gate(&self, cx: &Ctx<'_>, main: &Session, dialect: Dialect) -> Result<()> {
        let stop = |answer: String, help: &str| {
            Err(Failure::transient("close the server to writes", answer)
                .at(&self.server)
                .now("the application still writes there as before")
                .help(help))
        };
        if let Some(status) = ReplicaStatus::read(main, dialect).await? {
            let answer = format!("it is a replica of {} itself", status.source);
            return stop(
                answer,
                "its applier would continue to write: stop that replication and remove the channel first",
            );
        }
        if !main.query(dialect.prepared_transactions(), LOOK).await?.is_empty() {
            return stop("a prepared XA transaction is open".into(), "commit it or roll it back (XA RECOVER lists it)");
        }
        let old = main.query(&dialect.open_transactions(self.oldest()), LOOK).await?;
        if let Some(row) = old.first() {
            let (id, age) = (row.get("id").unwrap_or_default(), row.get("seconds").unwrap_or_default());
            let answer = format!("connection {id} has had a transaction open for {age} s");
            return stop(answer, "wait until it ends, or end it with KILL, and switch when the server is quiet");
        }
        self.nobody_unnamed(cx, main, dialect).await?;
        self.replica_is_closed(cx).await
    }

    async fn look_at_replica(&self, cx: &Ctx<'_>, replica: &str, limit: Duration) -> Replica {
        let look = async { is_closed(&*cx.fx.sql(replica).await?, dialect(cx.world, replica)).await };
        match timeout(limit, look).await {
            Ok(Ok(true)) => Replica::Closed,
            Ok(Ok(false)) => Replica::Open,
            Ok(Err(failure)) => Replica::Unknown(failure),
            Err(_) => Replica::Unknown(
                Failure::transient(
                    "check whether the replica is closed to writes",
                    format!("the server did not answer within {limit:?}"),
                )
                .at(replica),
            ),
        }
    }

    fn two_open(&self, replica: &str) -> Failure {
        Failure::permanent(
            format!("make sure that only `{}` accepts writes", self.server),
            "the replica accepts writes too",
        )
        .at(replica)
        .help(
            "make the replica read-only: render its configuration with `profile: import`, or run SET GLOBAL read_only \
             = ON",
        )
    }

    /// No two servers may be open at once, so the other one must be closed before the fence.
    async fn replica_is_closed(&self, cx: &Ctx<'_>) -> Result<()> {
        let Some(replica) = &self.replica else { return Ok(()) };
        match self.look_at_replica(cx, replica, LOOK).await {
            Replica::Closed => Ok(()),
            Replica::Open => Err(self.two_open(replica)),
            Replica::Unknown(failure) => Err(failure),
        }
    }

    /// The same for a server that may be out of reach. It was closed when the source was closed, and a run that has
    /// opened it since undoes that first. So a missing answer is no reason to keep the application waiting.
    pub(super) async fn replica_is_not_open(&self, cx: &Ctx<'_>) -> Result<()> {
        let Some(replica) = &self.replica else { return Ok(()) };
        match self.look_at_replica(cx, replica, SILENCE).await {
            Replica::Closed => Ok(()),
            Replica::Open => Err(self.two_open(replica)),
            Replica::Unknown(failure) => {
                let answer = failure.answer;
                cx.progress.note(format!(
                    "`{replica}` does not answer ({answer}); it was closed when the fence closed the source"
                ));
                Ok(())
            }
        }
    }
}
