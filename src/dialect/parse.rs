//! Statements by which a server is asked whether it reads a definition of another one. `PREPARE` reads a statement and
//! carries nothing out: the server's parser answers, and no object, no line of the binary log and no privilege is
//! needed for it.
//!
//! What a server cannot prepare (error 1295) it has read before it reports that: routines and triggers on `MySQL` and
//! on `MariaDB` before 10.6. Measured with `MariaDB` 10.5.23, 10.11.19 and 11.8.9 and `MySQL` 9.7.4.

use super::Dialect;
use super::catalog::{Databases, within};
use crate::domain::sql::{literal, table};
use crate::domain::{Sql, Words};
use crate::sql;

/// A kind of object that is defined by one statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display, strum::EnumString, strum::EnumIter)]
#[strum(serialize_all = "lowercase")]
pub enum Defined {
    /// A stored procedure.
    Procedure,
    /// A stored function.
    Function,
    /// A trigger.
    Trigger,
    /// A scheduled event.
    Event,
    /// A view.
    View,
}

impl Defined {
    /// The column of its `SHOW CREATE` that holds the statement.
    #[must_use]
    pub const fn column(self) -> &'static str {
        match self {
            Self::Procedure => "Create Procedure",
            Self::Function => "Create Function",
            Self::Trigger => "SQL Original Statement",
            Self::Event => "Create Event",
            Self::View => "Create View",
        }
    }
}

impl Dialect {
    /// Everything that is defined by a statement other than that of a table: columns `kind`, `in_database`, `name`.
    #[must_use]
    pub fn defined<D: Databases + ?Sized>(self, databases: &D) -> Sql {
        let part = |kind: &'static str, schema: &'static str, name: &'static str, source: &'static str| {
            sql!(
                "SELECT {} AS kind, {} AS in_database, {} AS name FROM information_schema.{} WHERE {}",
                kind,
                schema,
                name,
                source,
                within(schema, databases)
            )
        };
        let parts = [
            part("LOWER(ROUTINE_TYPE)", "ROUTINE_SCHEMA", "ROUTINE_NAME", "ROUTINES"),
            part("'trigger'", "TRIGGER_SCHEMA", "TRIGGER_NAME", "TRIGGERS"),
            part("'event'", "EVENT_SCHEMA", "EVENT_NAME", "EVENTS"),
            part("'view'", "TABLE_SCHEMA", "TABLE_NAME", "VIEWS"),
        ];
        sql!("{} ORDER BY 2, 1, 3", Sql::join(parts, " UNION ALL "))
    }

    /// The statement that makes such an object, in a column of [`Defined::column`], beside `sql_mode` where it has one.
    #[must_use]
    pub fn show_defined(self, kind: Defined, database: impl Into<Words>, name: impl Into<Words>) -> Sql {
        let object = table(database, name);
        match kind {
            Defined::Procedure => sql!("SHOW CREATE PROCEDURE {}", object),
            Defined::Function => sql!("SHOW CREATE FUNCTION {}", object),
            Defined::Trigger => sql!("SHOW CREATE TRIGGER {}", object),
            Defined::Event => sql!("SHOW CREATE EVENT {}", object),
            Defined::View => sql!("SHOW CREATE VIEW {}", object),
        }
    }

    /// Gives names without a database one that every server has: without any, such a name ends the reading (error
    /// 1046), and `information_schema` refuses every object (1044).
    #[must_use]
    pub fn parse_somewhere(self) -> &'static str {
        "USE mysql"
    }

    /// Keeps the statement that is to be read. It is a value, so that no `sql_mode` changes where it ends.
    #[must_use]
    pub fn keep_statement(self, statement: impl Into<Words>) -> Sql {
        sql!("SET @cutover_definition = {}", literal(statement.into()))
    }

    /// Reads as an object of this `sql_mode` was read when it was made.
    #[must_use]
    pub fn parse_under(self, mode: impl Into<Words>) -> Sql {
        sql!("SET SESSION sql_mode = {}", literal(mode.into()))
    }

    /// Reads the statement that was kept, and does nothing of it.
    #[must_use]
    pub fn parse_kept(self) -> &'static str {
        "PREPARE cutover_definition FROM @cutover_definition"
    }
}

/// What the answer of [`Dialect::parse_kept`] shows about a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parsed {
    /// The server reads it.
    Read,
    /// It does not.
    Refused,
    /// Something else is in the way, which shows little about the statement.
    Unclear,
}

impl Parsed {
    /// By the error's number; `None` where there was none.
    #[must_use]
    pub const fn by(code: Option<u16>) -> Self {
        match code {
            // it cannot be prepared; or it has been read, and what it names is not there yet or not allowed
            None | Some(1295 | 1146 | 1049 | 1305 | 1356 | 1044 | 1142 | 1143 | 1227 | 1370 | 1449) => Self::Read,
            // syntax, character set, collation (two), variable (three), mode, function (three), "not yet", engine, a
            // name
            Some(
                1064 | 1149 | 1115 | 1253 | 1273 | 1193 | 1231 | 1238 | 1327 | 1128 | 1582 | 1583 | 1235 | 1286 | 1059,
            ) => Self::Refused,
            Some(_) => Self::Unclear,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Defined, Parsed};
    use crate::dialect::Dialect;
    use crate::domain::product::Product;
    use strum::IntoEnumIterator;

    #[test]
    fn what_the_servers_answered() {
        for (code, parsed) in [
            (None, Parsed::Read),
            (Some(1295), Parsed::Read),
            (Some(1146), Parsed::Read),
            (Some(1064), Parsed::Refused),
            (Some(1193), Parsed::Refused),
            (Some(1273), Parsed::Refused),
            (Some(1327), Parsed::Refused),
            (Some(1205), Parsed::Unclear),
        ] {
            assert_eq!(Parsed::by(code), parsed, "{code:?}");
        }
    }

    #[test]
    fn a_definition_stays_a_value() {
        let dialect = Dialect::from(Product::default());
        let hostile = "x'; DROP DATABASE shop; -- ";
        assert_eq!(
            dialect.keep_statement(hostile).to_string(),
            "SET @cutover_definition = 'x''; DROP DATABASE shop; -- '"
        );
        assert_eq!(dialect.show_defined(Defined::View, "a`b", "v").to_string(), "SHOW CREATE VIEW `a``b`.`v`");
        assert!(Defined::iter().all(|kind| kind.to_string().parse() == Ok(kind)));
    }
}
