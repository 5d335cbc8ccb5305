//! Questions that a look before a move asks, and nothing else: where tables lie, how fast a server writes, how many
//! connections it has left. Lists of databases: an empty one means every user database.

use super::Dialect;
use super::catalog::{Databases, Every, within};
use crate::domain::Sql;
use crate::domain::sql::literal;
use crate::sql;

/// Counters of a server that [`Dialect::connection_counters`] reads.
pub const COUNTERS: [&str; 2] = ["Max_used_connections", "Threads_connected"];

impl Dialect {
    /// Tables whose place or encryption another server may not be able to repeat: columns `name`, `options`.
    #[must_use]
    pub fn special_storage<D: Databases + ?Sized>(self, databases: &D) -> Sql {
        let tables = sql!(
            "SELECT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME) AS name, CREATE_OPTIONS AS options \
             FROM information_schema.TABLES WHERE (CREATE_OPTIONS LIKE '%encrypt%' \
             OR CREATE_OPTIONS LIKE '%DIRECTORY%') AND {}",
            within("TABLE_SCHEMA", databases)
        );
        if !self.mysql(8, 0, 0) {
            return sql!("{} ORDER BY 1", tables);
        }
        // a table in a shared tablespace, and one in a folder of its own, which stands in no column of TABLES there
        sql!(
            "{} UNION SELECT REPLACE(t.NAME, '/', '.'), CONCAT('TABLESPACE ', s.NAME) \
             FROM information_schema.INNODB_TABLES t JOIN information_schema.INNODB_TABLESPACES s ON s.SPACE = t.SPACE \
             WHERE t.SPACE_TYPE = 'General' AND {} \
             UNION SELECT REPLACE(TABLESPACE_NAME, '/', '.'), CONCAT('DATA DIRECTORY ', FILE_NAME) \
             FROM information_schema.FILES WHERE FILE_TYPE = 'TABLESPACE' AND FILE_NAME LIKE '/%' \
             AND TABLESPACE_NAME LIKE '%/%' AND {} ORDER BY 1",
            tables,
            within("SUBSTRING_INDEX(t.NAME, '/', 1)", databases),
            within("SUBSTRING_INDEX(TABLESPACE_NAME, '/', 1)", databases)
        )
    }

