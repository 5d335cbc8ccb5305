//! Questions about how tables are made, and about everything beside their rows: what two servers must have alike.

use super::Dialect;
use super::catalog::{Databases, within};
use crate::domain::product::Version;
use crate::domain::sql::number;
use crate::domain::{Sql, Words};
use crate::sql;

/// What stands for the text of a view or a routine that the account may not see.
pub const NOT_SHOWN: &str = "(not shown)";
/// Kinds of tables that hold rows of their own.
const WITH_ROWS: &str = "'BASE TABLE', 'SYSTEM VERSIONED'";

impl Dialect {
    /// Tables that hold rows: columns `in_database`, `name`, `kind` (`SYSTEM VERSIONED` where there is a history), `engine`,
    /// `made` (when it was made, or altered so that its rows were), `row_count`, `bytes` (both estimated).
    #[must_use]
    pub fn tables_with_rows<D: Databases + ?Sized>(self, databases: &D) -> Sql {
        sql!(
            "SELECT TABLE_SCHEMA AS in_database, TABLE_NAME AS name, TABLE_TYPE AS kind, ENGINE AS engine, \
             CREATE_TIME AS made, COALESCE(TABLE_ROWS, 0) AS row_count, COALESCE(DATA_LENGTH, 0) AS bytes FROM information_schema.TABLES \
             WHERE TABLE_TYPE IN ({}) AND {} ORDER BY DATA_LENGTH DESC, TABLE_SCHEMA, TABLE_NAME",
            WITH_ROWS,
            within("TABLE_SCHEMA", databases)
        )
    }

    /// Columns of every table, in order: columns `in_database`, `in_table`, `name`, `data_type`, `type`, `nullable`,
    /// `charset`, `collation`, `extra`, `expression` (of a generated column).
    #[must_use]
    pub fn table_columns<D: Databases + ?Sized>(self, databases: &D) -> Sql {
        let generated = if self.knows_expressions() { "GENERATION_EXPRESSION" } else { "NULL" };
        sql!(
            "SELECT TABLE_SCHEMA AS in_database, TABLE_NAME AS in_table, COLUMN_NAME AS name, DATA_TYPE AS data_type, \
             COLUMN_TYPE AS type, IS_NULLABLE AS nullable, CHARACTER_SET_NAME AS charset, \
             COLLATION_NAME AS collation, EXTRA AS extra, {} AS expression FROM information_schema.COLUMNS \
             WHERE {} ORDER BY TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION",
            generated,
            within("TABLE_SCHEMA", databases)
        )
    }

    /// Columns of unique indexes, in order: columns `in_database`, `in_table`, `index_name`, `name`, `prefix` (NULL
    /// where the whole value is indexed).
    #[must_use]
    pub fn unique_keys<D: Databases + ?Sized>(self, databases: &D) -> Sql {
        sql!(
            "SELECT TABLE_SCHEMA AS in_database, TABLE_NAME AS in_table, INDEX_NAME AS index_name, \
             COLUMN_NAME AS name, SUB_PART AS prefix FROM information_schema.STATISTICS WHERE NON_UNIQUE = 0 AND {} \
             ORDER BY TABLE_SCHEMA, TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX",
            within("TABLE_SCHEMA", databases)
        )
    }

    /// The next value of each table's counter: columns `in_database`, `in_table`, `of_table`, `object` and `detail`, which is
    /// the number.
    #[must_use]
    pub fn counters<D: Databases + ?Sized>(self, databases: &D) -> Sql {
        sql!(
            "SELECT TABLE_SCHEMA AS in_database, TABLE_NAME AS in_table, CONCAT(TABLE_SCHEMA, '.', TABLE_NAME) AS of_table, \
             CONCAT(TABLE_SCHEMA, '.', TABLE_NAME) AS object, AUTO_INCREMENT AS detail FROM information_schema.TABLES WHERE AUTO_INCREMENT IS NOT NULL AND {}",
            within("TABLE_SCHEMA", databases)
        )
    }

