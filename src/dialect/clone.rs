//! Words of `MySQL`'s clone plugin: the statement that copies a whole server, and the questions about it.

use super::Dialect;
use super::catalog::{Every, within};
use crate::domain::sql::{literal, number};
use crate::domain::{Private, Sql, Words};
use crate::sql;

/// The plugin's name, as the server lists it.
pub const PLUGIN: &str = "clone";
/// How it is installed.
pub const INSTALL: &str = "INSTALL PLUGIN clone SONAME 'mysql_clone.so'";
/// The server that is copied is not to be had: the line broke, it was shut down, or it refuses the login
/// (`ER_CLONE_DONOR`). Its own words are in the message.
pub const OF_SOURCE: u16 = 3862;
/// Another clone runs on the server (`ER_CLONE_TOO_MANY_CONCURRENT_CLONES`).
pub const BUSY: u16 = 3634;
/// A clone that was ended by `KILL`, and so its statement.
pub const ENDED: u16 = 1317;

/// A copy that a server is to take of another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloneFrom {
    /// Host or address of the other server, as this one sees it.
    pub host: Words,
    /// Its port.
    pub port: Words,
    /// Account on the other server.
    pub user: Words,
    /// Its password.
    pub password: Private,
    /// Folder on this server's host that it makes and fills; it may not exist.
    pub folder: Words,
    /// Whether nothing may go in plain text. Otherwise it goes by TLS where the other server has it.
    pub encrypted: bool,
}

impl Dialect {
    /// Copies a whole server into a folder. It goes on when the connection is lost in the middle of it (seen on 9.7.4).
    #[must_use]
    pub fn clone_instance(self, from: &CloneFrom) -> Sql {
        sql!(
            "CLONE INSTANCE FROM {}@{}:{} IDENTIFIED BY {} DATA DIRECTORY = {}{}",
            literal(&from.user),
            literal(&from.host),
            number(&from.port),
            literal(&from.password),
            literal(&from.folder),
            if from.encrypted { " REQUIRE SSL" } else { "" }
        )
    }

    /// The last clone that this server began, running or not: columns `connection` (which runs it), `clone_state`
    /// (`In Progress`, `Completed`, `Failed`), `folder` (with a slash at its end), `code` and `message` of its error. No
    /// row where there was none since the start. A statement that was refused before it began leaves the row as it was
    /// (seen on 9.7.4).
    #[must_use]
    pub fn clone_status(self) -> &'static str {
        "SELECT PID AS connection, STATE AS clone_state, DESTINATION AS folder, ERROR_NO AS code, \
         ERROR_MESSAGE AS message FROM performance_schema.clone_status"
    }

    /// How far it is: columns `done` and `total`, in bytes; `total` grows with what is written on the other server.
    #[must_use]
    pub fn clone_progress(self) -> &'static str {
        "SELECT CAST(COALESCE(SUM(DATA), 0) AS UNSIGNED) AS done, CAST(COALESCE(SUM(ESTIMATE), 0) AS UNSIGNED) AS total \
         FROM performance_schema.clone_progress"
    }

    /// Where the copy stands that this server runs with: columns `file`, `position`, `gtid`. A clone into a folder of its own
    /// knows that only once a server has started with the folder, and knows it from then on (seen on 9.7.4).
    #[must_use]
    pub fn clone_place(self) -> &'static str {
        "SELECT BINLOG_FILE AS file, BINLOG_POSITION AS position, GTID_EXECUTED AS gtid \
         FROM performance_schema.clone_status WHERE STATE = 'Completed' AND DESTINATION = 'LOCAL INSTANCE'"
    }

    /// Tables of users that a clone brings empty, because `InnoDB` does not hold their rows: columns `name`, `engine`.
    /// `BLACKHOLE` has none.
    #[must_use]
    pub fn tables_cloned_empty(self) -> Sql {
        sql!(
            "SELECT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME) AS name, ENGINE AS engine FROM information_schema.TABLES \
             WHERE TABLE_TYPE = 'BASE TABLE' AND ENGINE NOT IN ('InnoDB', 'BLACKHOLE') AND {} ORDER BY 1",
            within("TABLE_SCHEMA", &Every)
        )
    }

    /// Files of `InnoDB` outside of the data directory: column `name`.
    #[must_use]
    pub fn files_outside(self) -> &'static str {
        "SELECT FILE_NAME AS name FROM information_schema.FILES WHERE ENGINE = 'InnoDB' \
         AND FILE_TYPE <> 'TEMPORARY' AND FILE_NAME NOT LIKE './%' ORDER BY 1"
    }

    /// Bytes of the files of `InnoDB`, one value.
    #[must_use]
    pub fn file_bytes(self) -> &'static str {
        "SELECT CAST(COALESCE(SUM(FILE_SIZE), 0) AS UNSIGNED) AS bytes FROM information_schema.INNODB_TABLESPACES"
    }

    /// Plugins that work: column `name`.
    #[must_use]
    pub fn active_plugins(self) -> &'static str {
        "SELECT PLUGIN_NAME AS name FROM information_schema.PLUGINS WHERE PLUGIN_STATUS = 'ACTIVE' ORDER BY 1"
    }

    /// Plugins that the server's own table loads, and so does a copy of the server: column `name`.
    #[must_use]
    pub fn installed_plugins(self) -> &'static str {
        "SELECT name AS name FROM mysql.plugin ORDER BY 1"
    }

    /// The component that keeps keys, where there can be one: column `name`. From 8.0.24 on.
    #[must_use]
    pub fn keyring_component(self) -> Option<&'static str> {
        self.mysql(8, 0, 24).then_some(
            "SELECT STATUS_VALUE AS name FROM performance_schema.keyring_component_status \
             WHERE STATUS_KEY = 'Component_name'",
        )
    }

    /// Whether changes of tables on a server wait while it is cloned: `MySQL` before 8.0.27.
    #[must_use]
    pub fn clone_holds_changes_of_tables(self) -> bool {
        !self.mysql(8, 0, 27)
    }
}
