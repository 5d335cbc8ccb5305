//! The outbox: messages for webhooks, one for each cause, and their delivery state.
//!
//! Messages are made from the journal. Origin, number and webhook identify a message, so it is added only once however often
//! that is tried. An attempt is recorded before it is made, so that no two processes make it at once.

use super::database::{Row, values};
use super::store::Store;
use super::trouble::Trouble;
use crate::error::Result;
use serde::Serialize;

/// A message in the outbox. Times are milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Letter {
    /// Its origin: a run's id, or `schedule NAME`.
    pub origin: String,
    /// Number of the journal entry that causes it; for a schedule the time that was due.
    pub seq: i64,
    /// Name of the webhook.
    pub webhook: String,
    /// What it is about: `waiting`, `failed` ...
    pub occasion: String,
    /// When its event happened.
    pub at: i64,
    /// The message, as JSON.
    #[serde(skip)]
    pub message: String,
    /// Its destination, as JSON: secrets by reference.
    #[serde(skip)]
    pub target: String,
    /// How often it was tried.
    pub tries: u32,
    /// When it is tried next.
    pub due: i64,
    /// When it was sent.
    pub sent: Option<i64>,
    /// The error of the last attempt.
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

    fn read(row: &mut Row) -> Result<Self, Trouble> {
        Ok(Self {
            origin: row.take(0)?,
            seq: row.take(1)?,
            webhook: row.take(2)?,
            occasion: row.take(3)?,
            at: row.take(4)?,
            message: row.take(5)?,
            target: row.take(6)?,
            tries: row.take(7)?,
            due: row.take(8)?,
            sent: row.take(9)?,
            error: row.take(10)?,
        })
    }
}

const COLUMNS: &str = "origin, seq, webhook, occasion, at, message, target, tries, due, sent, error";

impl Store {
    /// Records that events of `run` may cause notifications.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn follow(&self, run: &str) -> Result<()> {
        let insert = "INSERT INTO outbox_run (run, seq) VALUES ($1, 0) ON CONFLICT (run) DO NOTHING";
        self.write(|session| session.change(insert, values![run]).map(drop))
            .map_err(|trouble| self.failed("record the run for notifications", trouble))
    }

    /// Runs with notifications that have unprocessed entries, each with its last processed entry.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn untold(&self) -> Result<Vec<(String, u32)>> {
        let select = "SELECT run, seq FROM outbox_run WHERE
            EXISTS (SELECT 1 FROM event WHERE event.run = outbox_run.run AND event.seq > outbox_run.seq)";
        let untold = self.read(|session| {
            let rows = session.rows(select, &[])?;
            rows.into_iter().map(|mut row| Ok((row.take(0)?, row.take(1)?))).collect()
        });
        untold.map_err(|trouble| self.failed("find new notifications", trouble))
    }

    /// Adds `letters`, and records that the entries of `run` up to `seq` are processed; all of it or nothing. Letters that
    /// exist already are not changed.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn post(&self, run: Option<(&str, u32)>, letters: &[Letter]) -> Result<()> {
        let insert = format!(
            "INSERT INTO outbox ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
             ON CONFLICT (origin, seq, webhook) DO NOTHING"
        );
        let put = self.write(|session| {
            for Letter { origin, seq, webhook, occasion, at, message, target, tries, due, sent, error } in letters {
                let error = error.as_deref();
                let values = values![origin, *seq, webhook, occasion, *at, message, target, *tries, *due, *sent, error];
                session.change(&insert, values)?;
            }
            if let Some((run, seq)) = run {
                session.change("UPDATE outbox_run SET seq = $2 WHERE run = $1 AND seq < $2", values![run, seq])?;
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
        let of_one = if origin.is_some() { "origin = $1" } else { "CAST($1 AS TEXT) IS NULL" };
        let unsent = if unsent { " AND sent IS NULL" } else { "" };
        let select = format!("SELECT {COLUMNS} FROM outbox WHERE {of_one}{unsent} ORDER BY at, origin, seq");
        let letters =
            self.read(|session| session.rows(&select, values![origin])?.iter_mut().map(Letter::read).collect());
        letters.map_err(|trouble| self.failed("read the outbox", trouble))
    }

    /// How many messages are not sent yet.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn outbox_depth(&self) -> Result<usize> {
        let select = "SELECT count(*) FROM outbox WHERE sent IS NULL";
        let depth = self.read(|session| session.row(select, &[])?.map(|mut row| row.take::<u64>(0)).transpose());
        let depth = depth.map_err(|trouble| self.failed("read the outbox", trouble))?;
        Ok(usize::try_from(depth.unwrap_or_default()).unwrap_or(usize::MAX))
    }

    /// Reserves a message for one attempt, until `until`. `None` when it is sent, or reserved by another process.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn take(&self, letter: &Letter, now: i64, until: i64) -> Result<Option<u32>> {
        let update = "UPDATE outbox SET tries = tries + 1, held = $5
            WHERE origin = $1 AND seq = $2 AND webhook = $3 AND sent IS NULL AND held <= $4 RETURNING tries";
        let Letter { origin, seq, webhook, .. } = letter;
        let taken = self.write(|session| {
            let row = session.row(update, values![origin, *seq, webhook, now, until])?;
            row.map(|mut row| row.take(0)).transpose()
        });
        taken.map_err(|trouble| self.failed("take a message from the outbox", trouble))
    }

    /// Records the result of an attempt: sent at `now`, or to be tried again at the given time.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn put_back(&self, letter: &Letter, now: i64, failed: Option<(&str, i64)>) -> Result<()> {
        let update = "UPDATE outbox SET held = 0, sent = $4, error = $5, due = $6
            WHERE origin = $1 AND seq = $2 AND webhook = $3";
        let Letter { origin, seq, webhook, due, .. } = letter;
        let (sent, error, due) = match failed {
            None => (Some(now), None, *due),
            Some((error, due)) => (None, Some(error), due),
        };
        self.write(|session| session.change(update, values![origin, *seq, webhook, sent, error, due]).map(drop))
            .map_err(|trouble| self.failed("record the delivery of a message", trouble))
    }
}
