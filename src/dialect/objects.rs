//! Questions about what may not survive a move: code and its definers, collations, and what only one family has. Lists
//! of databases: an empty one means every user database.

use super::Dialect;
use super::catalog::{Databases, within};
use crate::domain::sql::{identifier, number, table, word};
use crate::domain::{Sql, Words};
use crate::sql;

impl Dialect {
    /// Who defined what: columns `name` (with its kind before it) and `definer` (`user@host`).
    #[must_use]
    pub fn definers<D: Databases + ?Sized>(self, databases: &D) -> Sql {
        let part = |table: &'static str, kind: &'static str, schema: &'static str, name: &'static str| {
            sql!(
                "SELECT CONCAT({}, ' ', {}, '.', {}) AS name, DEFINER AS definer FROM information_schema.{} WHERE {}",
                kind,
                schema,
                name,
                table,
                within(schema, databases)
            )
        };
        let parts = [
            part("VIEWS", "'view'", "TABLE_SCHEMA", "TABLE_NAME"),
            part("ROUTINES", "LOWER(ROUTINE_TYPE)", "ROUTINE_SCHEMA", "ROUTINE_NAME"),
            part("TRIGGERS", "'trigger'", "TRIGGER_SCHEMA", "TRIGGER_NAME"),
            part("EVENTS", "'event'", "EVENT_SCHEMA", "EVENT_NAME"),
        ];
        sql!("{} ORDER BY 1", Sql::join(parts, " UNION ALL "))
    }

    /// Events that run: column `name`.
    #[must_use]
    pub fn enabled_events<D: Databases + ?Sized>(self, databases: &D) -> Sql {
        sql!(
            "SELECT CONCAT(EVENT_SCHEMA, '.', EVENT_NAME) AS name FROM information_schema.EVENTS \
             WHERE STATUS = 'ENABLED' AND {} ORDER BY 1",
            within("EVENT_SCHEMA", databases)
        )
    }

    /// Collations of columns, tables, databases and routines: columns `name`, `used_by` (one of the users).
    #[must_use]
    pub fn used_collations<D: Databases + ?Sized>(self, databases: &D) -> Sql {
        sql!(
            "SELECT name, MIN(used_by) AS used_by FROM (\
             SELECT COLLATION_NAME AS name, CONCAT(TABLE_SCHEMA, '.', TABLE_NAME, '.', COLUMN_NAME) AS used_by \
             FROM information_schema.COLUMNS WHERE {} UNION \
             SELECT TABLE_COLLATION, CONCAT(TABLE_SCHEMA, '.', TABLE_NAME) FROM information_schema.TABLES WHERE {} UNION \
             SELECT DEFAULT_COLLATION_NAME, SCHEMA_NAME FROM information_schema.SCHEMATA WHERE {} UNION \
             SELECT DATABASE_COLLATION, CONCAT(ROUTINE_SCHEMA, '.', ROUTINE_NAME) FROM information_schema.ROUTINES \
             WHERE {}) used WHERE name IS NOT NULL GROUP BY name ORDER BY name",
            within("TABLE_SCHEMA", databases),
            within("TABLE_SCHEMA", databases),
            within("SCHEMA_NAME", databases),
            within("ROUTINE_SCHEMA", databases)
        )
    }

