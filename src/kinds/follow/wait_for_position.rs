//! `wait_for_position`: proves that a replica has applied everything up to a position in its source's log.

use crate::dialect::Dialect;
use crate::effects::Session;
use crate::effects::replica::LOOK;
use crate::error::{Failure, Result};
use crate::kinds::role::{Role, WaitsForPosition};
use crate::kinds::support::account_statements::{self, wait_until_applied};
use crate::kinds::support::place::dialect;
use crate::kinds::support::privileges::swap;
use crate::kinds::{Action, Complaint, Ctx, Need, Output, OutputType, Outputs, Probe, Reversibility, Step};
use crate::playbook::position::Position;
use crate::playbook::world::World;
use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Outputs of this kind.
pub const OUTPUTS: &[Output] = &[Output {
    name: "position",
    kind: OutputType::Position,
    about: "Position in the source's binary log up to which the replica has applied.",
}];

/// The runner may ask the step to stop between rounds of this length.
const ROUND: Duration = Duration::from_millis(200);

/// Waits until the replica has applied everything up to a position in its source's binary log, and proves it with the
/// server's wait function, the replica status, and the token row if there is one.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend(
    "x-undo" = "There is nothing to undo.",
    "examples" = [{ "replica": "target", "position": "{{ steps.fence.position }}", "token": "{{ steps.fence.token }}" }]
))]
pub struct WaitForPosition {
    /// Replica.
    #[schemars(extend("format" = "server"))]
    replica: String,
    /// Position to wait for: `"{{ steps.fence.position }}"`.
    position: Position,
    /// Number of the row that the fence wrote as the last transaction: `"{{ steps.fence.token }}"`.
    #[serde(default)]
    token: Option<serde_json::Value>,
}

impl WaitForPosition {
    /// The server's own wait function, which answers at once when the position is passed.
    async fn server_agrees(&self, session: &Session, dialect: Dialect) -> Result<()> {
        let wait = dialect.wait_for_position(&self.position.file, &self.position.offset, 1);
        match session.query(&wait, LOOK).await?.value() {
            Some(events) if events != "-1" => Ok(()),
            answer => {
                let answer = format!("the server answered {answer:?} to the request to wait for {}", self.position);
                Err(Failure::permanent("prove that the final position is applied", answer).at(&self.replica))
            }
        }
    }
    async fn token_arrived(&self, cx: &Ctx<'_>, session: &Session, dialect: Dialect) -> Result<()> {
        let Some(token) = &self.token else { return Ok(()) };
        let token = token.as_str().map_or_else(|| token.to_string(), str::to_owned);
        let rows = session.query(&dialect.read_token(cx.run, crate::kinds::switch::fence::PURPOSE), LOOK).await?;
        if rows.value() == Some(token.as_str()) {
            return Ok(());
        }
        let found = rows.value().unwrap_or("no row").to_owned();
        Err(Failure::permanent(
            "prove that the last transaction arrived",
            format!("expected token {token}, found {found}"),
        )
        .at(&self.replica)
        .help("check for a replication filter, and check that the replica follows the right server"))
    }
}

#[async_trait]
impl Step for WaitForPosition {
    fn reversibility(&self) -> Reversibility {
        Reversibility::NothingToUndo
    }

    fn roles(&self) -> Vec<Role> {
        vec![WaitsForPosition { replica: self.replica.clone() }.into()]
    }

    fn preview(&self, world: &World) -> Result<Vec<Action>, Vec<Complaint>> {
        let dialect = dialect(world, &self.replica);
        let mut actions = vec![
            Action::sql(&self.replica, dialect.replica_status()),
            Action::note(format!("repeat until it has applied {}", self.position)),
            Action::sql(&self.replica, dialect.wait_for_position(&self.position.file, &self.position.offset, 1)),
        ];
        if self.token.is_some() {
            let run = crate::kinds::support::place::run_marker();
            actions.push(Action::sql(&self.replica, dialect.read_token(&run, crate::kinds::switch::fence::PURPOSE)));
        }
        actions.extend(account_statements::actions(world, &self.replica));
        Ok(actions)
    }

    fn needs(&self, world: &World) -> Vec<Need> {
        swap::reading_channel(world, &self.replica)
    }

    fn unproved(&self, _: &World) -> Vec<String> {
        vec![format!("how long `{}` takes to apply the last transactions, while the application waits", self.replica)]
    }

    async fn prepare(&self, cx: &Ctx<'_>) -> Result<()> {
        cx.fx.sql(&self.replica).await.map(drop)
    }

    async fn probe(&self, _: &Ctx<'_>) -> Result<Probe> {
        Ok(Probe::NotDone)
    }

    async fn execute(&self, cx: &Ctx<'_>) -> Result<Outputs> {
        let dialect = dialect(cx.world, &self.replica);
        let session = cx.fx.sql(&self.replica).await?;
        loop {
            if let Some(applied) = wait_until_applied(cx, &self.replica, &session, &self.position, ROUND).await? {
                self.server_agrees(&session, dialect).await?;
                self.token_arrived(cx, &session, dialect).await?;
                let position = serde_json::to_value(&applied).unwrap_or_default();
                return Ok(Outputs::from_iter([("position".to_owned(), position)]));
            }
            cx.safe_point("wait until the replica reaches the final position")?;
        }
    }

    async fn undo(&self, _: &Ctx<'_>) -> Result<()> {
        Ok(())
    }
}