    /// Raises the next value of a table's counter; `None` for a table that only the run will know.
    #[must_use]
    pub fn raise_counter(self, table: Option<Sql>, next: impl Into<Words>) -> Sql {
        sql!("ALTER TABLE {} AUTO_INCREMENT = {}", stretch("table", table), number(next))
    }

    /// Whether this server and `other` write definitions in the same words, so that defaults, bodies and expressions
    /// can be compared letter by letter.
    #[must_use]
    pub fn same_words(self, other: Self) -> bool {
        let series = |Version(major, minor, _)| (major, minor);
        let (ours, theirs) = (self.product, other.product);
        ours.family == theirs.family && series(ours.version) == series(theirs.version) && self.knows_expressions()
    }

    fn knows_expressions(self) -> bool {
        self.mariadb(10, 2, 5) || self.mysql(5, 7, 0)
    }

    /// How a sequence (`None` for one that only the run will know) is made and how far it has come: `definition`, `rising` (1 or 0), `round` (how
    /// often it restarted), `next`, from which on values were never given.
    #[must_use]
    pub fn sequence_state(self, sequence: Option<Sql>) -> Sql {
        sql!(
            "SELECT CONCAT_WS(' ', 'from', minimum_value, 'to', maximum_value, 'start', start_value, 'by', increment, \
             'cache', cache_size, 'cycle', cycle_option) AS definition, increment > 0 AS rising, cycle_count AS round, \
             next_not_cached_value AS next FROM {}",
            stretch("sequence", sequence)
        )
    }

    /// Whether names of tables are kept in small letters: 0 where they are not.
    #[must_use]
    pub fn folds_names(self) -> &'static str {
        "SELECT @@GLOBAL.lower_case_table_names"
    }

    /// Definitions, one statement a kind of object, each with the columns `of_table` (NULL for what belongs to none),
    /// `object` and `detail`. Without `words` only what every version spells alike.
    #[must_use]
    pub fn definitions<D: Databases + ?Sized>(self, databases: &D, words: bool) -> Vec<Sql> {
        let mut all: Vec<Sql> = PLAIN.iter().map(|question| question.asked(databases)).collect();
        if words {
            all.extend(WORDED.iter().map(|question| question.asked(databases)));
            if self.mariadb(10, 3, 10) {
                all.push(CHECKS_OF_TABLES.asked(databases));
            } else if self.mysql(8, 0, 16) {
                all.push(CHECKS.asked(databases));
            }
        }
        all
    }
}

/// One kind of definition: the view it is read from, the view's column that names the database, what is asked.
struct Question {
    view: &'static str,
    database: &'static str,
    of_table: &'static str,
    object: &'static str,
    detail: &'static str,
    rest: &'static str,
}

impl Question {
    fn asked<D: Databases + ?Sized>(&self, databases: &D) -> Sql {
        sql!(
            "SELECT {} AS of_table, {} AS object, {} AS detail FROM information_schema.{} WHERE {}{}",
            self.of_table,
            self.object,
            self.detail,
            self.view,
            within(self.database, databases),
            self.rest
        )
    }
}

/// What is in a statement where a plan can only describe it, as `about`.
fn stretch(about: &'static str, known: Option<Sql>) -> Sql {
    known.map_or_else(|| Sql::late(about), |known| Sql::found(about, &known))
}

const OF_TABLE: &str = "CONCAT(TABLE_SCHEMA, '.', TABLE_NAME)";

