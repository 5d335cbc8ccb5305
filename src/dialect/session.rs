//! What a session of the runner does for itself: token rows, settings for loading.

use super::{Dialect, OwnDatabase};
use crate::domain::sql::{identifier, literal, number};
use crate::domain::{Sql, Words};
use crate::sql;

const TOKENS: &str = "cutover.token";

impl Dialect {
    /// Makes the table for token rows.
    #[must_use]
    pub fn create_token_table(self) -> [Sql; 2] {
        [
            sql!("CREATE DATABASE IF NOT EXISTS {}", identifier(OwnDatabase::Tokens.name())),
            sql!(
                "CREATE TABLE IF NOT EXISTS {} (run VARCHAR(64) NOT NULL, purpose VARCHAR(64) NOT NULL, \
                 value BIGINT UNSIGNED NOT NULL, PRIMARY KEY (run, purpose)) \
                 ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin",
                TOKENS
            ),
        ]
    }

    /// Writes a token row. `value` is a number.
    #[must_use]
    pub fn write_token(self, run: impl Into<Words>, purpose: &'static str, value: impl Into<Words>) -> Sql {
        let (run, purpose, value) = (literal(run.into()), literal(purpose), number(value));
        sql!("REPLACE INTO {} (run, purpose, value) VALUES ({}, {}, {})", TOKENS, run, purpose, value)
    }

    /// Reads a token row, one value or no row.
    #[must_use]
    pub fn read_token(self, run: impl Into<Words>, purpose: &'static str) -> Sql {
        sql!("SELECT value FROM {} WHERE run = {} AND purpose = {}", TOKENS, literal(run.into()), literal(purpose))
    }

    /// The changes of this session do not go into the binary log.
    #[must_use]
    pub fn without_binlog(self) -> &'static str {
        "SET SESSION sql_log_bin = 0"
    }

    /// Gives a session the server's own global settings, so that statements of the user's mean what they mean in any
    /// other client. `autocommit` stays on: otherwise what a step has done would be rolled back when its connection
    /// closes. The character set stays that of the text which is sent, and the connection may go on to idle.
    #[must_use]
    pub fn servers_own_settings(self) -> Sql {
        let duration = if self.is_mariadb() { "max_statement_time" } else { "max_execution_time" };
        let names = [
            "sql_mode",
            "time_zone",
            "lock_wait_timeout",
            "innodb_lock_wait_timeout",
            duration,
            "sql_select_limit",
            "sql_big_selects",
            "sql_safe_updates",
            "sql_auto_is_null",
            "sql_quote_show_create",
            "completion_type",
            "group_concat_max_len",
            "foreign_key_checks",
            "unique_checks",
        ];
        let of_transactions = if self.is_mariadb() {
            ["tx_isolation", "tx_read_only"]
        } else {
            ["transaction_isolation", "transaction_read_only"]
        };
        let all = names.into_iter().chain(of_transactions);
        sql!("SET SESSION {}", Sql::join(all.map(|name| sql!("{} = DEFAULT", name)), ", "))
    }

    /// Settings of a session that loads a dump: without checks that the source has made already, and so that what stood
    /// on the source is taken as it is, whatever this server's global settings would have new tables be.
    #[must_use]
    pub fn load_session(self) -> String {
        let mut settings = vec![
            "unique_checks=0",
            "foreign_key_checks=0",
            "autocommit=1",
            "innodb_strict_mode=0", // a row that is too wide on paper, an option that does not fit: a warning there too
            "sql_safe_updates=0",
            "explicit_defaults_for_timestamp=1", // a dump writes out every default
            "wait_timeout=28800",
            "net_read_timeout=3600",
        ];
        if self.is_mariadb() {
            settings.extend(["max_statement_time=0", "tx_read_only=0", "idle_transaction_timeout=0"]);
            // in an older server's dump `utf8` means three bytes
            settings.extend(self.mariadb(10, 6, 1).then_some("old_mode='UTF8_IS_UTF8MB3'"));
        } else {
            settings.extend(self.mysql(5, 7, 20).then_some("transaction_read_only=0"));
            settings.extend(self.mysql(8, 0, 13).then_some("sql_require_primary_key=0"));
            settings.extend(self.mysql(8, 0, 30).then_some("sql_generate_invisible_primary_key=0"));
            settings.extend(self.mysql(8, 4, 0).then_some("restrict_fk_on_non_standard_key=0"));
        }
        format!("SET SESSION {}", settings.join(", "))
    }

    /// The moment at which the server began this very statement, in seconds since 1970 with six digits after the point.
    #[must_use]
    pub fn moment(self) -> &'static str {
        "SELECT UNIX_TIMESTAMP(NOW(6))"
    }

    /// The server's version text, one value.
    #[must_use]
    pub fn version(self) -> &'static str {
        "SELECT VERSION()"
    }

    /// Which server this is, as rows of a name and a value, for the evidence; a server has the one id or the other.
    #[must_use]
    pub fn identity(self) -> &'static str {
        "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('hostname', 'port', 'server_id', 'server_uid', 'server_uuid', 'version')"
    }
}
