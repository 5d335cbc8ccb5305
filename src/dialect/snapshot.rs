//! Statements that bring a server's sessions to one point: commits held back for a moment, and snapshots taken.

use super::Dialect;
use crate::domain::Sql;
use crate::sql;

/// How commits are held back while snapshots are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hold {
    /// Statements that hold commits back, in order; they end with the session that sent them.
    pub take: &'static [&'static str],
    /// Lets them go on.
    pub release: &'static str,
}

/// Opens a snapshot at this very moment rather than at the first read.
const SNAPSHOT: &str = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY";

impl Dialect {
    /// Holds commits back. `MariaDB` from 10.4.1 on can do it without waiting for running queries (its `BACKUP STAGE`
    /// page); stages that are left out are gone through by the server.
    #[must_use]
    pub fn hold_commits(self) -> Hold {
        if self.mariadb(10, 4, 1) {
            Hold { take: &["BACKUP STAGE START", "BACKUP STAGE BLOCK_COMMIT"], release: "BACKUP STAGE END" }
        } else {
            Hold { take: &["FLUSH TABLES WITH READ LOCK"], release: "UNLOCK TABLES" }
        }
    }

    /// What a session that compares data must think alike on both servers, and that it may take its time: a snapshot
    /// that a limit ends is lost with everything that was compared in it.
    #[must_use]
    pub fn comparing_session(self) -> Vec<Sql> {
        let mut settings = vec!["time_zone = '+00:00'", "group_concat_max_len = 1000000"];
        if self.is_mariadb() {
            settings.push("max_statement_time = 0");
            if self.mariadb(10, 3, 0) {
                settings.extend(["idle_transaction_timeout = 0", "idle_readonly_transaction_timeout = 0"]);
            }
        } else {
            settings.push("max_execution_time = 0");
            if self.mysql(8, 0, 0) {
                settings.push("information_schema_stats_expiry = 0"); // else AUTO_INCREMENT is a day old
            }
            if self.mysql(8, 0, 30) {
                settings.push("show_gipk_in_create_table_and_information_schema = ON");
            }
        }
        vec![
            "SET NAMES utf8mb4".into(),
            sql!("SET SESSION {}", Sql::join(settings.into_iter().map(Sql::from), ", ")),
            "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ".into(),
        ]
    }

    /// Opens a snapshot in a session whose isolation level is `REPEATABLE READ`.
    #[must_use]
    pub fn take_snapshot(self) -> &'static str {
        SNAPSHOT
    }

    /// The binlog position of this session's snapshot, where a server knows: `Variable_name`,
    /// `Value` of the file and the position.
    #[must_use]
    pub fn snapshot_position(self) -> Option<&'static str> {
        self.is_mariadb()
            .then_some("SHOW STATUS WHERE Variable_name IN ('Binlog_snapshot_file', 'Binlog_snapshot_position')")
    }

    /// Statements that have been running for longer than `seconds`, which holding commits back would wait for: columns as
    /// in [`Dialect::long_statements`]. None are asked for where it does not wait.
    #[must_use]
    pub fn statements_in_the_way(self, seconds: u32) -> Option<Sql> {
        (!self.mariadb(10, 4, 1)).then(|| self.long_statements(seconds))
    }
}
