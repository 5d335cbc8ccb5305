//! `AUTO_INCREMENT` counters: the new server must not use an id that the old one has used before.
//!
//! Rows raise a counter when they are applied, so ids of committed rows are never used twice. A counter can also rise
//! without an applied row, or be lost (a copy that did not include it, a server that forgot it at a restart): so the
//! next id of the new server is raised to that of the old one. All counters are compared before the old server is
//! closed; under the fence, only the differences found then are checked again.

use super::Promote;
use crate::dialect::{Databases, Dialect, Every, Late};
use crate::domain::Words;
use crate::domain::sql::table;
use crate::effects::replica::{LOOK, binlog_position, wait_until_applied};
use crate::effects::{Row, Session};
use crate::error::{Failure, Result};
use crate::kinds::support::place::dialect;
use crate::kinds::{Action, Ctx, On};
use crate::playbook::world::World;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// Purpose of the connections.
const PURPOSE: &str = "counters";
/// The memo's entry: counters that were lower on the new server, with the old server's.
const LOWER: &str = "lower_counters";
/// A catalog that takes longer is not worth it: a switch is about to begin.
const READ: Duration = Duration::from_secs(3);
/// The new server may take so long to apply what raised a counter on the old one.
const CATCH_UP: Duration = Duration::from_secs(2);
/// Tables that are named.
const NAMED: usize = 5;

/// The next id of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Counter {
    database: String,
    table: String,
    next: u128,
}

impl Counter {
    fn read(row: Row<'_>) -> Option<Self> {
        let word = |name: &str| row.get(name).map(str::to_owned);
        Some(Self { database: word("in_database")?, table: word("in_table")?, next: row.get("detail")?.parse().ok()? })
    }
    /// A server may keep names in small letters.
    fn key(&self) -> (String, String) {
        (self.database.to_lowercase(), self.table.to_lowercase())
    }
}

/// Those of the new server that are lower than the old one's: by the new server's names, with the old server's number.
fn lower(old: &[Counter], new: Vec<Counter>) -> Vec<Counter> {
    let mut wanted: BTreeMap<(String, String), u128> = BTreeMap::new();
    for one in old {
        let next = wanted.entry(one.key()).or_default();
        *next = one.next.max(*next);
    }
    let raised = |one: Counter| {
        let next = *wanted.get(&one.key()).filter(|next| one.next < **next)?;
        Some(Counter { next, ..one })
    };
    new.into_iter().filter_map(raised).collect()
}

async fn read(session: &Session, dialect: Dialect, databases: &(dyn Databases + Sync)) -> Result<Vec<Counter>> {
    let mut found = Vec::new();
    let question = dialect.counters(databases);
    let mut rows = session.rows(&question, READ);
    while let Some(row) = rows.next().await? {
        found.extend(Counter::read(row));
    }
    Ok(found)
}

impl Promote {
    /// Notes which counters are lower on the new server, before anything is closed.
    pub(super) async fn look_at_counters(&self, cx: &Ctx<'_>) -> Result<()> {
        let looked = async {
            let mut sessions = Vec::new();
            for server in [&self.source, &self.server] {
                let session = cx.fx.session(server, PURPOSE).await?;
                for statement in dialect(cx.world, server).comparing_session() {
                    session.query(&statement, LOOK).await?;
                }
                sessions.push(session);
            }
            let (from, to) = (dialect(cx.world, &self.source), dialect(cx.world, &self.server));
            let old = read(&sessions[0], from, &Every).await?;
            self.catch_up(cx, &sessions[0], &sessions[1]).await?;
            Ok(lower(&old, read(&sessions[1], to, &Every).await?))
        };
        let looked = looked.await;
        for server in [&self.source, &self.server] {
            cx.fx.close_session(server, PURPOSE).await;
        }
        let lower = looked.unwrap_or_else(|failure: Failure| {
            cx.progress.note(format!("could not compare next AUTO_INCREMENT ids: {}", failure.answer));
            Vec::new()
        });
        cx.memo.set(LOWER, serde_json::json!(lower)).await
    }

