//! Questions about what a server holds. Lists of databases: an empty one means every user database.

use super::{Dialect, literals};

/// How `MariaDB` and old `MySQL` begin the name of a database whose folder is not named as they name folders, such as
/// `lost+found`: most of the time it is none.
const FOLDER: &str = "#mysql50#";

const SYSTEM: [&str; 4] = ["information_schema", "mysql", "performance_schema", "sys"];

/// What holds rows: `MariaDB` has tables that keep their history, and sequences, under types of their own.
const ROWS: &str = "TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED', 'SEQUENCE')";
const WITH_KEYS: &str = "TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED')";

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
             WHERE {ROWS} AND (ENGINE IS NULL OR ENGINE <> 'InnoDB') AND {} ORDER BY 1",
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
             WHERE t.{WITH_KEYS} AND c.CONSTRAINT_NAME IS NULL AND {} ORDER BY 1",
            within("t.TABLE_SCHEMA", databases)
        )
    }

    /// Size of all tables as the server estimates it: columns `bytes`, `row_count`, `tables`.
    #[must_use]
    pub fn total_size<S: AsRef<str>>(self, databases: &[S]) -> String {
        format!(
            "SELECT CAST(COALESCE(SUM(DATA_LENGTH + INDEX_LENGTH), 0) AS UNSIGNED) AS bytes, \
             CAST(COALESCE(SUM(TABLE_ROWS), 0) AS UNSIGNED) AS row_count, COUNT(*) AS tables \
             FROM information_schema.TABLES WHERE {ROWS} AND {}",
            within("TABLE_SCHEMA", databases)
        )
    }

    /// Tables that hold rows, sequences among them: columns `name`, `row_count`, `in_database`.
    #[must_use]
    pub fn tables<S: AsRef<str>>(self, databases: &[S]) -> String {
        format!(
            "SELECT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME) AS name, TABLE_ROWS AS row_count, TABLE_SCHEMA AS in_database \
             FROM information_schema.TABLES WHERE {ROWS} AND {} ORDER BY 1",
            within("TABLE_SCHEMA", databases)
        )
    }

    /// Everything that stands in user databases, of whatever type: column `name`, with its kind in front.
    #[must_use]
    pub fn objects(self) -> String {
        let part = |kind: &str, table: &str, prefix: &str, name: &str| {
            let schema = format!("{prefix}_SCHEMA");
            let within = within::<&str>(&schema, &[]);
            format!(
                "SELECT CONCAT({kind}, ' ', {schema}, '.', {name}) AS name FROM information_schema.{table} WHERE {within}"
            )
        };
        let parts = [
            part("REPLACE(LOWER(TABLE_TYPE), 'base ', '')", "TABLES", "TABLE", "TABLE_NAME"),
            part("LOWER(ROUTINE_TYPE)", "ROUTINES", "ROUTINE", "ROUTINE_NAME"),
            part("'event'", "EVENTS", "EVENT", "EVENT_NAME"),
        ];
        format!("{} ORDER BY 1", parts.join(" UNION ALL "))
    }

    /// Tables in folders that bear no database's name: column `name`.
    #[must_use]
    pub fn tables_in_odd_folders(self) -> String {
        format!(
            "SELECT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME) AS name FROM information_schema.TABLES \
             WHERE TABLE_SCHEMA LIKE '{FOLDER}%' ORDER BY 1"
        )
    }
}

/// The condition that `column` is one of `databases`. Compared byte by byte: to many servers `Sys` and `sys` are two.
pub(super) fn within<S: AsRef<str>>(column: &str, databases: &[S]) -> String {
    if databases.is_empty() {
        let ours = super::own_database::own_databases();
        format!("CAST({column} AS BINARY) NOT IN ({}, {ours}) AND {column} NOT LIKE '{FOLDER}%'", literals(&SYSTEM))
    } else {
        format!("CAST({column} AS BINARY) IN ({})", literals(databases))
    }
}
