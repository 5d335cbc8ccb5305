//! Databases of the tool's own, and how it is proved that nothing else stands in them.

use super::Dialect;
use crate::domain::Sql;
use crate::domain::sql::{identifier, literal, table};
use crate::sql;

/// A database of the tool's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnDatabase {
    /// Rows that time a replica and prove that the last one has arrived. They are replicated.
    Tokens,
    /// Accounts that a fence has locked. Never replicated.
    Fence,
    /// Accounts as they were before a server began to follow another one. Never replicated.
    Before,
}

impl OwnDatabase {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Tokens, Self::Fence, Self::Before];

    /// Its name on every server.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tokens => "cutover",
            Self::Fence => "cutover_fence",
            Self::Before => "cutover_before",
        }
    }
}

impl Dialect {
    /// What stands in `database` and is not the tool's: column `name`, with its kind in front. A table is the tool's by
    /// its name and its columns; those of [`OwnDatabase::Before`] are copies, whose columns differ by version.
    #[must_use]
    pub fn foreign_objects(self, database: OwnDatabase) -> Sql {
        let name = literal(database.name());
        let columns = "GROUP_CONCAT(COLUMN_NAME ORDER BY ORDINAL_POSITION)";
        let ours = match database {
            OwnDatabase::Tokens => sql!("TABLE_NAME = 'token' AND {} = 'run,purpose,value'", columns),
            OwnDatabase::Fence => sql!("TABLE_NAME = 'locked_account' AND {} = 'run,user,host'", columns),
            OwnDatabase::Before => sql!("TABLE_NAME IN ({})", literals(self.tables_of(database))),
        };
        let other = |kind: &'static str, source: &'static str, prefix: &'static str, object: &'static str| {
            sql!(
                "SELECT CONCAT({}, ' ', {}) AS name FROM information_schema.{} WHERE {}_SCHEMA = {}",
                kind,
                object,
                source,
                prefix,
                &name
            )
        };
        sql!(
            "SELECT CONCAT('table ', TABLE_NAME) AS name FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = {} \
             GROUP BY TABLE_NAME HAVING NOT ({}) UNION ALL {} UNION ALL {} UNION ALL {}",
            &name,
            ours,
            other("LOWER(ROUTINE_TYPE)", "ROUTINES", "ROUTINE", "ROUTINE_NAME"),
            other("'event'", "EVENTS", "EVENT", "EVENT_NAME"),
            other("'trigger'", "TRIGGERS", "TRIGGER", "TRIGGER_NAME"),
        )
    }

    /// Removes `database`, which is there: first the tool's own tables, then what must be empty by then.
    #[must_use]
    pub fn remove_own(self, database: OwnDatabase) -> [Sql; 2] {
        let tables = self.tables_of(database).into_iter().map(|name| table(database.name(), name));
        [
            sql!("DROP TABLE IF EXISTS {}", Sql::join(tables, ", ")),
            sql!("DROP DATABASE {}", identifier(database.name())),
        ]
    }

    fn tables_of(self, database: OwnDatabase) -> Vec<&'static str> {
        match database {
            OwnDatabase::Tokens => vec!["token"],
            OwnDatabase::Fence => vec!["locked_account"],
            OwnDatabase::Before => {
                let kept = self.grant_tables().into_iter().map(|table| table.name);
                kept.chain(["apart", "func", "run"]).collect()
            }
        }
    }
}

fn literals(names: impl IntoIterator<Item = &'static str>) -> Sql {
    Sql::join(names.into_iter().map(literal), ", ")
}

#[cfg(test)]
mod tests {
    use super::OwnDatabase;
    use crate::dialect::Dialect;
    use crate::domain::product::Product;

    #[test]
    fn only_known_tables_are_dropped() {
        let dialect = Dialect::from(Product::default());
        assert_eq!(
            dialect.remove_own(OwnDatabase::Tokens).map(|text| text.to_string()),
            ["DROP TABLE IF EXISTS `cutover`.`token`", "DROP DATABASE `cutover`"]
        );
        let [tables, _] = dialect.remove_own(OwnDatabase::Before).map(|text| text.to_string());
        assert!(tables.contains("`cutover_before`.`run`"), "{tables}");
        assert!(dialect.foreign_objects(OwnDatabase::Fence).to_string().contains("'run,user,host'"));
    }
}
