//! The part of a statement's answer that is kept while it arrives, row by row.

use super::error::SqlError;
use super::rows::Rows;
use mysql_async::Value;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// The most that is held of an answer that a caller wants whole, in bytes. The tables of a server with 100,000 of them,
/// by their names and sizes, take a third of it.
pub(super) const LARGEST_ANSWER: usize = 16 << 20;
/// The largest value that is kept where only the first one is wanted, in bytes. As much as is kept of what a program
/// prints.
pub(super) const LARGEST_VALUE: usize = 64 << 10;
/// The rows of a cursor come in lots of this size, in bytes: a channel's cost is then shared by many rows.
const LOT: usize = 64 << 10;

/// Which rows the caller wants.
pub(super) enum Wanted {
    /// None of them.
    Nothing,
    /// The first value, up to [`LARGEST_VALUE`].
    First,
    /// All of them, up to [`LARGEST_ANSWER`].
    All,
    /// All of them, lot after lot. The statement waits while the caller is slow.
    Lots(mpsc::Sender<Rows>),
}

/// Takes the rows in.
pub(super) struct Gather {
    wanted: Wanted,
    rows: Rows,
    value: Option<String>,
    seen: bool,
    too_large: Option<SqlError>,
    /// Nothing more is wanted: set here when an answer grows too large, and by the line when the statement is ended.
    enough: CancellationToken,
}

/// The kept part of a statement's answer.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// The rows, where all were wanted.
    pub rows: Rows,
    /// The first value, where that was wanted.
    pub value: Option<String>,
    /// How many rows the statement changed.
    pub changed: u64,
    /// Whether it brings back rows at all.
    pub has_rows: bool,
}

impl Gather {
    pub fn new(wanted: Wanted, enough: CancellationToken) -> Self {
        Self { wanted, rows: Rows::default(), value: None, seen: false, too_large: None, enough }
    }

    /// Rows of these columns come next.
    pub fn begin(&mut self, columns: Arc<[String]>) {
        self.rows = Rows::of(columns);
    }

    /// The next row.
    pub async fn take(&mut self, values: Vec<Value>) {
        if self.enough.is_cancelled() {
            return;
        }
        match &self.wanted {
            Wanted::Nothing => {}
            Wanted::First => self.take_first(values),
            Wanted::All => {
                self.push(values);
                if self.rows.size() > LARGEST_ANSWER {
                    self.rows = Rows::default();
                    self.too_large = Some(SqlError::answer_too_large());
                    self.enough.cancel();
                }
            }
            Wanted::Lots(_) => {
                self.push(values);
                if self.rows.size() >= LOT {
                    self.hand_over().await;
                }
            }
        }
    }

    fn push(&mut self, values: Vec<Value>) {
        self.rows.push(values.into_iter().map(text));
    }

    fn take_first(&mut self, values: Vec<Value>) {
        if std::mem::replace(&mut self.seen, true) {
            return;
        }
        match values.into_iter().next().and_then(text) {
            // the statement continues to its end, so that the state afterwards is known
            Some(value) if value.len() > LARGEST_VALUE => {
                self.too_large = Some(SqlError::value_too_large());
            }
            value => self.value = value,
        }
    }

    async fn hand_over(&mut self) {
        let Wanted::Lots(caller) = &self.wanted else { return };
        let next = Rows::of(self.rows.columns.clone());
        let lot = std::mem::replace(&mut self.rows, next);
        tokio::select! {
            () = self.enough.cancelled() => {}
            _ = caller.send(lot) => {} // a caller that is gone has the statement ended by the line
        }
    }

    /// There are no more.
    ///
    /// # Errors
    /// When the answer was larger than the limit.
    pub async fn end(mut self, changed: u64, has_rows: bool) -> Result<Answer, SqlError> {
        if matches!(self.wanted, Wanted::Lots(_)) && !self.rows.is_empty() && !self.enough.is_cancelled() {
            self.hand_over().await;
        }
        match self.too_large {
            Some(error) => Err(error),
            None => Ok(Answer { rows: self.rows, value: self.value, changed, has_rows }),
        }
    }
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::NULL => None,
        Value::Bytes(bytes) => {
            Some(String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()))
        }
        other => Some(other.as_sql(true)), // does not occur in the text protocol
    }
}
