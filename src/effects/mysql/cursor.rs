//! Rows one after the other, for answers that grow with the user's data: however many there are, few are held.

use super::error::SqlError;
use super::gather::Answer;
use super::rows::{Row, Rows};
use crate::domain::Sql;
use crate::error::Result;
use tokio::sync::{mpsc, oneshot};

/// How many lots wait for a caller before the statement itself does.
pub(super) const LOTS: usize = 4;

/// The rows of one statement, as they come in. Dropping it ends the statement on the server.
///
/// Time in which the caller does not ask for rows counts against the statement's limit.
pub struct Cursor {
    pub(super) server: String,
    /// The statement.
    pub(super) sql: Sql,
    pub(super) lots: mpsc::Receiver<Rows>,
    pub(super) ended: Option<oneshot::Receiver<Result<Answer, SqlError>>>,
    pub(super) lot: Rows,
    /// How many rows of `lot` were given out.
    pub(super) given: usize,
}

impl Cursor {
    /// The next row; `None` when the statement has ended and every row was given out.
    ///
    /// # Errors
    /// As for [`Session::query`](super::Session::query), also after some rows: those were right, and not all.
    pub async fn next(&mut self) -> Result<Option<Row<'_>>> {
        while self.given >= self.lot.len() {
            match self.lots.recv().await {
                Some(lot) => (self.lot, self.given) = (lot, 0),
                None => return self.end().await.map(|()| None),
            }
        }
        self.given += 1;
        Ok(self.lot.row(self.given - 1))
    }

    /// How the statement ended.
    async fn end(&mut self) -> Result<()> {
        let Some(ended) = self.ended.take() else { return Ok(()) };
        let ended = ended.await.unwrap_or_else(|_| Err(SqlError::closed()));
        ended.map(drop).map_err(|error| error.failure(&self.server, &self.sql))
    }
}