    /// A replica that is behind would seem to lack more than it does. One that does not run is refused later, by what it lacks.
    async fn catch_up(&self, cx: &Ctx<'_>, source: &Session, target: &Session) -> Result<()> {
        let (from, to) = (dialect(cx.world, &self.source), dialect(cx.world, &self.server));
        let place = binlog_position(source, from).await?;
        if let Err(failure) = wait_until_applied(target, to, &place, CATCH_UP).await {
            cx.progress.note(failure.answer);
        }
        Ok(())
    }

    /// Raises those that are still lower, on the server that was just opened. If one of them cannot be raised, that is
    /// reported; it is no reason to send the application back to a closed server.
    pub(super) async fn raise_counters(&self, cx: &Ctx<'_>) -> Result<()> {
        let noted: Vec<Counter> = cx.memo.read(LOWER)?.unwrap_or_default();
        if noted.is_empty() {
            return Ok(());
        }
        let (raised, failed) = match self.raise(cx, &noted).await {
            Ok(done) => done,
            Err(failure) => (Vec::new(), vec![failure.to_string()]),
        };
        if !raised.is_empty() {
            cx.progress.note(format!(
                "next AUTO_INCREMENT ids raised to those of `{}`: {}",
                self.source,
                some(&raised)
            ));
        }
        if !failed.is_empty() {
            cx.progress.note(format!("could not raise these next AUTO_INCREMENT ids: {}", some(&failed)));
        }
        Ok(())
    }

    async fn raise(&self, cx: &Ctx<'_>, noted: &[Counter]) -> Result<(Vec<String>, Vec<String>)> {
        let to = dialect(cx.world, &self.server);
        let session = cx.fx.session(&self.server, PURPOSE).await?;
        for statement in to.comparing_session() {
            session.query(&statement, LOOK).await?;
        }
        let mut databases: Vec<String> = noted.iter().map(|one| one.database.clone()).collect();
        databases.sort();
        databases.dedup();
        let (mut raised, mut failed) = (Vec::new(), Vec::new());
        for Counter { database, table: name, next } in lower(noted, read(&session, to, &databases).await?) {
            let told = format!("{database}.{name} to {next}");
            let statement = to.raise_counter(Some(table(&database, &name)), next.to_string());
            match session.query(&statement, LOOK).await {
                Ok(_) => raised.push(told),
                Err(failure) => failed.push(format!("{told} ({})", failure.answer)),
            }
        }
        cx.fx.close_session(&self.server, PURPOSE).await;
        Ok((raised, failed))
    }

    /// What is asked before the old server is closed, and what is done once the new one is open.
    pub(super) fn counter_actions(&self, world: &World) -> [Vec<Action>; 2] {
        let (from, to) = (dialect(world, &self.source), dialect(world, &self.server));
        let new = On(&self.server);
        let old = On(&self.source);
        let mut before: Vec<Action> = from.comparing_session().iter().map(|text| old.sql(text)).collect();
        before.extend(to.comparing_session().iter().map(|text| new.sql(text)));
        before.extend([old.sql(from.counters(&Every)), old.sql(from.binlog_position()), new.sql(to.replica_status())]);
        before.push(new.sql(to.counters(&Every)));
        let mut after =
            vec![Action::note("AUTO_INCREMENT ids that the old server used and the new one would use again:")];
        after.push(new.sql(to.counters(&Late)));
        after.push(new.sql(to.raise_counter(None, Words::late("next id"))));
        [before, after]
    }
}

/// The first of them, and how many more there are.
fn some(names: &[String]) -> String {
    let more = names.len().saturating_sub(NAMED);
    let shown = names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}

#[cfg(test)]
mod tests {
    use super::{Counter, lower};

    #[test]
    fn only_what_is_lower_is_raised() {
        let one = |database: &str, table: &str, next| Counter { database: database.into(), table: table.into(), next };
        let old = [one("Shop", "A", 101), one("shop", "b", 7), one("shop", "gone", 9)];
        let new = vec![one("shop", "a", 99), one("shop", "b", 8), one("shop", "own", 1)];
        assert_eq!(lower(&old, new), [one("shop", "a", 101)]);
    }
}
