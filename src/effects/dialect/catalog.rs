//! Questions about what a server holds. Lists of databases: an empty one means every user database.

use super::{Dialect, literals};

const SYSTEM: [&str; 4] = ["information_schema", "mysql", "performance_schema", "sys"];

impl Dialect {
    /// User databases, without the runner's own: column `name`.
    #[must_use]
    pub fn user_databases(self) -> String {
        format!(
            "SELECT SCHEMA_NAME AS name FROM information_schema.SCHEMATA WHERE {} ORDER BY SCHEMA_NAME",
            within::<&str>("SCHEMA_NAME", &[])
        )
    }

    /// Those of `databases` that exist: column `name`.
    #[must_use]
    pub fn existing_databases<S: AsRef<str>>(self, databases: &[S]) -> String {
        format!(
            "SELECT SCHEMA_NAME AS name FROM information_schema.SCHEMATA WHERE {} ORDER BY SCHEMA_NAME",
            within("SCHEMA_NAME", databases)
        )
    }

    /// Tables that a consistent snapshot does not cover: columns `name`, `engine`.
    #[must_use]
    pub fn tables_outside_snapshot<S: AsRef<str>>(self, databases: &[S]) -> String {
        format!(
            "SELECT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME) AS name, ENGINE AS engine FROM information_schema.TABLES \
             WHERE TABLE_TYPE = 'BASE TABLE' AND (ENGINE IS NULL OR ENGINE <> 'InnoDB') AND {} ORDER BY 1",
            within("TABLE_SCHEMA", databases)
        )
    }

    /// Tables without a primary key, in which a replica must search every row it changes: column `name`.
    #[must_use]
    pub fn tables_without_key<S: AsRef<str>>(self, databases: &[S]) -> String {
        format!(
            "SELECT CONCAT(t.TABLE_SCHEMA, '.', t.TABLE_NAME) AS name FROM information_schema.TABLES t \
             LEFT JOIN information_schema.TABLE_CONSTRAINTS c ON c.TABLE_SCHEMA = t.TABLE_SCHEMA \
             AND c.TABLE_NAME = t.TABLE_NAME AND c.CONSTRAINT_TYPE = 'PRIMARY KEY' \
             WHERE t.TABLE_TYPE = 'BASE TABLE' AND c.CONSTRAINT_NAME IS NULL AND {} ORDER BY 1",
            within("t.TABLE_SCHEMA", databases)
        )
    }

    /// Size of all tables as the server estimates it: columns `bytes`, `row_count`, `tables`.
    #[must_use]
    pub fn total_size<S: AsRef<str>>(self, databases: &[S]) -> String {
        format!(
            "SELECT CAST(COALESCE(SUM(DATA_LENGTH + INDEX_LENGTH), 0) AS UNSIGNED) AS bytes, \
             CAST(COALESCE(SUM(TABLE_ROWS), 0) AS UNSIGNED) AS row_count, COUNT(*) AS tables \
             FROM information_schema.TABLES WHERE TABLE_TYPE = 'BASE TABLE' AND {}",
            within("TABLE_SCHEMA", databases)
        )
    }

    /// Tables there are: columns `name`, `row_count`.
    #[must_use]
    pub fn tables<S: AsRef<str>>(self, databases: &[S]) -> String {
        format!(
            "SELECT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME) AS name, TABLE_ROWS AS row_count \
             FROM information_schema.TABLES WHERE TABLE_TYPE = 'BASE TABLE' AND {} ORDER BY 1",
            within("TABLE_SCHEMA", databases)
        )
    }
}

pub(super) fn within<S: AsRef<str>>(column: &str, databases: &[S]) -> String {
    if databases.is_empty() {
        format!("{column} NOT IN ({}, {})", literals(&SYSTEM), super::past_read_only::own_databases())
    } else {
        format!("{column} IN ({})", literals(databases))
    }
}
