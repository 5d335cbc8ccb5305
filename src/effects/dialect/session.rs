//! What a session of the runner does for itself: token rows, settings for loading.

use super::{Dialect, identifier, text_literal};

/// Database that holds the runner's own rows. It is replicated, so that a token proves the whole path.
pub const TOOL_DATABASE: &str = "cutover";
const TOKENS: &str = "cutover.token";

impl Dialect {
    /// Makes the table for token rows.
    #[must_use]
    pub fn create_token_table(self) -> [String; 2] {
        [
            format!("CREATE DATABASE IF NOT EXISTS {}", identifier(TOOL_DATABASE)),
            format!(
                "CREATE TABLE IF NOT EXISTS {TOKENS} (run VARCHAR(64) NOT NULL, purpose VARCHAR(64) NOT NULL, \
                 value BIGINT UNSIGNED NOT NULL, PRIMARY KEY (run, purpose)) \
                 ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin"
            ),
        ]
    }

    /// Writes a token row. `value` is digits or a marker.
    #[must_use]
    pub fn write_token(self, run: &str, purpose: &str, value: &str) -> String {
        let (run, purpose, value) = (text_literal(run), text_literal(purpose), super::number(value));
        format!("REPLACE INTO {TOKENS} (run, purpose, value) VALUES ({run}, {purpose}, {value})")
    }

    /// Reads a token row, one value or no row.
    #[must_use]
    pub fn read_token(self, run: &str, purpose: &str) -> String {
        let (run, purpose) = (text_literal(run), text_literal(purpose));
        format!("SELECT value FROM {TOKENS} WHERE run = {run} AND purpose = {purpose}")
    }

    /// Removes the runner's own database.
    #[must_use]
    pub fn drop_token_database(self) -> String {
        format!("DROP DATABASE IF EXISTS {}", identifier(TOOL_DATABASE))
    }

    /// What this session changes stays out of the binary log.
    #[must_use]
    pub fn without_binlog(self) -> &'static str {
        "SET SESSION sql_log_bin = 0"
    }

    /// Gives a session the server's own global settings, so that statements of the user's mean what they mean in any
    /// other client. `autocommit` stays on: otherwise what a step has done would be rolled back when its connection
    /// closes. The character set stays that of the text which is sent, and the connection may go on to idle.
    #[must_use]
    pub fn servers_own_settings(self) -> String {
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
        ];
        format!("SET SESSION {}", names.map(|name| format!("{name} = DEFAULT")).join(", "))
    }

    /// Safe accelerators of a session that loads a dump: checks that the source has made already.
    #[must_use]
    pub fn load_session(self) -> [&'static str; 2] {
        ["SET SESSION unique_checks = 0", "SET SESSION foreign_key_checks = 0"]
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