const PLAIN: &[Question] = &[
    Question {
        view: "SCHEMATA",
        database: "SCHEMA_NAME",
        of_table: "NULL",
        object: "CONCAT('database ', SCHEMA_NAME)",
        detail: "CONCAT_WS(' ', DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME)",
        rest: "",
    },
    Question {
        view: "TABLES",
        database: "TABLE_SCHEMA",
        of_table: OF_TABLE,
        object: "CONCAT('table ', TABLE_SCHEMA, '.', TABLE_NAME)",
        detail: "CONCAT_WS(' ', TABLE_TYPE, ENGINE, TABLE_COLLATION)",
        rest: "",
    },
    Question {
        view: "COLUMNS",
        database: "TABLE_SCHEMA",
        of_table: OF_TABLE,
        object: "CONCAT('column ', TABLE_SCHEMA, '.', TABLE_NAME, '.', COLUMN_NAME)",
        detail: "CONCAT_WS(' ', ORDINAL_POSITION, COLUMN_TYPE, COLLATION_NAME, \
                 IF(IS_NULLABLE = 'YES', 'NULL', 'NOT NULL'))",
        rest: "",
    },
    Question {
        view: "STATISTICS",
        database: "TABLE_SCHEMA",
        of_table: OF_TABLE,
        object: "CONCAT('index ', TABLE_SCHEMA, '.', TABLE_NAME, '.', INDEX_NAME)",
        detail: "CONCAT(IF(NON_UNIQUE = 0, 'unique ', ''), INDEX_TYPE, ' (', GROUP_CONCAT(CONCAT(COALESCE(COLUMN_NAME, \
                 'an expression'), COALESCE(CONCAT('(', SUB_PART, ')'), '')) ORDER BY SEQ_IN_INDEX), ')')",
        rest: " GROUP BY TABLE_SCHEMA, TABLE_NAME, INDEX_NAME, NON_UNIQUE, INDEX_TYPE",
    },
    Question {
        view: "KEY_COLUMN_USAGE",
        database: "TABLE_SCHEMA",
        of_table: OF_TABLE,
        object: "CONCAT('foreign key ', TABLE_SCHEMA, '.', TABLE_NAME, '.', CONSTRAINT_NAME)",
        detail: "CONCAT(GROUP_CONCAT(COLUMN_NAME ORDER BY ORDINAL_POSITION), ' to ', REFERENCED_TABLE_SCHEMA, '.', \
                 REFERENCED_TABLE_NAME, ' ', GROUP_CONCAT(REFERENCED_COLUMN_NAME ORDER BY ORDINAL_POSITION))",
        rest: " AND REFERENCED_TABLE_NAME IS NOT NULL GROUP BY TABLE_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, \
               REFERENCED_TABLE_SCHEMA, REFERENCED_TABLE_NAME",
    },
    Question {
        view: "REFERENTIAL_CONSTRAINTS",
        database: "CONSTRAINT_SCHEMA",
        of_table: "CONCAT(CONSTRAINT_SCHEMA, '.', TABLE_NAME)",
        object: "CONCAT('rules of foreign key ', CONSTRAINT_SCHEMA, '.', TABLE_NAME, '.', CONSTRAINT_NAME)",
        detail: "CONCAT('update ', UPDATE_RULE, ', delete ', DELETE_RULE)",
        rest: "",
    },
];

