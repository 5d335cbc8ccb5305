//! Questions about what a server holds. Lists of databases: an empty one means every user database.

use super::{Dialect, OwnDatabase};
use crate::domain::Sql;
use crate::domain::sql::{list, literal};
use crate::sql;

/// How `MariaDB` and old `MySQL` begin the name of a database whose folder is not named as they name folders, such as
/// `lost+found`: most of the time it is none.
const FOLDER: &str = "#mysql50#";

/// What stands for names of databases that a plan does not know.
const LISTED: &str = "each database";

const SYSTEM: &str = "'information_schema', 'mysql', 'performance_schema', 'sys'";

/// What holds rows: `MariaDB` has tables that keep their history, and sequences, under types of their own.
const ROWS: &str = "TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED', 'SEQUENCE')";
const WITH_KEYS: &str = "TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED')";

impl Dialect {
    /// User databases, without the runner's own: column `name`.
    #[must_use]
    pub fn user_databases(self) -> Sql {
        sql!(
            "SELECT SCHEMA_NAME AS name FROM information_schema.SCHEMATA WHERE {} ORDER BY SCHEMA_NAME",
            within("SCHEMA_NAME", &Every)
        )
    }

    /// Those of `databases` that exist: column `name`.
    #[must_use]
    pub fn existing_databases<D: Databases + ?Sized>(self, databases: &D) -> Sql {
        sql!(
            "SELECT SCHEMA_NAME AS name FROM information_schema.SCHEMATA WHERE {} ORDER BY SCHEMA_NAME",
            within("SCHEMA_NAME", databases)
        )
    }

    /// Tables that a consistent snapshot does not cover: columns `name`, `engine`.
    #[must_use]
    pub fn tables_outside_snapshot<D: Databases + ?Sized>(self, databases: &D) -> Sql {
        sql!(
            "SELECT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME) AS name, ENGINE AS engine FROM information_schema.TABLES \
             WHERE {} AND (ENGINE IS NULL OR ENGINE <> 'InnoDB') AND {} ORDER BY 1",
            ROWS,
            within("TABLE_SCHEMA", databases)
        )
    }

    /// Tables without a primary key, in which a replica must search every row it changes: column `name`.
    #[must_use]
    pub fn tables_without_key<D: Databases + ?Sized>(self, databases: &D) -> Sql {
        sql!(
            "SELECT CONCAT(t.TABLE_SCHEMA, '.', t.TABLE_NAME) AS name FROM information_schema.TABLES t \
             LEFT JOIN information_schema.TABLE_CONSTRAINTS c ON c.TABLE_SCHEMA = t.TABLE_SCHEMA \
             AND c.TABLE_NAME = t.TABLE_NAME AND c.CONSTRAINT_TYPE = 'PRIMARY KEY' \
             WHERE t.{} AND c.CONSTRAINT_NAME IS NULL AND {} ORDER BY 1",
            WITH_KEYS,
            within("t.TABLE_SCHEMA", databases)
        )
    }

    /// Size of all tables as the server estimates it: columns `bytes`, `row_count`, `tables`.
    #[must_use]
    pub fn total_size<D: Databases + ?Sized>(self, databases: &D) -> Sql {
        sql!(
            "SELECT CAST(COALESCE(SUM(DATA_LENGTH + INDEX_LENGTH), 0) AS UNSIGNED) AS bytes, \
             CAST(COALESCE(SUM(TABLE_ROWS), 0) AS UNSIGNED) AS row_count, COUNT(*) AS tables \
             FROM information_schema.TABLES WHERE {} AND {}",
            ROWS,
            within("TABLE_SCHEMA", databases)
        )
    }

    /// Tables that hold rows, sequences among them: columns `name`, `row_count`, `in_database`.
    #[must_use]
    pub fn tables<D: Databases + ?Sized>(self, databases: &D) -> Sql {
        sql!(
            "SELECT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME) AS name, TABLE_ROWS AS row_count, TABLE_SCHEMA AS in_database \
             FROM information_schema.TABLES WHERE {} AND {} ORDER BY 1",
            ROWS,
            within("TABLE_SCHEMA", databases)
        )
    }

    /// Everything that stands in user databases, of whatever type: column `name`, with its kind in front.
    #[must_use]
    pub fn objects(self) -> Sql {
        let part = |kind: &'static str, table: &'static str, schema: &'static str, name: &'static str| {
            sql!(
                "SELECT CONCAT({}, ' ', {}, '.', {}) AS name FROM information_schema.{} WHERE {}",
                kind,
                schema,
                name,
                table,
                within(schema, &Every)
            )
        };
        let parts = [
            part("REPLACE(LOWER(TABLE_TYPE), 'base ', '')", "TABLES", "TABLE_SCHEMA", "TABLE_NAME"),
            part("LOWER(ROUTINE_TYPE)", "ROUTINES", "ROUTINE_SCHEMA", "ROUTINE_NAME"),
            part("'event'", "EVENTS", "EVENT_SCHEMA", "EVENT_NAME"),
        ];
        sql!("{} ORDER BY 1", Sql::join(parts, " UNION ALL "))
    }

    /// Tables in folders that bear no database's name: column `name`.
    #[must_use]
    pub fn tables_in_odd_folders(self) -> Sql {
        sql!(
            "SELECT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME) AS name FROM information_schema.TABLES \
             WHERE TABLE_SCHEMA LIKE '{}%' ORDER BY 1",
            FOLDER
        )
    }
}

/// Databases of which something is asked.
pub trait Databases {
    /// Their names for a list; `None` for every user database.
    fn listed(&self) -> Option<Sql>;
}

/// Every user database.
#[derive(Debug, Clone, Copy)]
pub struct Every;

/// Databases whose names only the run will know.
#[derive(Debug, Clone, Copy)]
pub struct Late;

impl Databases for Every {
    fn listed(&self) -> Option<Sql> {
        None
    }
}

impl Databases for Late {
    fn listed(&self) -> Option<Sql> {
        Some(Sql::late(LISTED))
    }
}

impl<S: AsRef<str>> Databases for [S] {
    fn listed(&self) -> Option<Sql> {
        (!self.is_empty()).then(|| list(LISTED, self.iter().map(|name| literal(name.as_ref()))))
    }
}

impl<S: AsRef<str>> Databases for Vec<S> {
    fn listed(&self) -> Option<Sql> {
        self.as_slice().listed()
    }
}

impl<S: AsRef<str>, const N: usize> Databases for [S; N] {
    fn listed(&self) -> Option<Sql> {
        self.as_slice().listed()
    }
}

/// The condition that `column` is one of `databases`. Compared byte by byte: to many servers `Sys` and `sys` are two.
pub(super) fn within<D: Databases + ?Sized>(column: &'static str, databases: &D) -> Sql {
    if let Some(names) = databases.listed() {
        return sql!("CAST({} AS BINARY) IN ({})", column, names);
    }
    let ours = Sql::join(OwnDatabase::ALL.map(|database| literal(database.name())), ", ");
    sql!("CAST({} AS BINARY) NOT IN ({}, {}) AND {} NOT LIKE '{}%'", column, SYSTEM, ours, column, FOLDER)
}
