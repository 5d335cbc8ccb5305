//! The outbox: messages for webhooks, each once for what caused it, and what has become of them.
//!
//! What is to be said follows from the journal, so a message is put here exactly once by its origin, number and webhook,
//! however often that is tried. An attempt is written down before it is made, so that no two processes make it at once.

use super::sqlite::Sqlite;
use crate::error::Result;
use rusqlite::{OptionalExtension, Row, ToSql, params};
use serde::Serialize;

/// What adds the outbox to a journal.
pub(super) const SCHEMA: &str = "
    CREATE TABLE outbox (
        origin TEXT NOT NULL, seq INTEGER NOT NULL, webhook TEXT NOT NULL, occasion TEXT NOT NULL, at INTEGER NOT NULL,
        message TEXT NOT NULL, target TEXT NOT NULL, tries INTEGER NOT NULL DEFAULT 0, due INTEGER NOT NULL,
        held INTEGER NOT NULL DEFAULT 0, sent INTEGER, error TEXT, PRIMARY KEY (origin, seq, webhook)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX outbox_unsent ON outbox (at) WHERE sent IS NULL;
    CREATE TABLE outbox_run (run TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;";

/// A message in the outbox. Times are milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Letter {
    /// What it comes from: a run's id, or `schedule NAME`.
    pub origin: String,
    /// Number of the journal entry that causes it; for a schedule the time that was due.
    pub seq: i64,
    /// Name of the webhook.
    pub webhook: String,
    /// What it is about: `waiting`, `failed` ...
    pub occasion: String,
    /// When what it is about happened.
    pub at: i64,
    /// The message, as JSON.
    #[serde(skip)]
    pub message: String,
    /// Where it goes, as JSON: secrets by reference.
    #[serde(skip)]
    pub target: String,
    /// How often it was tried.
    pub tries: u32,
    /// When it is tried next.
    pub due: i64,
    /// When it was sent.
    pub sent: Option<i64>,
    /// What the last attempt met with.
    pub error: Option<String>,
}

impl Letter {
    /// A message that was never tried.
    #[must_use]
    pub fn new(origin: &str, seq: i64, webhook: &str, occasion: &str, at: i64) -> Self {
        let (origin, webhook, occasion) = (origin.to_owned(), webhook.to_owned(), occasion.to_owned());
        let (message, target, tries, due) = (String::new(), String::new(), 0, at);
        Self { origin, seq, webhook, occasion, at, message, target, tries, due, sent: None, error: None }
    }

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            origin: row.get(0)?,
            seq: row.get(1)?,
            webhook: row.get(2)?,
            occasion: row.get(3)?,
            at: row.get(4)?,
            message: row.get(5)?,
            target: row.get(6)?,
            tries: row.get(7)?,
            due: row.get(8)?,
            sent: row.get(9)?,
            error: row.get(10)?,
        })
    }
}

const COLUMNS: &str = "origin, seq, webhook, occasion, at, message, target, tries, due, sent, error";

impl Sqlite {
    /// Makes known that what happens in `run` may have to be told to somebody.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn follow(&self, run: &str) -> Result<()> {
        let insert = "INSERT OR IGNORE INTO outbox_run (run, seq) VALUES (?1, 0)";
        self.write(|tx| Ok(tx.execute(insert, [run]).map(drop)?))
            .map_err(|trouble| self.failed("note whom to tell", trouble))
    }

    /// Runs that are watched and have entries of which nothing was told yet, each with the last entry that was.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn untold(&self) -> Result<Vec<(String, u32)>> {
        let select = "SELECT run, seq FROM outbox_run WHERE
            EXISTS (SELECT 1 FROM event WHERE event.run = outbox_run.run AND event.seq > outbox_run.seq)";
        let untold = self.read(|connection| {
            let mut select = connection.prepare_cached(select)?;
            let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<rusqlite::Result<Vec<_>>>()?)
        });
        untold.map_err(|trouble| self.failed("see what is to be told", trouble))
    }

    /// Puts `letters` in, and notes that the entries of `run` up to `seq` are told; all of it or nothing. Letters that
    /// are there already are left as they are.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn post(&self, run: Option<(&str, u32)>, letters: &[Letter]) -> Result<()> {
        let insert = format!("INSERT OR IGNORE INTO outbox ({COLUMNS}) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11)");
        let put = self.write(|tx| {
            for Letter { origin, seq, webhook, occasion, at, message, target, tries, due, sent, error } in letters {
                let values: [&dyn ToSql; 11] =
                    [origin, seq, webhook, occasion, at, message, target, tries, due, sent, error];
                tx.execute(&insert, &values[..])?;
            }
            if let Some((run, seq)) = run {
                tx.execute("UPDATE outbox_run SET seq = ?2 WHERE run = ?1 AND seq < ?2", params![run, seq])?;
            }
            Ok(())
        });
        put.map_err(|trouble| self.failed("put messages into the outbox", trouble))
    }

    /// All messages, or those that are not sent, the oldest first; of one origin, or of all.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn letters(&self, origin: Option<&str>, unsent: bool) -> Result<Vec<Letter>> {
        let unsent = if unsent { " AND sent IS NULL" } else { "" };
        let select =
            format!("SELECT {COLUMNS} FROM outbox WHERE (?1 IS NULL OR origin = ?1){unsent} ORDER BY at, origin, seq");
        let letters = self.read(|connection| {
            let mut select = connection.prepare_cached(&select)?;
            let rows = select.query_map([origin], Letter::read)?;
            Ok(rows.collect::<rusqlite::Result<Vec<_>>>()?)
        });
        letters.map_err(|trouble| self.failed("read the outbox", trouble))
    }

    /// How many messages are not sent yet.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn outbox_depth(&self) -> Result<usize> {
        let select = "SELECT count(*) FROM outbox WHERE sent IS NULL";
        let count = |row: &Row<'_>| row.get::<_, i64>(0);
        let depth = self.read(|connection| Ok(connection.query_row(select, [], count)?));
        let depth = depth.map_err(|trouble| self.failed("read the outbox", trouble))?;
        Ok(usize::try_from(depth).unwrap_or(0))
    }

    /// Takes a message for one attempt: until `until` nobody else gets it. `None` when it is sent, or somebody has it.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn take(&self, letter: &Letter, now: i64, until: i64) -> Result<Option<u32>> {
        let update = "UPDATE outbox SET tries = tries + 1, held = ?5
            WHERE origin = ?1 AND seq = ?2 AND webhook = ?3 AND sent IS NULL AND held <= ?4 RETURNING tries";
        let Letter { origin, seq, webhook, .. } = letter;
        let taken = self.write(|tx| {
            let values = params![origin, seq, webhook, now, until];
            Ok(tx.query_row(update, values, |row| row.get(0)).optional()?)
        });
        taken.map_err(|trouble| self.failed("take a message from the outbox", trouble))
    }

    /// Notes how an attempt ended: sent at `now`, or not and tried again at the given time.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn put_back(&self, letter: &Letter, now: i64, failed: Option<(&str, i64)>) -> Result<()> {
        let update = "UPDATE outbox SET held = 0, sent = ?4, error = ?5, due = ?6
            WHERE origin = ?1 AND seq = ?2 AND webhook = ?3";
        let Letter { origin, seq, webhook, due, .. } = letter;
        let (sent, error, due) = match failed {
            None => (Some(now), None, *due),
            Some((error, due)) => (None, Some(error), due),
        };
        self.write(|tx| Ok(tx.execute(update, params![origin, seq, webhook, sent, error, due]).map(drop)?))
            .map_err(|trouble| self.failed("note what became of a message", trouble))
    }
}
