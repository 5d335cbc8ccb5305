//! Questions that a look before a move asks, and nothing else: where tables lie, how fast a server writes, how many
//! connections it has left. Lists of databases: an empty one means every user database.

use super::catalog::within;
use super::{Dialect, literals};

/// Counters of a server that [`Dialect::connection_counters`] reads.
pub const COUNTERS: [&str; 2] = ["Max_used_connections", "Threads_connected"];

impl Dialect {
    /// Tables whose place or encryption another server may not be able to repeat: columns `name`, `options`.
    #[must_use]
    pub fn special_storage<S: AsRef<str>>(self, databases: &[S]) -> String {
        let tables = format!(
            "SELECT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME) AS name, CREATE_OPTIONS AS options \
             FROM information_schema.TABLES WHERE (CREATE_OPTIONS LIKE '%encrypt%' \
             OR CREATE_OPTIONS LIKE '%DIRECTORY%') AND {}",
            within("TABLE_SCHEMA", databases)
        );
        if !self.mysql(8, 0, 0) {
            return format!("{tables} ORDER BY 1");
        }
        // a table in a shared tablespace, and one in a folder of its own, which stands in no column of TABLES there
        format!(
            "{tables} UNION SELECT REPLACE(t.NAME, '/', '.'), CONCAT('TABLESPACE ', s.NAME) \
             FROM information_schema.INNODB_TABLES t JOIN information_schema.INNODB_TABLESPACES s ON s.SPACE = t.SPACE \
             WHERE t.SPACE_TYPE = 'General' AND {} \
             UNION SELECT REPLACE(TABLESPACE_NAME, '/', '.'), CONCAT('DATA DIRECTORY ', FILE_NAME) \
             FROM information_schema.FILES WHERE FILE_TYPE = 'TABLESPACE' AND FILE_NAME LIKE '/%' \
             AND TABLESPACE_NAME LIKE '%/%' AND {} ORDER BY 1",
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
    pub fn objects_outside<S: AsRef<str>>(self, databases: &[S]) -> String {
        let part = |table: &str, kind: &str, prefix: &str, name: &str| {
            let schema = format!("{prefix}_SCHEMA");
            let outside = if databases.is_empty() {
                String::new()
            } else {
                format!(" AND {schema} NOT IN ({})", literals(databases))
            };
            format!(
                "SELECT CONCAT({schema}, '.', {name}) AS name, {kind} AS kind FROM information_schema.{table} WHERE {}{outside}",
                within::<&str>(&schema, &[])
            )
        };
        let parts = [
            part("TABLES", "LOWER(TABLE_TYPE)", "TABLE", "TABLE_NAME"),
            part("ROUTINES", "LOWER(ROUTINE_TYPE)", "ROUTINE", "ROUTINE_NAME"),
            part("EVENTS", "'event'", "EVENT", "EVENT_NAME"),
        ];
        format!("{} ORDER BY 1", parts.join(" UNION ALL "))
    }

    /// Tables that keep the history of their rows: column `name`. `None` for a family without them.
    #[must_use]
    pub fn tables_with_history<S: AsRef<str>>(self, databases: &[S]) -> Option<String> {
        self.mariadb(10, 3, 0).then(|| {
            format!(
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
    pub fn sequence_defaults<S: AsRef<str>>(self, databases: &[S]) -> Option<String> {
        self.is_mariadb().then(|| {
            format!(
                "SELECT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME, '.', COLUMN_NAME) AS name, COLUMN_DEFAULT AS expression \
                 FROM information_schema.COLUMNS WHERE COLUMN_DEFAULT LIKE '%nextval(%' AND {} ORDER BY 1",
                within("TABLE_SCHEMA", databases)
            )
        })
    }

    /// The counters of [`COUNTERS`]: columns `Variable_name`, `Value`.
    #[must_use]
    pub fn connection_counters(self) -> String {
        format!("SHOW GLOBAL STATUS WHERE Variable_name IN ({})", literals(&COUNTERS))
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
    use crate::playbook::product::{Family, Product, Version};

    #[test]
    fn names_stay_inside_their_quotes_and_each_family_is_asked_in_its_words() {
        let of = |family, version| Dialect::from(Product { family, version });
        let (maria, mysql) = (of(Family::MariaDb, Version(10, 11, 0)), of(Family::MySql, Version(9, 7, 0)));
        let evil = ["x') OR SLEEP(9) -- "];
        for text in
            [mysql.special_storage(&evil), maria.objects_outside(&evil), maria.sequence_defaults(&evil).unwrap()]
        {
            assert!(text.contains("'x'') OR SLEEP(9) -- '"), "{text}");
        }
        assert!(!maria.special_storage(&evil).contains("INNODB_") && mysql.sequence_defaults(&evil).is_none());
        assert!(!of(Family::MySql, Version(5, 7, 0)).key_keepers().contains("performance_schema"));
    }
}