    /// Collations the server knows: column `name`. Those of the Unicode 14 set stand in `MariaDB` without the character
    /// set's name in front.
    #[must_use]
    pub fn known_collations(self) -> &'static str {
        "SELECT COLLATION_NAME AS name FROM information_schema.COLLATIONS ORDER BY 1"
    }

    /// Columns that the server computes: column `name`.
    #[must_use]
    pub fn generated_columns<D: Databases + ?Sized>(self, databases: &D) -> Sql {
        sql!(
            "SELECT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME, '.', COLUMN_NAME) AS name FROM information_schema.COLUMNS \
             WHERE GENERATION_EXPRESSION <> '' AND {} ORDER BY 1",
            within("TABLE_SCHEMA", databases)
        )
    }

    /// Foreign keys that refer to columns which no unique key covers: column `name`. `MySQL` 8.4 and newer refuse them
    /// (`restrict_fk_on_non_standard_key`).
    #[must_use]
    pub fn foreign_keys_to_no_key<D: Databases + ?Sized>(self, databases: &D) -> Sql {
        sql!(
            "SELECT CONCAT(CONSTRAINT_SCHEMA, '.', TABLE_NAME, '.', CONSTRAINT_NAME) AS name \
             FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE UNIQUE_CONSTRAINT_NAME IS NULL AND {} ORDER BY 1",
            within("CONSTRAINT_SCHEMA", databases)
        )
    }

    /// Foreign keys whose names are longer than the 64 signs that a server reads back: column `name`. `InnoDB` makes such a name
    /// when a table gets a long one (`RENAME TABLE`), lists its first 64 signs, and prints it whole in `SHOW CREATE TABLE`: a dump
    /// with it is refused (error 1059, by `MariaDB` 10.5.23 and 11.8.9 and `MySQL` 9.7.4).
    #[must_use]
    pub fn long_foreign_keys<D: Databases + ?Sized>(self, databases: &D) -> Sql {
        sql!(
            "SELECT DISTINCT CONCAT(CONSTRAINT_SCHEMA, '.', TABLE_NAME, '.', CONSTRAINT_NAME) AS name \
             FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE (CHAR_LENGTH(CONSTRAINT_NAME) > 64 \
             OR CHAR_LENGTH(TABLE_NAME) > 57 AND CONSTRAINT_NAME = LEFT(CONCAT(TABLE_NAME, '_ibfk_'), 64)) AND {} ORDER BY 1",
            within("CONSTRAINT_SCHEMA", databases)
        )
    }

    /// Foreign keys by which a change of one row changes others: column `name`.
    #[must_use]
    pub fn cascading_foreign_keys<D: Databases + ?Sized>(self, databases: &D) -> Sql {
        sql!(
            "SELECT CONCAT(CONSTRAINT_SCHEMA, '.', TABLE_NAME, '.', CONSTRAINT_NAME) AS name \
             FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE (DELETE_RULE IN ('CASCADE', 'SET NULL') \
             OR UPDATE_RULE IN ('CASCADE', 'SET NULL')) AND {} ORDER BY 1",
            within("CONSTRAINT_SCHEMA", databases)
        )
    }

    /// Tables and columns of kinds that this family has and the other lacks, or keeps otherwise: column `name`.
    #[must_use]
    pub fn objects_of_one_family<D: Databases + ?Sized>(self, databases: &D) -> Sql {
        let types = if self.is_mariadb() { "'inet4', 'inet6', 'uuid', 'vector'" } else { "'json', 'vector'" };
        sql!(
            "SELECT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME, ' (', LOWER(TABLE_TYPE), ')') AS name \
             FROM information_schema.TABLES WHERE TABLE_TYPE IN ('SEQUENCE', 'SYSTEM VERSIONED') AND {} UNION \
             SELECT CONCAT(c.TABLE_SCHEMA, '.', c.TABLE_NAME, '.', c.COLUMN_NAME, ' (', c.DATA_TYPE, ')') \
             FROM information_schema.COLUMNS c JOIN information_schema.TABLES t ON t.TABLE_SCHEMA = c.TABLE_SCHEMA \
             AND t.TABLE_NAME = c.TABLE_NAME AND t.TABLE_TYPE <> 'VIEW' \
             WHERE c.DATA_TYPE IN ({}) AND {} ORDER BY 1",
            within("TABLE_SCHEMA", databases),
            types,
            within("c.TABLE_SCHEMA", databases)
        )
    }

    /// Columns that hold documents in a form of their own, which only `MySQL` has: column `name`.
    #[must_use]
    pub fn json_columns<D: Databases + ?Sized>(self, databases: &D) -> Option<Sql> {
        (!self.is_mariadb()).then(|| {
            sql!(
                "SELECT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME, '.', COLUMN_NAME) AS name FROM information_schema.COLUMNS \
                 WHERE DATA_TYPE = 'json' AND {} ORDER BY 1",
                within("TABLE_SCHEMA", databases)
            )
        })
    }

    /// `FLOAT` columns: columns `name`, and `finds_rows`, `1` where a replica finds the table's rows by it: it is of the
    /// primary key, or there is none.
    #[must_use]
    pub fn float_columns<D: Databases + ?Sized>(self, databases: &D) -> Sql {
        sql!(
            "SELECT CONCAT(c.TABLE_SCHEMA, '.', c.TABLE_NAME, '.', c.COLUMN_NAME) AS name, \
             IF(c.COLUMN_KEY = 'PRI' OR k.CONSTRAINT_NAME IS NULL, 1, 0) AS finds_rows \
             FROM information_schema.COLUMNS c JOIN information_schema.TABLES t ON t.TABLE_SCHEMA = c.TABLE_SCHEMA \
             AND t.TABLE_NAME = c.TABLE_NAME AND t.TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED') \
             LEFT JOIN information_schema.TABLE_CONSTRAINTS k ON k.TABLE_SCHEMA = c.TABLE_SCHEMA \
             AND k.TABLE_NAME = c.TABLE_NAME AND k.CONSTRAINT_TYPE = 'PRIMARY KEY' \
             WHERE c.DATA_TYPE = 'float' AND {} ORDER BY 1",
            within("c.TABLE_SCHEMA", databases)
        )
    }

    /// Sequences, which only `MariaDB` has: columns `in_database`, `name`, and the `charset` and `collation` that their
    /// database gives to new tables.
    #[must_use]
    pub fn sequences<D: Databases + ?Sized>(self, databases: &D) -> Option<Sql> {
        let text = sql!(
            "SELECT TABLE_SCHEMA AS in_database, TABLE_NAME AS name, DEFAULT_CHARACTER_SET_NAME AS charset, \
             DEFAULT_COLLATION_NAME AS collation FROM information_schema.TABLES \
             JOIN information_schema.SCHEMATA ON SCHEMA_NAME = TABLE_SCHEMA \
             WHERE TABLE_TYPE = 'SEQUENCE' AND {} ORDER BY 1, 2",
            within("TABLE_SCHEMA", databases)
        );
        self.mariadb(10, 3, 0).then_some(text)
    }

    /// Makes a database unless it is there.
    #[must_use]
    pub fn create_database(
        self,
        name: impl Into<Words>,
        charset: impl Into<Words>,
        collation: impl Into<Words>,
    ) -> Sql {
        sql!(
            "CREATE DATABASE IF NOT EXISTS {} DEFAULT CHARACTER SET {} COLLATE {}",
            identifier(name),
            word(charset),
            word(collation)
        )
    }

    /// Makes a sequence unless it is there.
    #[must_use]
    pub fn create_sequence(self, database: impl Into<Words>, name: impl Into<Words>) -> Sql {
        sql!("CREATE SEQUENCE IF NOT EXISTS {}", table(database, name))
    }

    /// Functions loaded from libraries and remote servers, which stand in system tables and are not dumped: column
    /// `name`.
    #[must_use]
    pub fn left_in_system_tables(self) -> &'static str {
        "SELECT CONCAT('function ', name, ' of ', dl) AS name FROM mysql.func \
         UNION ALL SELECT CONCAT('server ', Server_name) FROM mysql.servers ORDER BY 1"
    }

    /// How many named time zones the server knows, one value.
    #[must_use]
    pub fn named_time_zones(self) -> &'static str {
        "SELECT COUNT(*) FROM mysql.time_zone_name"
    }

    /// Statements that run for `seconds` already: columns `id`, `user`, `seconds`, `query`.
    #[must_use]
    pub fn long_statements(self, seconds: u32) -> Sql {
        sql!(
            "SELECT ID AS id, USER AS user, TIME AS seconds, LEFT(INFO, 60) AS query \
             FROM information_schema.PROCESSLIST WHERE COMMAND IN ('Query', 'Execute') AND TIME > {} \
             AND ID <> CONNECTION_ID() AND USER NOT IN ('system user', 'event_scheduler') ORDER BY TIME DESC",
            number(seconds)
        )
    }
}
