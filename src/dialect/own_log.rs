//! Statements that show what a server has written into its binary log by itself. They change nothing.

use super::Dialect;
use crate::domain::sql::{literal, number};
use crate::domain::{Sql, Words};
use crate::sql;

impl Dialect {
    /// What marks the server's own transactions, one row: `gtids`, `gtid_mode` (`ON` where every transaction has a GTID),
    /// `server_id`, `server_uuid` (NULL on `MariaDB`), `logs_applied` (whether what it applies as a replica stands in its
    /// log too).
    #[must_use]
    pub fn own_log(self) -> &'static str {
        if self.is_mariadb() {
            "SELECT @@GLOBAL.gtid_binlog_state AS gtids, 'ON' AS gtid_mode, @@GLOBAL.server_id AS server_id, \
             NULL AS server_uuid, @@GLOBAL.log_slave_updates AS logs_applied"
        } else if self.mysql(8, 0, 26) {
            "SELECT @@GLOBAL.gtid_executed AS gtids, @@GLOBAL.gtid_mode AS gtid_mode, @@GLOBAL.server_id AS server_id, \
             @@GLOBAL.server_uuid AS server_uuid, @@GLOBAL.log_replica_updates AS logs_applied"
        } else {
            "SELECT @@GLOBAL.gtid_executed AS gtids, @@GLOBAL.gtid_mode AS gtid_mode, @@GLOBAL.server_id AS server_id, \
             @@GLOBAL.server_uuid AS server_uuid, @@GLOBAL.log_slave_updates AS logs_applied"
        }
    }

    /// At most `limit` events of one binary log from a position on: columns `Pos`, `Event_type`, `Server_id`,
    /// `End_log_pos`, `Info`.
    #[must_use]
    pub fn binlog_events(self, file: impl Into<Words>, from: impl Into<Words>, limit: impl Into<Words>) -> Sql {
        sql!("SHOW BINLOG EVENTS IN {} FROM {} LIMIT {}", literal(file.into()), number(from), number(limit))
    }
}
