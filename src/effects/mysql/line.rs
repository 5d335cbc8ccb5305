//! The task's end of a session: it holds the connection, and sees every statement to its end.

use super::super::Secrets;
use super::connect::{LARGEST_PACKET, Login};
use super::error::{INTERRUPTED, SqlError};
use super::gather::{Answer, Gather, Wanted};
use super::settings::{AFTER_END, end_statement};
use crate::domain::{Backslash, Sql};
use mysql_async::Conn;
use mysql_async::consts::StatusFlags;
use mysql_async::prelude::Queryable;
use secrecy::ExposeSecret;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// Longest time for a statement to end after its KILL, and again for the statements sent after that.
const GRACE: Duration = Duration::from_secs(5);
/// The statement itself is waited for a little longer than the request to end it.
const LAST: Duration = Duration::from_secs(1);
/// Longest time for a connection to be closed politely.
pub(super) const BYE: Duration = Duration::from_secs(2);
/// Longest time from the moment at which a statement is to end until its connection is of use again or given up:
/// a caller has its answer by then, also of a server that is frozen.
pub(super) const ENDING: Duration = Duration::from_secs(2 * GRACE.as_secs() + LAST.as_secs());

pub(super) enum Request {
    Run {
        sql: Sql,
        limit: Duration,
        wanted: Wanted,
        /// Cancelled when the work behind it is given up: the statement is ended then.
        end: CancellationToken,
        answer: oneshot::Sender<Result<Answer, SqlError>>,
    },
    Close(oneshot::Sender<()>),
}

/// State shared by both ends of a session.
#[derive(Debug)]
pub(super) struct State {
    /// Whether the connection was there when it was last used, and has not been closed.
    pub alive: AtomicBool,
    /// Whether a statement was sent whose end has not been seen.
    pub running: AtomicBool,
    /// The session is being closed: a running statement is ended.
    pub closing: CancellationToken,
}

impl State {
    pub fn new() -> Self {
        Self { alive: true.into(), running: false.into(), closing: CancellationToken::new() }
    }
}

pub(super) struct Line {
    conn: Held,
    login: Login,
    secrets: Arc<Secrets>,
    /// What a backslash means in the session's `sql_mode`, as the server last reported.
    backslash: Backslash,
    state: Arc<State>,
}

impl Line {
    pub fn new(conn: Conn, login: Login, secrets: Arc<Secrets>, state: Arc<State>) -> Self {
        let backslash = meaning_of_backslash(&conn).unwrap_or(Backslash::Escapes);
        Self { conn: Held { conn: Some(conn), state: state.clone() }, login, secrets, backslash, state }
    }

    pub async fn serve(mut self, mut inbox: mpsc::UnboundedReceiver<Request>) {
        while let Some(request) = inbox.recv().await {
            match request {
                Request::Run { sql, limit, wanted, end, mut answer } => {
                    if answer.is_closed() || self.state.closing.is_cancelled() {
                        continue; // nobody waits for it any more, and it has not begun
                    }
                    if end.is_cancelled() {
                        let _ = answer.send(Err(SqlError::given_up()));
                        continue;
                    }
                    let result = self.run(&sql, (limit, end), wanted, &mut answer).await;
                    let lost = result.as_ref().is_err_and(|error| error.lost);
                    let unfinished = result.as_ref().is_err_and(|error| error.unfinished);
                    self.state.running.store(unfinished, Ordering::Release);
                    if lost {
                        self.state.alive.store(false, Ordering::Release);
                    }
                    let _ = answer.send(result);
                    if lost {
                        return;
                    }
                }
                Request::Close(done) => {
                    self.conn.log_out().await;
                    let _ = done.send(());
                    return;
                }
            }
        }
        self.conn.log_out().await;
    }

