//! The caller's end of a connection.

use super::super::{Activity, Secrets};
use super::connect::Login;
use super::cursor::{Cursor, LOTS};
use super::error::SqlError;
use super::gather::{Answer, Wanted};
use super::line::{BYE, ENDING, Line, Request, State};
use super::rows::Rows;
use super::settings::INIT;
use crate::domain::{Action, Permits, Sql};
use crate::error::Result;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Longest time for [`INIT`].
const INIT_LIMIT: Duration = Duration::from_secs(10);

/// One SQL connection. Statements run one after the other, in the order they were asked for.
///
/// After its limit a statement is ended with `KILL QUERY`, and in the same way when the caller goes away. The caller
/// has an answer 11 seconds after the limit at the latest, also when the server is frozen.
#[derive(Clone)]
pub struct Session {
    server: String,
    id: u64,
    state: Arc<State>,
    requests: mpsc::UnboundedSender<Request>,
    task: AbortHandle,
    /// Cancelled when the work that uses it here is given up.
    end: CancellationToken,
    /// What that work may send.
    permits: Option<Arc<Permits>>,
}

impl Session {
    /// Connects, logs in and runs [`INIT`].
    ///
    /// # Errors
    /// Transient when the server cannot be reached, permanent when it refuses the login.
    pub async fn open(login: Login, secrets: Arc<Secrets>) -> Result<Self> {
        let conn = login.connect(&secrets).await?;
        let (requests, inbox) = mpsc::unbounded_channel();
        let state = Arc::new(State::new());
        let (server, id) = (login.server.clone(), u64::from(conn.id()));
        let task = tokio::spawn(Line::new(conn, login, secrets, state.clone()).serve(inbox)).abort_handle();
        let session = Self::served(server, id, state, requests, task);
        session.exec(INIT, INIT_LIMIT).await?;
        Ok(session)
    }

    /// A session whose requests another task serves.
    pub(super) fn served(
        server: String,
        id: u64,
        state: Arc<State>,
        requests: mpsc::UnboundedSender<Request>,
        task: AbortHandle,
    ) -> Self {
        Self { server, id, state, requests, task, end: CancellationToken::new(), permits: None }
    }

    /// The same connection for a piece of work: its statements are ended when it is given up, and only what it states can
    /// be sent.
    #[must_use]
    pub(in crate::effects) fn within(&self, work: &Activity) -> Self {
        Self { end: work.end.clone(), permits: work.permits.clone(), ..self.clone() }
    }

