//! Whether a filter on either server would make a replica miss rows: rows that never reach the source's log, or that
//! the replica never applies. Checked before anything is changed, by every kind that makes a server a replica.
//!
//! May know: dialects and servers. Nothing of the steps.

use crate::dialect::{Dialect, Filters, OwnDatabase};
use crate::effects::Session;
use crate::effects::replica::LOOK;
use crate::error::{Failure, Result};
use crate::kinds::support::place::dialect;
use crate::kinds::{Action, Ctx};
use crate::playbook::world::World;

const ATTEMPT: &str = "replicate from another server";

/// Who is to follow whom, with what.
#[derive(Debug, Clone, Copy)]
pub struct Followed<'a> {
    /// Server that is followed.
    pub source: &'a str,
    /// Server that follows.
    pub replica: &'a str,
    /// Databases that must come through; empty means every user database.
    pub databases: &'a [String],
}

impl Followed<'_> {
    /// What is asked, in order.
    pub fn actions(self, world: &World) -> Vec<Action> {
        let (from, to) = (dialect(world, self.source), dialect(world, self.replica));
        let mut actions = Vec::new();
        if self.databases.is_empty() {
            actions.push(Action::sql(self.source, from.user_databases()));
            actions.push(Action::sql(self.replica, to.user_databases()));
        }
        actions.push(Action::sql(self.source, from.binlog_position()));
        actions.push(Action::sql(self.replica, to.replica_status()));
        actions.extend(to.replication_filters().map(|text| Action::sql(self.replica, text)));
        actions.push(Action::note("refuse if a filter on either server leaves out one of these databases"));
        actions
    }

    /// Refuses where a filter leaves out what must come through, or the runner's own rows, which prove that it does.
    ///
    /// # Errors
    /// A refusal that names each filter, or that a server cannot be asked.
    pub async fn comes_through(self, cx: &Ctx<'_>) -> Result<()> {
        let (source, replica) = (cx.fx.sql(self.source).await?, cx.fx.sql(self.replica).await?);
        let (from, to) = (dialect(cx.world, self.source), dialect(cx.world, self.replica));
        let databases = self.databases(&source, from, &replica, to).await?;
        let written = written(&source, from).await?;
        let applied = applied(&replica, to).await?;
        let mut found = Vec::new();
        for database in databases.iter().map(String::as_str).chain([OwnDatabase::Tokens.name()]) {
            let sides =
                [(&written, self.source, "is not written to its log"), (&applied, self.replica, "is not applied")];
            for (filters, server, what) in sides {
                if let Some(filter) = filters.leaves_out(database) {
                    found.push((server, format!("by {filter} of `{server}`, `{database}` {what}")));
                }
            }
        }
        let Some((server, _)) = found.first() else { return Ok(()) };
        let told: Vec<&str> = found.iter().map(|(_, text)| text.as_str()).collect();
        let answer = format!("`{}` would lack data that `{}` writes: {}", self.replica, self.source, told.join("; "));
        Err(Failure::refused(ATTEMPT, answer).at(*server).now("nothing was changed").help(
            "remove the filter from that server's configuration and restart it; if only some databases move, name \
             them in `databases`",
        ))
    }

    /// What must come through. A server that holds nothing yet is to hold what the other one has.
    async fn databases(self, source: &Session, from: Dialect, replica: &Session, to: Dialect) -> Result<Vec<String>> {
        if !self.databases.is_empty() {
            return Ok(self.databases.to_vec());
        }
        let mut found = names(source, from).await?;
        let on_replica = names(replica, to).await?;
        if found.is_empty() {
            found = on_replica;
        }
        Ok(found)
    }
}

async fn names(session: &Session, dialect: Dialect) -> Result<Vec<String>> {
    let rows = session.query(&dialect.user_databases(), LOOK).await?;
    Ok(rows.iter().filter_map(|row| row.get("name").map(str::to_owned)).collect())
}

async fn written(session: &Session, dialect: Dialect) -> Result<Filters> {
    let mut filters = Filters::default();
    let rows = session.query(dialect.binlog_position(), LOOK).await?;
    for row in rows.iter() {
        rows.columns.iter().for_each(|name| filters.add(name, row.get(name).unwrap_or_default()));
    }
    Ok(filters)
}

async fn applied(session: &Session, dialect: Dialect) -> Result<Filters> {
    let mut filters = Filters::default();
    let rows = session.query(&dialect.replica_status(), LOOK).await?;
    for row in rows.iter() {
        rows.columns.iter().for_each(|name| filters.add(name, row.get(name).unwrap_or_default()));
    }
    if let Some(question) = dialect.replication_filters() {
        for row in session.query(&question, LOOK).await?.iter() {
            filters.add(row.get("Variable_name").unwrap_or_default(), row.get("Value").unwrap_or_default());
        }
    }
    Ok(filters)
}
