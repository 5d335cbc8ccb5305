//! The replication status of a server, read by column name and never by index.

use super::Session;
use super::account_statement::without_statement;
use super::mysql::is_transient;
use crate::dialect::Dialect;
use crate::domain::endpoint::Endpoint;
use crate::error::{Failure, Result};
use crate::playbook::position::Position;
use std::cmp::Ordering;
use std::time::{Duration, Instant};

/// Time for one look at a server.
pub const LOOK: Duration = Duration::from_secs(10);

/// Pause between looks while a position is waited for.
const PAUSE: Duration = Duration::from_millis(1);

/// One look at a replica.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicaStatus {
    /// Whether the receiver runs; only `Yes` counts.
    pub receiving: bool,
    /// Whether the receiver is trying to reach its source, and will keep trying.
    pub connecting: bool,
    /// Whether the applier runs.
    pub applying: bool,
    /// The state that the receiver reports.
    pub state: String,
    /// How far it has read.
    pub read: Position,
    /// How far it has applied.
    pub applied: Position,
    /// Address it reads from.
    pub source: String,
    /// The receiver's last error, if any.
    pub receive_error: Option<String>,
    /// The applier's last error, if any.
    pub apply_error: Option<String>,
    /// Every column, for the journal.
    pub all: Vec<(String, String)>,
}

impl ReplicaStatus {
    /// The replication status; `None` when the server has no channel.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub async fn read(session: &Session, dialect: Dialect) -> Result<Option<Self>> {
        let rows = session.query(&dialect.replica_status(), LOOK).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let columns = dialect.status_columns();
        // what an error quotes may be a statement with a password
        let text = |name: &str| without_statement(row.get(name).unwrap_or_default());
        // a thread's state and its error number always have a value: a missing one is no sign of health
        let needed = [columns.io_running, columns.sql_running, columns.last_io_errno, columns.last_sql_errno];
        if let Some(missing) = needed.into_iter().find(|name| row.get(name).is_none()) {
            return Err(Failure::permanent("read the replication status", format!("the answer has no {missing}"))
                .at(session.server())
                .help(format!("run there: {}", dialect.replica_status())));
        }
        let error = |number: &str, message: &str| match text(number).as_str() {
            "0" => None,
            number => Some(format!("error {number}: {}", text(message))),
        };
        let all = rows.columns.iter().map(|name| (name.clone(), text(name))).collect();
        Ok(Some(Self {
            receiving: text(columns.io_running) == "Yes",
            connecting: ["Connecting", "Preparing"].contains(&text(columns.io_running).as_str()),
            applying: text(columns.sql_running) == "Yes",
            state: text(columns.io_state),
            read: Position { file: text(columns.read_file), offset: text(columns.read_pos) },
            applied: Position { file: text(columns.exec_file), offset: text(columns.exec_pos) },
            source: Endpoint { host: &text(columns.source_host), port: &text(columns.source_port) }.to_string(),
            receive_error: error(columns.last_io_errno, columns.last_io_error),
            apply_error: error(columns.last_sql_errno, columns.last_sql_error),
            all,
        }))
    }

    /// A failure unless both threads run, or the receiver is reconnecting to a lost source.
    ///
    /// # Errors
    /// As [`ReplicaStatus::healthy`].
    pub fn alive(&self, server: &str, attempted: &str) -> Result<()> {
        if self.connecting && self.applying { Ok(()) } else { self.healthy(server, attempted) }
    }

    /// A failure unless both threads run.
    ///
    /// # Errors
    /// Permanent when one has stopped for a reason that waiting does not fix, otherwise transient: a receiver keeps
    /// trying by itself.
    pub fn healthy(&self, server: &str, attempted: &str) -> Result<()> {
        let stopped = |thread: &str, error: &str| {
            let answer = format!("the replica stopped {thread}: {error}");
            let (failure, help) = if stopped_by_what_passes(error) {
                (Failure::transient(attempted, answer), "start replication there by hand once the cause is gone")
            } else {
                (Failure::permanent(attempted, answer), "fix the cause, or roll back and copy again")
            };
            failure.at(server).now(format!("it has applied the source's log up to {}", self.applied)).help(help)
        };
        if let Some(error) = &self.apply_error {
            return Err(stopped("applying", error));
        }
        if let Some(error) = self.receive_error.as_ref().filter(|_| !self.receiving && !self.connecting) {
            return Err(stopped("receiving", error));
        }
        if self.receiving && self.applying {
            return Ok(());
        }
        let why = self.receive_error.clone().unwrap_or_else(|| {
            let thread = if self.receiving { "the applier is stopped" } else { "the receiver is not connected" };
            format!("{thread} ({})", self.state)
        });
        let help = match self.receive_error {
            // MariaDB 11.8 states no error where it meets a type that it does not know, such as MySQL's JSON
            None if self.receiving => "start the applier there; if it stops again, the server's error log shows why",
            _ => "check the tunnel and the replication account",
        };
        Err(Failure::transient(attempted, format!("replication is not running: {why}"))
            .at(server)
            .now(format!("it has applied the source's log up to {}", self.applied))
            .help(help))
    }
}

