//! `forget_source`: removes a promoted server's channel, once its application has moved and does not wait any more.

use crate::dialect::{Dialect, OwnDatabase};
use crate::effects::replica::{LOOK, ReplicaStatus};
use crate::error::{Failure, Result};
use crate::kinds::support::answer::is_closed;
use crate::kinds::support::own_database;
use crate::kinds::support::place::dialect;
use crate::kinds::support::privileges::swap;
use crate::kinds::{Action, Complaint, Ctx, Need, Output, Outputs, Probe, Reversibility, Step};
use crate::playbook::world::World;
use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Outputs of this kind.
pub const OUTPUTS: &[Output] = &[];

/// Removes the replication channel of a promoted server, the runner's own token table, and the copy of the server's
/// accounts that was kept for a rollback. Run it after the switch: it takes longer than all other steps of the switch
/// together.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend(
    "x-undo" = "It is not undone: it runs after the point of no return.",
    "examples" = [{ "server": "target" }]
))]
pub struct ForgetSource {
    /// Server that was promoted.
    #[schemars(extend("format" = "server"))]
    server: String,
}

impl ForgetSource {
    /// Only a server that is open and whose threads stand still has been promoted; any other channel is in use.
    async fn promoted(&self, cx: &Ctx<'_>, dialect: Dialect) -> Result<bool> {
        let session = cx.fx.sql(&self.server).await?;
        let open = !is_closed(&session, dialect).await?;
        match ReplicaStatus::read(&session, dialect).await? {
            None => Ok(true),
            Some(status) if open && !status.applying && !status.receiving => Ok(false),
            Some(status) => {
                let answer =
                    format!("it has not been promoted: it still replicates from {}, or is read-only", status.source);
                Err(Failure::refused("remove the replication channel of the old source", answer)
                    .at(&self.server)
                    .help("promote this server first"))
            }
        }
    }
}

#[async_trait]
impl Step for ForgetSource {
    fn reversibility(&self) -> Reversibility {
        Reversibility::NothingToUndo
    }

    fn preview(&self, world: &World) -> Result<Vec<Action>, Vec<Complaint>> {
        let dialect = dialect(world, &self.server);
        let mut actions = vec![
            Action::sql(&self.server, dialect.read_only()),
            Action::sql(&self.server, dialect.replica_status()),
            Action::sql(&self.server, dialect.reset_replica_all()),
        ];
        actions.extend(own_database::remove_actions(&self.server, dialect, OwnDatabase::Tokens));
        actions.push(Action::note("the accounts that were kept for a rollback:"));
        actions.push(Action::sql(&self.server, dialect.without_binlog()));
        actions.extend(own_database::remove_actions(&self.server, dialect, OwnDatabase::Before));
        Ok(actions)
    }

    fn needs(&self, world: &World) -> Vec<Need> {
        let mut needs = swap::following(world, &self.server);
        needs.retain(|need| need.only_if.is_none());
        needs.extend(swap::own_rows(world, &self.server));
        needs
    }

    async fn probe(&self, _: &Ctx<'_>) -> Result<Probe> {
        Ok(Probe::NotDone)
    }

    async fn execute(&self, cx: &Ctx<'_>) -> Result<Outputs> {
        let dialect = dialect(cx.world, &self.server);
        let session = cx.fx.sql(&self.server).await?;
        if !self.promoted(cx, dialect).await? {
            session.query(&dialect.reset_replica_all(), LOOK).await?;
        }
        if ReplicaStatus::read(&session, dialect).await?.is_some() {
            return Err(Failure::permanent(
                "remove the replication channel of the old source",
                "the channel still exists",
            )
            .at(&self.server));
        }
        own_database::remove(&session, dialect, OwnDatabase::Tokens).await?;
        let session = cx.fx.session(&self.server, cx.step).await?;
        session.query(dialect.without_binlog(), LOOK).await?;
        own_database::remove(&session, dialect, OwnDatabase::Before).await?;
        cx.fx.close_session(&self.server, cx.step).await;
        Ok(Outputs::new())
    }

    async fn undo(&self, _: &Ctx<'_>) -> Result<()> {
        Ok(())
    }
}
