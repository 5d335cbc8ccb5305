//! One SQL connection, owned by a task of its own.
//!
//! A statement's future is never dropped half-way, because the driver would then hand its answer to the next
//! statement: callers come and go, the task stays. Only this module holds a `Conn`.

mod connect;
mod error;
mod greeting;
mod rows;

pub use connect::{Login, Tls};
pub use error::SqlError;
pub use greeting::{Greeting, greeting};
pub use rows::{Row, Rows};

use super::Secrets;
use super::secrets::in_sql;
use crate::error::Result;
use error::INTERRUPTED;
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Value};
use secrecy::ExposeSecret;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

/// The one statement that every connection begins with, so that each is the same whatever the server's settings: it
/// may idle, thinks in the machine's own time, as `INNODB_TRX` does, knows backslash escapes, and gives up on locks
/// after 5 s.
pub const INIT: &str = "SET SESSION wait_timeout=28800, time_zone='SYSTEM', sql_mode='', lock_wait_timeout=5, \
                        innodb_lock_wait_timeout=5";
/// Sent after a statement was ended: the end may come late and hit the next one, so that is one that does not matter.
pub const AFTER_END: &str = "DO 0";
/// Longest time for [`INIT`].
const INIT_LIMIT: Duration = Duration::from_secs(10);
/// Longest time for a statement to end once it is to be ended.
const GRACE: Duration = Duration::from_secs(5);
/// Longest time for a connection to be closed politely.
const BYE: Duration = Duration::from_secs(2);

/// One SQL connection. Statements run one after the other, in the order they were asked for.
pub struct Session {
    server: String,
    id: u64,
    alive: Arc<AtomicBool>,
    requests: mpsc::UnboundedSender<Request>,
    task: AbortHandle,
}

/// What a statement brought back: rows, and how many rows it changed.
type Answer = (Rows, u64);

enum Request {
    Run { sql: String, limit: Duration, answer: oneshot::Sender<Result<Answer, SqlError>> },
    Close(oneshot::Sender<()>),
}

impl Session {
    /// Connects, logs in and runs [`INIT`].
    ///
    /// # Errors
    /// Transient when the server cannot be reached, permanent when it refuses the login.
    pub async fn open(login: Login, secrets: Arc<Secrets>) -> Result<Self> {
        let conn = login.connect(&secrets).await?;
        let (requests, inbox) = mpsc::unbounded_channel();
        let alive = Arc::new(AtomicBool::new(true));
        let (server, id) = (login.server.clone(), u64::from(conn.id()));
        let task = tokio::spawn(Line { conn, login, secrets, alive: alive.clone() }.serve(inbox)).abort_handle();
        let session = Self { server, id, alive, requests, task };
        session.exec(INIT, INIT_LIMIT).await?;
        Ok(session)
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
        self.alive.load(Ordering::Acquire) && !self.task.is_finished()
    }

    /// Runs one statement and returns its rows. Secret markers in `sql` are revealed on the way out.
    ///
    /// After `limit` the statement is ended with `KILL QUERY`. It is ended in the same way when the caller goes away.
    ///
    /// # Errors
    /// Transient when the time was over, the connection was lost or a lock was in the way; permanent otherwise.
    pub async fn query(&self, sql: &str, limit: Duration) -> Result<Rows> {
        self.try_query(sql, limit).await.map_err(|error| error.failure(&self.server, sql))
    }

    /// Runs one statement and returns how many rows it changed.
    ///
    /// # Errors
    /// As for [`Session::query`].
    pub async fn exec(&self, sql: &str, limit: Duration) -> Result<u64> {
        let answer = self.ask(sql, limit).await;
        answer.map(|(_, changed)| changed).map_err(|error| error.failure(&self.server, sql))
    }

    /// As [`Session::query`], for callers that decide by the server's error number.
    ///
    /// # Errors
    /// What the server said, or that it did not.
    pub async fn try_query(&self, sql: &str, limit: Duration) -> Result<Rows, SqlError> {
        self.ask(sql, limit).await.map(|(rows, _)| rows)
    }

    async fn ask(&self, sql: &str, limit: Duration) -> Result<Answer, SqlError> {
        let (answer, answered) = oneshot::channel();
        let gone = || SqlError::lost("the connection is closed");
        let begin = Instant::now();
        self.requests.send(Request::Run { sql: sql.to_owned(), limit, answer }).map_err(|_| gone())?;
        let answer = answered.await.unwrap_or_else(|_| Err(gone()));
        // the text still has its markers: nothing secret goes to the log
        tracing::debug!(server = self.server, id = self.id, took = ?begin.elapsed(), failed = answer.is_err(), "{sql}");
        answer
    }