/// Whether a thread's `error N: words` mentions a lock, a full disk or a server that was shutting down.
fn stopped_by_what_passes(error: &str) -> bool {
    let code = error.strip_prefix("error ").and_then(|rest| rest.split(':').next()?.parse().ok());
    is_transient(code.unwrap_or_default(), error)
}

/// Whether the replica has applied its source's log up to `position`, asked again and again for at most `limit`. A
/// status costs a fraction of a millisecond; with a parallel applier the server's own wait function can oversleep the
/// last transaction by its whole timeout (measured on `MariaDB` 10.11).
///
/// # Errors
/// When replication does not run, or the server cannot be asked.
pub async fn wait_until_applied(
    session: &Session,
    dialect: Dialect,
    position: &Position,
    limit: Duration,
) -> Result<Option<Position>> {
    let begin = Instant::now();
    loop {
        let attempted = "wait until the replica has applied everything";
        let status = ReplicaStatus::read(session, dialect).await?;
        let status =
            status.ok_or_else(|| Failure::permanent(attempted, "it follows no source").at(session.server()))?;
        if status.applied.order(position) != Ordering::Less {
            return Ok(Some(status.applied));
        }
        status.alive(session.server(), attempted)?; // a lost line comes back, or the deadline ends it
        if begin.elapsed() >= limit {
            return Ok(None);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// The server's current binlog position.
///
/// # Errors
/// When it cannot be asked, or writes no binary log.
pub async fn binlog_position(session: &Session, dialect: Dialect) -> Result<Position> {
    let rows = session.query(dialect.binlog_position(), LOOK).await?;
    let row = rows.first().ok_or_else(|| {
        Failure::refused("read the binlog position", "the server writes no binary log")
            .at(session.server())
            .help("set log_bin in its configuration and restart it")
    })?;
    match (row.get("File"), row.get("Position")) {
        (Some(file), Some(offset)) if !file.is_empty() => Ok(Position::new(file, offset)),
        _ => Err(Failure::permanent("read the binlog position", "the answer has no file or no position")
            .at(session.server())
            .help(format!("run there: {}", dialect.binlog_position()))),
    }
}

#[cfg(test)]
mod tests {
    use super::stopped_by_what_passes;

    #[test]
    fn a_full_disk_and_a_lock_pass_and_a_duplicate_row_does_not() {
        assert!(stopped_by_what_passes("error 1205: Lock wait timeout exceeded; try restarting transaction"));
        assert!(stopped_by_what_passes("error 1594: Relay log write failure: No space left on device"));
        assert!(!stopped_by_what_passes("error 1062: Duplicate entry '4' for key 'PRIMARY'"));
        assert!(!stopped_by_what_passes("error 1236: Could not find first log file name"));
    }
}
