//! What the source is asked, and what is done there, before a dump begins.

use super::Dump;
use crate::dialect::Dialect;
use crate::domain::marker;
use crate::domain::{Backslash, Sql};
use crate::effects::replica::{LOOK, binlog_position};
use crate::error::Result;
use crate::kinds::support::place::dialect;
use crate::kinds::{Action, Ctx, On};
use secrecy::ExposeSecret;
use std::collections::BTreeSet;
use std::time::Duration;

/// Longest time for a server to look for GTIDs in its binary log: it reads the file from its beginning.
const SEARCH: Duration = Duration::from_mins(2);

impl Dump {
    /// Starts a new binary log if the source does not report the GTIDs at its position: an event larger than
    /// `max_allowed_packet` in the file prevents it, and `mariadb-dump` asks the same and crashes without an answer
    /// (seen on 10.11.19).
    pub(in crate::kinds::copy) async fn make_ready(&self, cx: &Ctx<'_>) -> Result<()> {
        let dialect = dialect(cx.world, &self.server);
        if !dialect.is_mariadb() {
            return Ok(()); // its GTIDs stand in the file itself
        }
        let session = cx.fx.sql(&self.server).await?;
        let place = binlog_position(&session, dialect).await?;
        let Some(question) = dialect.gtid_at(&place.file, &place.offset) else { return Ok(()) };
        if session.query(&question, SEARCH).await?.value().is_none() {
            session.query(dialect.new_binlog(), LOOK).await?;
            cx.progress
                .note("started a new binary log: the server cannot report the GTID set at its position in the old one");
        }
        Ok(())
    }

    /// What [`Dump::make_ready`] does.
    pub(in crate::kinds::copy) fn ready_actions(&self, dialect: Dialect) -> Vec<Action> {
        let late = |name: &str| marker::late(&format!("its log's {name}"));
        let Some(question) = dialect.gtid_at(late("file"), late("offset")) else { return Vec::new() };
        let here = On(&self.server);
        vec![
            here.sql(dialect.binlog_position()),
            here.sql(&question),
            Action::note("if the server returns NULL, which makes the dump program crash:"),
            here.sql(dialect.new_binlog()),
        ]
    }

    /// One line that makes every sequence of `databases`, where several databases may refer to each other's: a table is
    /// made with the sequence that it takes its numbers from, and the dump program goes through one database after the
    /// other. It replaces them with the real ones. `None` for a family without sequences.
    pub(in crate::kinds::copy) async fn sequences(&self, cx: &Ctx<'_>, databases: &[String]) -> Result<Option<String>> {
        let dialect = dialect(cx.world, &self.server);
        let Some(question) = dialect.sequences(databases) else { return Ok(None) };
        let rows = cx.fx.sql(&self.server).await?.query(&question, LOOK).await?;
        let mut made = BTreeSet::new();
        let mut statements = Vec::new();
        for row in rows.iter().filter(|_| databases.len() > 1) {
            let text = |column: &str| row.get(column).unwrap_or_default();
            let database = text("in_database");
            if made.insert(database) {
                statements.push(dialect.create_database(database, text("charset"), text("collation")));
            }
            statements.push(dialect.create_sequence(database, text("name")));
        }
        statements.iter().map(in_script).collect::<Result<String>>().map(Some)
    }

    /// The same where a plan shows it.
    pub(in crate::kinds::copy) fn sequences_planned(&self, dialect: Dialect) -> Option<String> {
        let asked = dialect.sequences(&self.databases);
        asked.map(|_| marker::late("each sequence, empty, for tables of other databases that use it"))
    }
}

/// A statement in a file for a client program, whose sessions read backslashes as servers do unless they are told otherwise.
fn in_script(statement: &Sql) -> Result<String> {
    let text = statement.text().for_session(Backslash::Escapes, &())?;
    Ok(format!("{}; ", text.expose_secret()))
}