    /// How many programs stand ready to give the server keys for encrypted tables, one value.
    #[must_use]
    pub fn key_keepers(self) -> &'static str {
        if self.is_mariadb() {
            "SELECT COUNT(*) FROM information_schema.PLUGINS WHERE PLUGIN_TYPE = 'ENCRYPTION' AND PLUGIN_STATUS = 'ACTIVE'"
        } else if self.mysql(8, 0, 24) {
            "SELECT (SELECT COUNT(*) FROM information_schema.PLUGINS WHERE PLUGIN_NAME LIKE 'keyring%' \
             AND PLUGIN_STATUS = 'ACTIVE') + (SELECT COUNT(*) FROM performance_schema.keyring_component_status \
             WHERE STATUS_KEY = 'Component_status' AND STATUS_VALUE = 'Active')"
        } else {
            "SELECT COUNT(*) FROM information_schema.PLUGINS WHERE PLUGIN_NAME LIKE 'keyring%' AND PLUGIN_STATUS = 'ACTIVE'"
        }
    }

    /// Everything people have made in user databases but those named: columns `name`, `kind`.
    #[must_use]
    pub fn objects_outside<D: Databases + ?Sized>(self, databases: &D) -> Sql {
        let part = |table: &'static str, kind: &'static str, schema: &'static str, name: &'static str| {
            let outside = databases.listed().map(|names| sql!(" AND {} NOT IN ({})", schema, names));
            sql!(
                "SELECT CONCAT({}, '.', {}) AS name, {} AS kind FROM information_schema.{} WHERE {}{}",
                schema,
                name,
                kind,
                table,
                within(schema, &Every),
                outside.unwrap_or_default()
            )
        };
        let parts = [
            part("TABLES", "LOWER(TABLE_TYPE)", "TABLE_SCHEMA", "TABLE_NAME"),
            part("ROUTINES", "LOWER(ROUTINE_TYPE)", "ROUTINE_SCHEMA", "ROUTINE_NAME"),
            part("EVENTS", "'event'", "EVENT_SCHEMA", "EVENT_NAME"),
        ];
        sql!("{} ORDER BY 1", Sql::join(parts, " UNION ALL "))
    }

    /// Tables that keep the history of their rows: column `name`. `None` for a family without them.
    #[must_use]
    pub fn tables_with_history<D: Databases + ?Sized>(self, databases: &D) -> Option<Sql> {
        self.mariadb(10, 3, 0).then(|| {
            sql!(
                "SELECT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME) AS name FROM information_schema.TABLES \
                 WHERE TABLE_TYPE = 'SYSTEM VERSIONED' AND {} ORDER BY 1",
                within("TABLE_SCHEMA", databases)
            )
        })
    }

    /// Whether a `TIMESTAMP` reaches to 2038 here and to 2106 on the `other` server.
    #[must_use]
    pub fn last_moment_is_earlier_than(self, other: Self) -> bool {
        !self.mariadb(11, 5, 0) && other.mariadb(11, 5, 0)
    }

    /// Whether the server takes rows of a history from a dump.
    #[must_use]
    pub fn loads_history(self) -> bool {
        self.mariadb(10, 11, 0)
    }

    /// Columns whose default comes from a sequence: columns `name`, `expression`.
    #[must_use]
    pub fn sequence_defaults<D: Databases + ?Sized>(self, databases: &D) -> Option<Sql> {
        self.is_mariadb().then(|| {
            sql!(
                "SELECT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME, '.', COLUMN_NAME) AS name, COLUMN_DEFAULT AS expression \
                 FROM information_schema.COLUMNS WHERE COLUMN_DEFAULT LIKE '%nextval(%' AND {} ORDER BY 1",
                within("TABLE_SCHEMA", databases)
            )
        })
    }

    /// The counters of [`COUNTERS`]: columns `Variable_name`, `Value`.
    #[must_use]
    pub fn connection_counters(self) -> Sql {
        sql!("SHOW GLOBAL STATUS WHERE Variable_name IN ({})", Sql::join(COUNTERS.map(literal), ", "))
    }

    /// Bytes that `InnoDB` has written to its redo log since the start, one value.
    #[must_use]
    pub fn redo_written(self) -> &'static str {
        if self.is_mariadb() {
            "SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'INNODB_OS_LOG_WRITTEN'"
        } else {
            "SELECT VARIABLE_VALUE FROM performance_schema.global_status WHERE VARIABLE_NAME = 'Innodb_os_log_written'"
        }
    }

    /// What the server lets this session's own account do: columns `hourly` (the greatest of its limits by the hour) and
    /// `at_once` (connections); 0 means no limit.
    #[must_use]
    pub fn own_limits(self) -> &'static str {
        "SELECT GREATEST(max_questions, max_updates, max_connections) AS hourly, \
         @@SESSION.max_user_connections AS at_once FROM mysql.user WHERE CONCAT(User, '@', Host) = CURRENT_USER()"
    }
}

#[cfg(test)]
mod tests {
    use super::Dialect;
    use crate::domain::product::{Family, Product, Version};

    #[test]
    fn names_stay_inside_their_quotes_and_each_family_is_asked_in_its_words() {
        let of = |family, version| Dialect::from(Product { family, version });
        let (maria, mysql) = (of(Family::MariaDb, Version(10, 11, 0)), of(Family::MySql, Version(9, 7, 0)));
        let evil = ["x') OR SLEEP(9) -- "];
        for text in
            [mysql.special_storage(&evil), maria.objects_outside(&evil), maria.sequence_defaults(&evil).unwrap()]
        {
            let text = text.to_string();
            assert!(text.contains("'x'') OR SLEEP(9) -- '"), "{text}");
        }
        assert!(
            !maria.special_storage(&evil).to_string().contains("INNODB_") && mysql.sequence_defaults(&evil).is_none()
        );
        assert!(!of(Family::MySql, Version(5, 7, 0)).key_keepers().contains("performance_schema"));
    }
}
