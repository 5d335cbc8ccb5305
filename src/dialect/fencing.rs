//! Statements that close a server to writes, find and end its clients, and open it again.

use super::Dialect;
use super::variables::{literals, value_of};
use crate::domain::sql::number;
use crate::domain::{Sql, Words};
use crate::sql;

/// The strongest way a server has to shut out even administrators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fence {
    /// Shuts.
    pub close: &'static str,
    /// Opens to administrators again; the server remains read-only for everyone else.
    pub open: &'static str,
    /// Whether it ends with the session that set it: then that session must be kept and watched.
    pub held_by_session: bool,
}

impl Dialect {
    /// Shuts out everyone but administrators and replication. Waits for commits that are under way.
    #[must_use]
    pub fn set_read_only(self) -> &'static str {
        "SET GLOBAL read_only = ON"
    }

    /// Opens the server to writes; clears `super_read_only` too.
    #[must_use]
    pub fn clear_read_only(self) -> &'static str {
        "SET GLOBAL read_only = OFF"
    }

    /// Whether the server is closed, one value; read it with [`Dialect::closed`].
    #[must_use]
    pub fn read_only(self) -> &'static str {
        "SELECT @@GLOBAL.read_only"
    }

    /// Whether the value of [`Dialect::read_only`] means closed; `None` for one that is not known. `MariaDB` 12 has four
    /// (`sys_vars.cc`: `OFF`, `ON`, `NO_LOCK`, `NO_LOCK_NO_ADMIN`), all others two.
    #[must_use]
    pub fn closed(value: &str) -> Option<bool> {
        match value.to_ascii_uppercase().as_str() {
            "0" | "OFF" => Some(false),
            "1" | "ON" | "NO_LOCK" | "NO_LOCK_NO_ADMIN" => Some(true),
            _ => None,
        }
    }

    /// Whether the server knows `super_read_only` (since 5.7.8).
    fn has_super_read_only(self) -> bool {
        self.mysql(5, 7, 8) || self.is_series(5, 7)
    }

    /// Whether administrators are shut out too, one value; `None` where that is no variable of its own.
    #[must_use]
    pub fn super_read_only(self) -> Option<&'static str> {
        self.has_super_read_only().then_some("SELECT @@GLOBAL.super_read_only")
    }

    /// Makes the server as open or closed as it was: values that [`Dialect::read_only`] and
    /// [`Dialect::super_read_only`] brought back.
    #[must_use]
    pub fn restore_read_only(self, read_only: impl Into<Words>, super_read_only: Option<Words>) -> Vec<Sql> {
        let open = self.set_variable("read_only", read_only);
        match super_read_only.filter(|_| self.has_super_read_only()) {
            // `super_read_only = ON` closes the server in passing, and `read_only = OFF` clears both: so this order
            Some(administrators) => vec![self.set_variable("super_read_only", administrators), open],
            None => vec![open],
        }
    }

    /// Lines of the configuration file that keep administrators out after a restart, as far as the server can.
    #[must_use]
    pub fn closed_after_restart(self) -> &'static [(&'static str, &'static str)] {
        match () {
            () if self.mariadb(12, 0, 0) => &[("read_only", "NO_LOCK_NO_ADMIN"), ("event_scheduler", "OFF")],
            () if self.has_super_read_only() => {
                &[("read_only", "ON"), ("super_read_only", "ON"), ("event_scheduler", "OFF")]
            }
            () => &[("read_only", "ON"), ("event_scheduler", "OFF")],
        }
    }

    /// Whether the server itself can keep a variable for its next start.
    #[must_use]
    pub fn persists(self) -> bool {
        self.mysql(8, 0, 0)
    }

    /// Sets a variable, and keeps it for the next start.
    #[must_use]
    pub fn persist(self, name: &'static str, value: impl Into<Words>) -> Sql {
        sql!("SET PERSIST {} = {}", name, value_of(value.into()))
    }

    /// Forgets what is kept of a variable for the next start.
    #[must_use]
    pub fn forget_persisted(self, name: &'static str) -> Sql {
        sql!("RESET PERSIST IF EXISTS {}", name)
    }

    /// What is kept of these variables for the next start: columns `name`, `value`.
    #[must_use]
    pub fn persisted_values(self, names: &[&str]) -> Sql {
        sql!(
            "SELECT VARIABLE_NAME AS name, VARIABLE_VALUE AS value FROM performance_schema.persisted_variables \
             WHERE VARIABLE_NAME IN ({}) ORDER BY 1",
            literals(names)
        )
    }

    /// Shuts out administrators too, once the last row has been written.
    #[must_use]
    pub fn strongest_fence(self) -> Fence {
        if self.has_super_read_only() {
            let (close, open) = ("SET GLOBAL super_read_only = ON", "SET GLOBAL super_read_only = OFF");
            Fence { close, open, held_by_session: false }
        } else if self.mariadb(12, 0, 0) {
            let (close, open) = ("SET GLOBAL read_only = NO_LOCK_NO_ADMIN", "SET GLOBAL read_only = ON");
            Fence { close, open, held_by_session: false }
        } else {
            Fence { close: "FLUSH TABLES WITH READ LOCK", open: "UNLOCK TABLES", held_by_session: true }
        }
    }

    /// What a replica is closed with while it follows: as strong as lasts without a session.
    #[must_use]
    pub fn close_replica(self) -> &'static str {
        if self.has_super_read_only() { "SET GLOBAL super_read_only = ON" } else { self.set_read_only() }
    }

    /// Bounds how long this session's next statements wait for locks.
    #[must_use]
    pub fn lock_wait_timeout(self, seconds: u32) -> Sql {
        sql!("SET SESSION lock_wait_timeout = {}", number(seconds))
    }

    /// The event scheduler's state, one value: `ON`, `OFF` or `DISABLED`.
    #[must_use]
    pub fn event_scheduler(self) -> &'static str {
        "SELECT @@GLOBAL.event_scheduler"
    }

    /// Starts or stops the event scheduler.
    #[must_use]
    pub fn set_event_scheduler(self, on: bool) -> &'static str {
        if on { "SET GLOBAL event_scheduler = ON" } else { "SET GLOBAL event_scheduler = OFF" }
    }

    /// Connections that a fence may end: columns `id`, `user`, `host`, `db`, `command`, `seconds`. Left out are this
    /// session, replication (its own threads and those that feed replicas), the event scheduler, and `keep`: a list
    /// of ids.
    #[must_use]
    pub fn killable_clients(self, keep: Option<Sql>) -> Sql {
        let keep = keep.map_or_else(Sql::default, |keep| sql!(" AND ID NOT IN ({})", keep));
        sql!(
            "SELECT ID AS id, USER AS user, HOST AS host, DB AS db, COMMAND AS command, TIME AS seconds \
             FROM information_schema.PROCESSLIST WHERE ID <> CONNECTION_ID(){} \
             AND USER NOT IN ('system user', 'event_scheduler') \
             AND COMMAND NOT IN ('Binlog Dump', 'Binlog Dump GTID', 'Daemon') ORDER BY ID",
            keep
        )
    }

    /// How many sessions of these accounts there are, one value.
    #[must_use]
    pub fn sessions_of(self, users: &[&str]) -> Sql {
        sql!("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER IN ({})", literals(users))
    }

    /// Whether the connection `id` is there: a count.
    #[must_use]
    pub fn connection_exists(self, id: impl Into<Words>) -> Sql {
        sql!("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID = {}", number(id))
    }

    /// Whether the connection `id` is there and has not logged in yet: a count. Takes `PROCESS`;
    /// without it the server shows an account its own connections only.
    #[must_use]
    pub fn arrival(self, id: impl Into<Words>) -> Sql {
        sql!("{} AND USER = 'unauthenticated user'", self.connection_exists(id))
    }

    /// Ends a connection; its open transaction rolls back.
    #[must_use]
    pub fn kill(self, id: impl Into<Words>) -> Sql {
        sql!("KILL CONNECTION {}", number(id))
    }

    /// Between two connections in [`Dialect::kill_all`].
    pub const AND_KILL: &str = "; KILL CONNECTION ";

    /// Ends connections in one request: their ids with [`Dialect::AND_KILL`] between them.
    #[must_use]
    pub fn kill_all(self, ids: Sql) -> Sql {
        sql!("KILL CONNECTION {}", ids)
    }

    /// Open transactions older than `seconds`: columns `id` (of the connection), `seconds`, `rows_modified`, `query`.
    #[must_use]
    pub fn open_transactions(self, seconds: u32) -> Sql {
        let older = number(seconds);
        sql!("{} WHERE trx_started < NOW() - INTERVAL {} SECOND ORDER BY trx_started", TRANSACTIONS, older)
    }

    /// Open transactions that have changed something: columns as in [`Dialect::open_transactions`].
    #[must_use]
    pub fn writing_transactions(self) -> Sql {
        sql!("{} WHERE trx_rows_modified > 0 ORDER BY trx_started", TRANSACTIONS)
    }

    /// Prepared XA transactions, which outlive their connection and may commit later.
    #[must_use]
    pub fn prepared_transactions(self) -> &'static str {
        "XA RECOVER"
    }
}

const TRANSACTIONS: &str = "SELECT trx_mysql_thread_id AS id, TIMESTAMPDIFF(SECOND, trx_started, NOW()) AS seconds, \
     trx_rows_modified AS rows_modified, trx_query AS query FROM information_schema.INNODB_TRX";