    /// Logs out and closes the connection, after what still runs on it.
    pub async fn close(&self) {
        self.alive.store(false, Ordering::Release);
        let (done, closed) = oneshot::channel();
        if self.requests.send(Request::Close(done)).is_ok() && timeout(BYE, closed).await.is_err() {
            self.task.abort();
        }
    }

    /// Closes the connection at once, in the middle of whatever it is doing.
    pub fn hang_up(&self) {
        self.alive.store(false, Ordering::Release);
        self.task.abort();
    }
}

/// The task's end of a session.
struct Line {
    conn: Conn,
    login: Login,
    secrets: Arc<Secrets>,
    alive: Arc<AtomicBool>,
}

impl Line {
    async fn serve(mut self, mut inbox: mpsc::UnboundedReceiver<Request>) {
        while let Some(request) = inbox.recv().await {
            match request {
                Request::Run { sql, limit, mut answer } => {
                    if answer.is_closed() {
                        continue; // nobody waits for it any more, and it has not begun
                    }
                    let result = self.run(&sql, limit, &mut answer).await;
                    let lost = result.as_ref().is_err_and(|error| error.lost);
                    if lost {
                        self.alive.store(false, Ordering::Release);
                    }
                    let _ = answer.send(result);
                    if lost {
                        return;
                    }
                }
                Request::Close(done) => {
                    let _ = timeout(BYE, self.conn.disconnect()).await;
                    let _ = done.send(());
                    return;
                }
            }
        }
        let _ = timeout(BYE, self.conn.disconnect()).await;
    }

    async fn run(
        &mut self,
        sql: &str,
        limit: Duration,
        caller: &mut oneshot::Sender<Result<Answer, SqlError>>,
    ) -> Result<Answer, SqlError> {
        let text = self.secrets.reveal(sql, in_sql).map_err(|failure| SqlError::unsent(failure.to_string()))?;
        let id = self.conn.id();
        let ended = {
            let mut statement = pin!(perform(&mut self.conn, text.expose_secret()));
            tokio::select! {
                biased;
                result = &mut statement => return result.map_err(|error| SqlError::of(&error, sql, &self.secrets)),
                () = caller.closed() => {}
                () = sleep(limit) => {}
            }
            let kill = timeout(GRACE, kill(&self.login, &self.secrets, id));
            tokio::join!(kill, timeout(GRACE + Duration::from_secs(1), statement)).1
        };
        let Ok(result) = ended else {
            let overdue = SqlError::overdue(limit);
            return Err(SqlError {
                lost: true,
                message: format!("{}, and could not be ended", overdue.message),
                ..overdue
            });
        };
        self.swallow_late_kill().await?;
        match result {
            // No rows to come: the server has done the statement to its end, so that is the truth to tell.
            Ok(answer) if answer.0.columns.is_empty() => Ok(answer),
            Ok(_) => Err(SqlError::overdue(limit)),
            Err(mysql_async::Error::Server(error)) if error.code == INTERRUPTED => Err(SqlError::overdue(limit)),
            Err(error) => Err(SqlError::of(&error, sql, &self.secrets)),
        }
    }

    /// Lets a late end of the last statement hit [`AFTER_END`].
    async fn swallow_late_kill(&mut self) -> Result<(), SqlError> {
        match timeout(GRACE, self.conn.query_drop(AFTER_END)).await {
            Ok(Ok(()) | Err(mysql_async::Error::Server(_))) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(SqlError::lost("the connection was lost while its statement was ended")),
        }
    }
}

/// Runs one statement over the text protocol, so that the server's general log shows the very text.
async fn perform(conn: &mut Conn, sql: &str) -> mysql_async::Result<Answer> {
    let mut result = conn.query_iter(sql).await?;
    let columns: Arc<[String]> = result.columns_ref().iter().map(|column| column.name_str().into_owned()).collect();
    let mut rows = Vec::new();
    result.for_each(|row| rows.push(row.unwrap().into_iter().map(text).collect())).await?;
    let changed = result.affected_rows();
    result.drop_result().await?;
    Ok((Rows { columns, rows }, changed))
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

/// Ends the statement that a connection (digits or a marker) runs. Sent on a connection of its own, without [`INIT`].
#[must_use]
pub fn end_statement(connection: &str) -> String {
    format!("KILL QUERY {connection}")
}

/// Ends the statement that connection `id` runs.
async fn kill(login: &Login, secrets: &Secrets, id: u32) {
    let Ok(mut conn) = login.connect(secrets).await else { return };
    let _ = conn.query_drop(end_statement(&id.to_string())).await;
    let _ = timeout(BYE, conn.disconnect()).await;
}