const WORDED: &[Question] = &[
    Question {
        view: "COLUMNS",
        database: "TABLE_SCHEMA",
        of_table: OF_TABLE,
        object: "CONCAT('default of column ', TABLE_SCHEMA, '.', TABLE_NAME, '.', COLUMN_NAME)",
        detail: "CONCAT_WS(' ', COLUMN_DEFAULT, NULLIF(EXTRA, ''), GENERATION_EXPRESSION)",
        rest: "",
    },
    Question {
        view: "PARTITIONS",
        database: "TABLE_SCHEMA",
        of_table: OF_TABLE,
        object: "CONCAT('partition ', TABLE_SCHEMA, '.', TABLE_NAME, '.', \
                 CONCAT_WS('.', PARTITION_NAME, SUBPARTITION_NAME))",
        detail: "CONCAT_WS(' ', PARTITION_METHOD, PARTITION_EXPRESSION, PARTITION_DESCRIPTION, \
                 SUBPARTITION_EXPRESSION)",
        rest: " AND PARTITION_NAME IS NOT NULL",
    },
    Question {
        view: "VIEWS",
        database: "TABLE_SCHEMA",
        of_table: OF_TABLE,
        object: "CONCAT('view ', TABLE_SCHEMA, '.', TABLE_NAME)",
        detail: "CONCAT_WS(' ', DEFINER, SECURITY_TYPE, CHECK_OPTION, COALESCE(NULLIF(VIEW_DEFINITION, ''), '(not shown)'))",
        rest: "",
    },
    Question {
        view: "TRIGGERS",
        database: "TRIGGER_SCHEMA",
        of_table: "CONCAT(EVENT_OBJECT_SCHEMA, '.', EVENT_OBJECT_TABLE)",
        object: "CONCAT('trigger ', TRIGGER_SCHEMA, '.', TRIGGER_NAME)",
        detail: "CONCAT_WS(' ', DEFINER, SQL_MODE, ACTION_TIMING, EVENT_MANIPULATION, EVENT_OBJECT_TABLE, \
                 ACTION_ORDER, COALESCE(NULLIF(ACTION_STATEMENT, ''), '(not shown)'))",
        rest: "",
    },
    Question {
        view: "ROUTINES",
        database: "ROUTINE_SCHEMA",
        of_table: "NULL",
        object: "CONCAT(LOWER(ROUTINE_TYPE), ' ', ROUTINE_SCHEMA, '.', ROUTINE_NAME)",
        detail: "CONCAT_WS(' ', DEFINER, SECURITY_TYPE, SQL_DATA_ACCESS, IS_DETERMINISTIC, SQL_MODE, DTD_IDENTIFIER, \
                 COALESCE(ROUTINE_DEFINITION, '(not shown)'))",
        rest: "",
    },
    Question {
        view: "PARAMETERS",
        database: "SPECIFIC_SCHEMA",
        of_table: "NULL",
        object: "CONCAT('parameters of ', LOWER(ROUTINE_TYPE), ' ', SPECIFIC_SCHEMA, '.', SPECIFIC_NAME)",
        detail: "GROUP_CONCAT(CONCAT_WS(' ', PARAMETER_MODE, PARAMETER_NAME, DTD_IDENTIFIER, COLLATION_NAME) \
                 ORDER BY ORDINAL_POSITION)",
        rest: " GROUP BY SPECIFIC_SCHEMA, SPECIFIC_NAME, ROUTINE_TYPE",
    },
    // whether an event is on is left out: on a replica it must be off
    Question {
        view: "EVENTS",
        database: "EVENT_SCHEMA",
        of_table: "NULL",
        object: "CONCAT('event ', EVENT_SCHEMA, '.', EVENT_NAME)",
        detail: "CONCAT_WS(' ', DEFINER, TIME_ZONE, SQL_MODE, EVENT_TYPE, EXECUTE_AT, INTERVAL_VALUE, INTERVAL_FIELD, \
                 ENDS, ON_COMPLETION, EVENT_DEFINITION)",
        rest: "",
    },
];

/// `MariaDB`: names of checks are unique within a table.
const CHECKS_OF_TABLES: Question = Question {
    of_table: "CONCAT(CONSTRAINT_SCHEMA, '.', TABLE_NAME)",
    object: "CONCAT('check ', CONSTRAINT_SCHEMA, '.', TABLE_NAME, '.', CONSTRAINT_NAME)",
    ..CHECKS
};

/// `MySQL`: within a database.
const CHECKS: Question = Question {
    view: "CHECK_CONSTRAINTS",
    database: "CONSTRAINT_SCHEMA",
    of_table: "NULL",
    object: "CONCAT('check ', CONSTRAINT_SCHEMA, '.', CONSTRAINT_NAME)",
    detail: "CHECK_CLAUSE",
    rest: "",
};
