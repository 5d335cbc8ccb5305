//! What mydumper does not carry over: asked of a source before it is dumped. Lists of databases: an empty one means
//! every user database.

use super::Dialect;
use super::catalog::{Databases, within};
use crate::domain::Sql;
use crate::sql;

impl Dialect {
    /// What no release of mydumper dumps whole: columns `name`, `what`. It reads rows with `SELECT *`, which passes
    /// over invisible columns and over the history of a table (seen with 0.10.1: the values of an invisible column were
    /// the column's default on the other side, and a system-versioned table had its present rows alone).
    #[must_use]
    pub fn lost_by_mydumper<D: Databases + ?Sized>(self, databases: &D) -> Sql {
        sql!(
            "SELECT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME) AS name, 'its history' AS what FROM information_schema.TABLES \
             WHERE TABLE_TYPE = 'SYSTEM VERSIONED' AND {} UNION ALL \
             SELECT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME, '.', COLUMN_NAME), 'an invisible column' \
             FROM information_schema.COLUMNS WHERE EXTRA LIKE '%INVISIBLE%' AND EXTRA NOT LIKE '%VIRTUAL GENERATED%' \
             AND EXTRA NOT LIKE '%STORED GENERATED%' AND {} ORDER BY 1",
            within("TABLE_SCHEMA", databases),
            within("TABLE_SCHEMA", databases)
        )
    }

    /// What releases of mydumper before 1.0 do not dump whole: columns `name`, `what`. They name files after tables, so
    /// that some names are no names of files and others stand for two things (both seen with 0.10.1); they write
    /// sequences as tables; and they take every column with `GENERATED` in its description for one that the server
    /// computes, whose values they leave out: on `MySQL` 8.0 every default that is an expression (mydumper/mydumper,
    /// issue 221).
    #[must_use]
    pub fn lost_by_old_mydumper<D: Databases + ?Sized>(self, databases: &D) -> Sql {
        let odd = "REGEXP '[./`[:cntrl:]]|-schema'";
        let mut parts = vec![
            sql!(
                "SELECT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME) AS name, 'its name' AS what FROM information_schema.TABLES \
                 WHERE (TABLE_NAME {} OR TABLE_SCHEMA {}) AND {}",
                odd,
                odd,
                within("TABLE_SCHEMA", databases)
            ),
            sql!(
                "SELECT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME), 'a sequence' FROM information_schema.TABLES \
                 WHERE TABLE_TYPE = 'SEQUENCE' AND {}",
                within("TABLE_SCHEMA", databases)
            ),
        ];
        if !self.is_mariadb() {
            parts.push(sql!(
                "SELECT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME, '.', COLUMN_NAME), 'a column whose default is an expression' \
                 FROM information_schema.COLUMNS WHERE EXTRA LIKE '%DEFAULT_GENERATED%' AND {}",
                within("TABLE_SCHEMA", databases)
            ));
        }
        sql!("{} ORDER BY 1", Sql::join(parts, " UNION ALL "))
    }

    /// Whether the server still takes the old `SHOW MASTER STATUS`, which releases of mydumper before 0.16.3 ask for.
    #[must_use]
    pub fn takes_master_status(self) -> bool {
        !self.mysql(8, 4, 0)
    }

    /// What the session of `mydumper` depends on, as one statement: definitions are asked for without what `sql_mode`
    /// may do to them.
    #[must_use]
    pub fn mydumper_session(self) -> String {
        format!("{}, sql_mode=''", self.dump_session())
    }

    /// The same for `myloader`: its files do not set `sql_mode` before 1.0, and rows are loaded as they stood, zero
    /// dates among them.
    #[must_use]
    pub fn myloader_session(self) -> String {
        format!("{}, sql_log_bin=0, sql_mode='NO_AUTO_VALUE_ON_ZERO'", self.load_session())
    }
}
