//! Before a switch counts as done, the server that was closed is checked: whether it still is closed, and whether it
//! has written anything by itself since. An account that gets past `read_only` leaves no other trace.

use crate::dialect::Dialect;
use crate::domain::marker;
use crate::effects::Effects;
use crate::effects::own_transactions::{self, Budget, OwnLog, OwnTransactions, Scan, Wrote};
use crate::error::Result;
use crate::kinds::support::answer;
use crate::kinds::{Action, On};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What was found on a server that was closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FencedServer {
    /// Its name in the inventory.
    pub server: String,
    /// Whether it is still closed; missing where it could not be asked.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub closed: Option<bool>,
    /// What it has written itself since.
    pub own: OwnTransactions,
    /// How far its log had come when it was checked.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub log: Option<OwnLog>,
}

impl FencedServer {
    /// A server that could not be checked.
    #[must_use]
    pub fn unseen(server: &str, why: &str) -> Self {
        Self { server: server.to_owned(), closed: None, own: OwnTransactions::unknown(why), log: None }
    }

    /// Whether it is closed, and has written nothing that changes a row.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.closed == Some(true) && self.own.wrote() == Wrote::Nothing
    }
}

impl fmt::Display for FencedServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.closed {
            Some(true) => "closed",
            Some(false) => "OPEN TO WRITES",
            None => "not checked",
        };
        write!(f, "`{}` is {state}; since the fence: {}", self.server, self.own)
    }
}

/// The plan's part of it.
pub(in crate::kinds) fn actions(server: &str, dialect: Dialect) -> Vec<Action> {
    let here = On(server);
    let late = marker::late;
    vec![
        Action::note("at the end of the run: check whether it is closed, and whether it has written anything itself:"),
        here.sql(dialect.read_only()),
        here.sql(dialect.own_log()),
        here.sql(dialect.binlog_position()),
        Action::note("if it has, or may have, read what it wrote:"),
        here.sql(dialect.binary_logs()),
        here.sql(dialect.binlog_events(late("its file"), late("its position"), late("number"))),
    ]
}

/// Checks a server that was closed when its own log had come as far as `before`; `None` if that is not known.
pub async fn look(
    fx: &Effects,
    dialect: Dialect,
    server: &str,
    before: Option<&OwnLog>,
    budget: Budget,
) -> FencedServer {
    let looked: Result<FencedServer> = async {
        let session = fx.sql(server).await?;
        let closed = Some(answer::is_closed(&session, dialect).await?);
        let Some(before) = before else {
            return Ok(FencedServer {
                closed,
                ..FencedServer::unseen(server, "the fence left no record of its binary log")
            });
        };
        let (own, log) = own_transactions::since(&session, dialect, before, &mut Scan::default(), budget).await?;
        Ok(FencedServer { server: server.to_owned(), closed, own, log: Some(log) })
    }
    .await;
    looked.unwrap_or_else(|failure| FencedServer::unseen(server, &failure.to_string()))
}

#[cfg(test)]
mod tests {
    use super::FencedServer;
    use crate::effects::own_transactions::OwnTransactions;

    #[test]
    fn only_a_closed_server_that_wrote_nothing_is_well() {
        let found = |closed, own| FencedServer { server: "old".into(), closed, own, log: None };
        let rows = OwnTransactions { count: 1, ..OwnTransactions::default() };
        assert!(found(Some(true), OwnTransactions::default()).is_well());
        assert!(!found(Some(true), rows).is_well());
        assert!(!found(Some(false), OwnTransactions::default()).is_well());
        assert!(!found(None, OwnTransactions::default()).is_well());
        assert!(!found(Some(true), OwnTransactions::unknown("purged")).is_well());
    }
}