    /// The server's id of this connection.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The server's name in the inventory.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.server
    }

    /// Whether the connection was there when it was last used, and has not been closed.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.state.alive.load(Ordering::Acquire) && !self.task.is_finished()
    }

    /// Whether the connection was given up while a statement of it may still be running on the server: the connection
    /// broke or was closed in the middle of it, or the statement could not be ended. Its id there is [`Session::id`].
    #[must_use]
    pub fn left_running(&self) -> bool {
        !self.is_alive() && self.state.running.load(Ordering::Acquire)
    }

    /// Runs one statement and returns its rows, for answers of a known size.
    ///
    /// # Errors
    /// Transient when the time was over, the connection was lost or a lock was in the way; permanent otherwise, also
    /// when the rows take more than 16 MiB: the statement is ended then.
    pub async fn query(&self, sql: impl Into<Sql>, limit: Duration) -> Result<Rows> {
        let sql = sql.into();
        let answer = self.ask(&sql, limit, Wanted::All).await;
        answer.map(|answer| answer.rows).map_err(|error| error.failure(&self.server, &sql))
    }

    /// Runs one statement and returns how many rows it changed. Rows that it brings back are read and not kept.
    ///
    /// # Errors
    /// As for [`Session::query`], but the rows may be any number.
    pub async fn exec(&self, sql: impl Into<Sql>, limit: Duration) -> Result<u64> {
        let sql = sql.into();
        let answer = self.ask(&sql, limit, Wanted::Nothing).await;
        answer.map(|answer| answer.changed).map_err(|error| error.failure(&self.server, &sql))
    }

    /// Runs one statement to its end and returns the first column of its first row; `None` when there is no row or the
    /// value is NULL. Nothing else is kept, however many rows there are.
    ///
    /// # Errors
    /// As for [`Session::query`]; and permanent when the value is larger than 64 KiB, after the
    /// statement has run to its end.
    pub async fn first_value(&self, sql: impl Into<Sql>, limit: Duration) -> Result<Option<String>> {
        let sql = sql.into();
        let answer = self.ask(&sql, limit, Wanted::First).await;
        answer.map(|answer| answer.value).map_err(|error| error.failure(&self.server, &sql))
    }

    /// Runs one statement and returns its rows one by one, for answers that grow with the user's data.
    #[must_use]
    pub fn rows(&self, sql: impl Into<Sql>, limit: Duration) -> Cursor {
        let sql = sql.into();
        let (lots, coming) = mpsc::channel(LOTS);
        let (answer, ended) = oneshot::channel();
        // when the task is gone, the answer's sender goes with the request, and the cursor reports it
        let (wanted, end) = (Wanted::Lots(lots), self.end.clone());
        let _ = match self.planned(&sql) {
            Ok(()) => self.requests.send(Request::Run { sql: sql.clone(), limit, wanted, end, answer }).is_ok(),
            Err(refused) => answer.send(Err(refused)).is_ok(),
        };
        tracing::debug!(server = self.server, id = self.id, "row by row: {sql}");
        Cursor { server: self.server.clone(), sql, lots: coming, ended: Some(ended), lot: Rows::default(), given: 0 }
    }

    /// As [`Session::query`], for callers that decide by the server's error number.
    ///
    /// # Errors
    /// The answer of the server, or that there was none.
    pub async fn try_query(&self, sql: impl Into<Sql>, limit: Duration) -> Result<Rows, SqlError> {
        self.ask(&sql.into(), limit, Wanted::All).await.map(|answer| answer.rows)
    }

    /// A statement that is not in the plan is not sent.
    fn planned(&self, sql: &Sql) -> Result<(), SqlError> {
        let Some(permits) = &self.permits else { return Ok(()) };
        let asked = Action::Sql { server: self.server.clone(), statement: sql.clone() };
        if permits.admits(&asked) { Ok(()) } else { Err(SqlError::unplanned()) }
    }

    async fn ask(&self, sql: &Sql, limit: Duration, wanted: Wanted) -> Result<Answer, SqlError> {
        self.planned(sql)?;
        let (answer, answered) = oneshot::channel();
        let begin = Instant::now();
        let request = Request::Run { sql: sql.clone(), limit, wanted, end: self.end.clone(), answer };
        self.requests.send(request).map_err(|_| SqlError::closed())?;
        let answer = answered.await.unwrap_or_else(|_| Err(SqlError::closed()));
        // as people read it: nothing secret goes to the log
        tracing::debug!(server = self.server, id = self.id, took = ?begin.elapsed(), failed = answer.is_err(), "{sql}");
        answer
    }

    /// Ends what still runs on the connection, logs out and closes it. Takes 13 seconds at the longest, and 2 when no
    /// statement runs.
    pub async fn close(&self) {
        self.state.alive.store(false, Ordering::Release);
        self.state.closing.cancel();
        let limit = if self.state.running.load(Ordering::Acquire) { ENDING + BYE } else { BYE };
        let (done, closed) = oneshot::channel();
        if self.requests.send(Request::Close(done)).is_ok() && timeout(limit, closed).await.is_err() {
            self.task.abort();
        }
    }

    /// Closes the connection at once, even in the middle of a statement.
    pub fn hang_up(&self) {
        self.state.alive.store(false, Ordering::Release);
        self.task.abort();
    }
}