    async fn run(
        &mut self,
        sql: &Sql,
        (limit, end): (Duration, CancellationToken),
        wanted: Wanted,
        caller: &mut oneshot::Sender<Result<Answer, SqlError>>,
    ) -> Result<Answer, SqlError> {
        let text = sql.text().for_session(self.backslash, &*self.secrets);
        let text = text.map_err(|failure| SqlError::unsent(failure.to_string()))?;
        if text.expose_secret().len() >= LARGEST_PACKET {
            return Err(SqlError::statement_too_large());
        }
        let conn = self.conn.get()?;
        let (id, enough) = (conn.id(), CancellationToken::new());
        self.state.running.store(true, Ordering::Release);
        let came = {
            let mut statement = pin!(perform(conn, text.expose_secret(), Gather::new(wanted, enough.clone())));
            let reason = tokio::select! {
                biased;
                result = &mut statement => Err(result),
                () = caller.closed() => Ok(SqlError::overdue(limit)),
                () = self.state.closing.cancelled() => Ok(SqlError::overdue(limit)),
                () = end.cancelled() => Ok(SqlError::given_up()),
                () = enough.cancelled() => Ok(SqlError::answer_too_large()),
                () = sleep(limit) => Ok(SqlError::overdue(limit)),
            };
            match reason {
                Err(result) => Err(result),
                Ok(reason) => {
                    enough.cancel();
                    let kill = timeout(GRACE, kill(&self.login, &self.secrets, id));
                    Ok((reason, tokio::join!(kill, timeout(GRACE + LAST, statement)).1))
                }
            }
        };
        let (reason, result) = match came {
            Err(by_itself) => return self.settled(sql, by_itself),
            Ok((reason, Err(_))) => return Err(reason.not_ended()),
            Ok((reason, Ok(result))) => (reason, result),
        };
        self.swallow_late_kill().await?;
        match result {
            // No rows to come: the server has done the statement to its end, so that is what to report.
            Ok(Ok(answer)) if !answer.has_rows => self.settled(sql, Ok(Ok(answer))),
            Ok(_) => Err(reason),
            Err(mysql_async::Error::Server(error)) if error.code == INTERRUPTED => Err(reason),
            Err(error) => self.settled(sql, Err(error)),
        }
    }

    /// Result of a statement that was not ended by us.
    fn settled(&mut self, sql: &Sql, result: Performed) -> Result<Answer, SqlError> {
        if let Some(now) = self.conn.conn.as_ref().and_then(meaning_of_backslash) {
            self.backslash = now;
        }
        result.map_err(|error| SqlError::of(&error, sql, &self.secrets))?
    }

    /// Lets a late end of the last statement hit [`AFTER_END`].
    async fn swallow_late_kill(&mut self) -> Result<(), SqlError> {
        match timeout(GRACE, self.conn.get()?.query_drop(AFTER_END)).await {
            Ok(Ok(()) | Err(mysql_async::Error::Server(_))) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(SqlError {
                unfinished: false,
                ..SqlError::broken("the connection was lost after its statement was ended")
            }),
        }
    }
}

/// Result of a statement: the driver's error, or the gathered answer.
type Performed = mysql_async::Result<Result<Answer, SqlError>>;

/// Runs one statement over the text protocol, so that the server's general log shows the very text. Every row is read,
/// whether it is wanted or not: a connection with unread rows is of no further use.
async fn perform(conn: &mut Conn, sql: &str, mut gather: Gather) -> Performed {
    let mut result = conn.query_iter(sql).await?;
    let columns: Arc<[String]> = result.columns_ref().iter().map(|column| column.name_str().into_owned()).collect();
    let has_rows = !columns.is_empty();
    gather.begin(columns);
    while has_rows && let Some(row) = result.next().await? {
        gather.take(row.unwrap()).await;
    }
    let changed = result.affected_rows();
    result.drop_result().await?;
    Ok(gather.end(changed, has_rows).await)
}

/// As the server last reported; `None` after an error, which does not report it.
fn meaning_of_backslash(conn: &Conn) -> Option<Backslash> {
    let plain = conn.last_ok_packet()?.status_flags().contains(StatusFlags::SERVER_STATUS_NO_BACKSLASH_ESCAPES);
    Some(if plain { Backslash::Plain } else { Backslash::Escapes })
}

/// Ends the statement that connection `id` runs.
async fn kill(login: &Login, secrets: &Secrets, id: u32) {
    let Ok(mut conn) = login.connect(secrets).await else { return };
    let _ = conn.query_drop(end_statement(id).to_string()).await;
    let _ = timeout(BYE, conn.disconnect()).await;
}

/// A connection that is closed at once when it is dropped in the middle of a statement.
struct Held {
    conn: Option<Conn>,
    state: Arc<State>,
}

impl Held {
    fn get(&mut self) -> Result<&mut Conn, SqlError> {
        self.conn.as_mut().ok_or_else(SqlError::closed)
    }

    async fn log_out(&mut self) {
        if let Some(conn) = self.conn.take() {
            let _ = timeout(BYE, conn.disconnect()).await;
        }
    }
}

impl Drop for Held {
    /// A `Conn` that is dropped within the runtime first reads all rows that are still to come, in the background and
    /// without a limit. Outside of it the socket is closed at once.
    fn drop(&mut self) {
        if let Some(conn) = self.conn.take()
            && self.state.running.load(Ordering::Acquire)
        {
            let _ = std::thread::Builder::new().name("hang up".into()).spawn(move || drop(conn));
        }
    }
}
