//! What a newer series may not take of an older one: texts that people have written, and odd columns. Lists of databases: an
//! empty one means every user database.

use super::Dialect;
use super::catalog::{Databases, within};
use crate::domain::Sql;
use crate::domain::sql::literal;
use crate::sql;

impl Dialect {
    /// Variables that were set in files or on the command line: column `name`. `None` if the server does not show it.
    #[must_use]
    pub fn set_by_people(self) -> Option<&'static str> {
        if self.is_mariadb() {
            Some(
                "SELECT VARIABLE_NAME AS name FROM information_schema.SYSTEM_VARIABLES \
                 WHERE GLOBAL_VALUE_ORIGIN IN ('CONFIG', 'COMMAND-LINE') ORDER BY 1",
            )
        } else {
            self.mysql(8, 0, 0).then_some(
                "SELECT VARIABLE_NAME AS name FROM performance_schema.variables_info \
                 WHERE VARIABLE_SOURCE IN ('GLOBAL', 'SERVER', 'EXPLICIT', 'EXTRA', 'USER', 'COMMAND_LINE') ORDER BY 1",
            )
        }
    }

    /// Every variable that there is: column `name`.
    #[must_use]
    pub fn variable_names(self) -> &'static str {
        if self.is_mariadb() {
            "SELECT LOWER(VARIABLE_NAME) AS name FROM information_schema.GLOBAL_VARIABLES ORDER BY 1"
        } else {
            "SELECT VARIABLE_NAME AS name FROM performance_schema.global_variables ORDER BY 1"
        }
    }

    /// Everything that holds statements: columns `name`, `body`, `sql_mode`. What the account may not read is NULL.
    #[must_use]
    pub fn written_code<D: Databases + ?Sized>(self, databases: &D) -> Sql {
        let part = |table: &'static str,
                    schema: &'static str,
                    name: &'static str,
                    body: &'static str,
                    mode: &'static str| {
            sql!(
                "SELECT CONCAT({}, '.', {}) AS name, {} AS body, {} AS sql_mode FROM information_schema.{} WHERE {}",
                schema,
                name,
                body,
                mode,
                table,
                within(schema, databases)
            )
        };
        let parts = [
            part("ROUTINES", "ROUTINE_SCHEMA", "ROUTINE_NAME", "ROUTINE_DEFINITION", "SQL_MODE"),
            part("TRIGGERS", "TRIGGER_SCHEMA", "TRIGGER_NAME", "ACTION_STATEMENT", "SQL_MODE"),
            part("EVENTS", "EVENT_SCHEMA", "EVENT_NAME", "EVENT_DEFINITION", "SQL_MODE"),
            part("VIEWS", "TABLE_SCHEMA", "TABLE_NAME", "VIEW_DEFINITION", "''"),
        ];
        sql!("{} ORDER BY 1", Sql::join(parts, " UNION ALL "))
    }

    /// Columns that a newer series treats otherwise: columns `name`, `what`. A counter of a floating type, a default of zeros
    /// for a date, an element of ENUM or SET with more than 255 signs, a part of a column that tables are partitioned by.
    #[must_use]
    pub fn odd_columns<D: Databases + ?Sized>(self, databases: &D) -> Sql {
        let column = |what: &'static str, condition: &'static str| {
            sql!(
                "SELECT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME, '.', COLUMN_NAME) AS name, '{}' AS what \
                 FROM information_schema.COLUMNS WHERE {} AND {}",
                what,
                condition,
                within("TABLE_SCHEMA", databases)
            )
        };
        let parts = [
            column("floating counter", "EXTRA LIKE '%auto_increment%' AND DATA_TYPE IN ('float', 'double')"),
            column(
                "zero date",
                "DATA_TYPE IN ('date', 'datetime', 'timestamp') AND COLUMN_DEFAULT LIKE '%0000-00-00%'",
            ),
            column("long element", "DATA_TYPE IN ('enum', 'set') AND COLUMN_TYPE REGEXP '[^,]{256}'"),
            sql!(
                "SELECT DISTINCT CONCAT(s.TABLE_SCHEMA, '.', s.TABLE_NAME, '.', s.COLUMN_NAME), 'partition by prefix' \
                 FROM information_schema.STATISTICS s JOIN information_schema.PARTITIONS p ON p.TABLE_SCHEMA = s.TABLE_SCHEMA \
                 AND p.TABLE_NAME = s.TABLE_NAME WHERE s.SUB_PART IS NOT NULL AND p.PARTITION_METHOD LIKE '%KEY%' \
                 AND (p.PARTITION_EXPRESSION LIKE CONCAT('%', s.COLUMN_NAME, '%') OR p.PARTITION_EXPRESSION = '') AND {}",
                within("s.TABLE_SCHEMA", databases)
            ),
        ];
        sql!("{} ORDER BY 1, 2", Sql::join(parts, " UNION ALL "))
    }

    /// Tables and columns that have one of these words as their name: columns `name` (in full) and `word`.
    #[must_use]
    pub fn named_as<D: Databases + ?Sized>(self, words: &[&'static str], databases: &D) -> Sql {
        let words = || Sql::join(words.iter().map(|word| literal(*word)), ", ");
        sql!(
            "SELECT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME) AS name, UPPER(TABLE_NAME) AS word FROM information_schema.TABLES \
             WHERE UPPER(TABLE_NAME) IN ({}) AND {} UNION ALL \
             SELECT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME, '.', COLUMN_NAME), UPPER(COLUMN_NAME) \
             FROM information_schema.COLUMNS WHERE UPPER(COLUMN_NAME) IN ({}) AND {} ORDER BY 1",
            words(),
            within("TABLE_SCHEMA", databases),
            words(),
            within("TABLE_SCHEMA", databases)
        )
    }
}
