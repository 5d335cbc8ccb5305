//! The tables of accounts and privileges, kept beside and put back: what replication brings to them is undone by no step
//! of its own. Their hashes never leave the server.

use super::{Dialect, OwnDatabase};
use crate::domain::sql::{identifier, literal};
use crate::domain::{Sql, Words};
use crate::sql;

/// Database that holds the tables as they were before a server began to follow.
const BEFORE: &str = OwnDatabase::Before.name();

/// Conditions whose shape depends on the table, or on the accounts there are, as a plan names them.
const MADE_BY_STEPS: &str = "the account is one that steps of this run make";
const ONE_OF_THESE: &str = "the account or role is one of these";
const SAME_KEY: &str = "c has its key";

/// What a kept table is, whatever the server would have a new one be.
const TABLE: &str = "ENGINE = InnoDB ROW_FORMAT = DYNAMIC";

/// One of the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GrantTable {
    /// Its name in the database `mysql`.
    pub name: &'static str,
    /// The columns that name the account a row belongs to: user and host.
    account: [&'static str; 2],
    /// Its key.
    key: &'static [&'static str],
}

const OWN: [&str; 2] = ["User", "Host"];
const ACCOUNT: &[&str] = &["Host", "User"];

const fn table(name: &'static str, key: &'static [&'static str]) -> GrantTable {
    GrantTable { name, account: OWN, key }
}

/// In both families and all versions.
const COMMON: [GrantTable; 5] = [
    table("db", &["Host", "User", "Db"]),
    table("tables_priv", &["Host", "User", "Db", "Table_name"]),
    table("columns_priv", &["Host", "User", "Db", "Table_name", "Column_name"]),
    table("procs_priv", &["Host", "User", "Db", "Routine_name", "Routine_type"]),
    table("proxies_priv", &["Host", "User", "Proxied_host", "Proxied_user"]),
];
const OF_MYSQL_8: [GrantTable; 4] = [
    table("global_grants", &["USER", "HOST", "PRIV"]),
    table("default_roles", &["HOST", "USER", "DEFAULT_ROLE_HOST", "DEFAULT_ROLE_USER"]),
    table("password_history", &["Host", "User", "Password_timestamp"]),
    GrantTable {
        name: "role_edges",
        account: ["TO_USER", "TO_HOST"],
        key: &["FROM_HOST", "FROM_USER", "TO_HOST", "TO_USER"],
    },
];

impl Dialect {
    /// The tables of accounts and privileges, that of the accounts themselves first.
    #[must_use]
    pub fn grant_tables(self) -> Vec<GrantTable> {
        let accounts = if self.mariadb(10, 4, 0) { "global_priv" } else { "user" };
        let mut tables = vec![table(accounts, ACCOUNT)];
        tables.extend(COMMON);
        if self.is_mariadb() {
            tables.push(table("roles_mapping", &["Host", "User", "Role"]));
        } else if self.mysql(8, 0, 0) {
            tables.extend(OF_MYSQL_8);
        }
        tables
    }

    /// Makes the empty database that the tables are kept in.
    #[must_use]
    pub fn begin_before(self) -> Sql {
        sql!("CREATE DATABASE {}", identifier(BEFORE))
    }

    /// Keeps the names of those of `accounts` (user, host) that are there: others look after them.
    #[must_use]
    pub fn keep_apart(self, accounts: &[(String, String)]) -> Sql {
        keep_apart(self.grant_tables()[0].name, Sql::found(MADE_BY_STEPS, &is_one_of(accounts, OWN)))
    }

    /// The same as a plan shows it.
    #[must_use]
    pub fn keep_apart_shown(self) -> Sql {
        keep_apart(self.grant_tables()[0].name, Sql::late(MADE_BY_STEPS))
    }

    /// Keeps a table's rows, without those of `apart` (user, host), whether they are there or are just being made.
    #[must_use]
    pub fn keep_table(self, table: GrantTable, apart: &[(String, String)]) -> Sql {
        let [name, key, ..] = found(table);
        keep(&name, key, Sql::found(MADE_BY_STEPS, &is_one_of(apart, table.account)))
    }

    /// The same as a plan shows it, for every table.
    #[must_use]
    pub fn keep_tables_shown(self) -> Sql {
        let [table, key, ..] = SHOWN.map(Sql::late);
        keep(&table, key, Sql::late(MADE_BY_STEPS))
    }

    /// Removes accounts and roles from what is kept of a table, and what was given of them to others.
    #[must_use]
    pub fn forget_kept(self, table: GrantTable, accounts: &[(String, String)]) -> Sql {
        let as_role = match table.name {
            "role_edges" => Some(["FROM_USER", "FROM_HOST"]),
            "default_roles" => Some(["DEFAULT_ROLE_USER", "DEFAULT_ROLE_HOST"]),
            "roles_mapping" => Some(["Role", "''"]),
            _ => None,
        };
        let mut condition = is_one_of(accounts, table.account);
        if let Some(columns) = as_role {
            condition = sql!("{} OR {}", condition, is_one_of(accounts, columns));
        }
        let [name, ..] = found(table);
        forget(name, Sql::found(ONE_OF_THESE, &condition))
    }

    /// The same as a plan shows it, for every table.
    #[must_use]
    pub fn forget_kept_shown(self) -> Sql {
        let [table, ..] = SHOWN.map(Sql::late);
        forget(table, Sql::late(ONE_OF_THESE))
    }

    /// Keeps the names of the functions that come from libraries.
    #[must_use]
    pub fn keep_functions(self) -> Sql {
        sql!("CREATE TABLE {}.func (PRIMARY KEY (name)) {} SELECT name FROM mysql.func", identifier(BEFORE), TABLE)
    }

    /// Notes that everything is kept, and for which run.
    #[must_use]
    pub fn end_before(self, run: impl Into<Words>) -> Sql {
        sql!(
            "CREATE TABLE {}.run (PRIMARY KEY (run)) {} SELECT {} AS run",
            identifier(BEFORE),
            TABLE,
            literal(run.into())
        )
    }

    /// Number of tables that show that everything was kept: 0 or 1.
    #[must_use]
    pub fn before_is_whole(self) -> Sql {
        sql!(
            "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = {} AND TABLE_NAME = 'run'",
            literal(BEFORE)
        )
    }

    /// The run whose tables are kept, one value.
    #[must_use]
    pub fn run_before(self) -> Sql {
        sql!("SELECT run FROM {}.run", identifier(BEFORE))
    }

    /// Puts a table's rows back: first what is kept, then away with what is not, so that no account is missing at any
    /// moment.
    #[must_use]
    pub fn restore_table(self, table: GrantTable) -> [Sql; 2] {
        let same = |&column: &&'static str| sql!("c.{} = mysql.{}.{}", column, table.name, column);
        let same = Sql::found(SAME_KEY, &Sql::join(table.key.iter().map(same), " AND "));
        let [name, _, user, host] = found(table);
        restore(&name, same, Sql::found(KEY, &table.key[0].into()), [user, host])
    }

    /// The same as a plan shows it, for every table.
    #[must_use]
    pub fn restore_tables_shown(self) -> [Sql; 2] {
        let [table, key, user, host] = SHOWN.map(Sql::late);
        restore(&table, Sql::late(SAME_KEY), key, [user, host])
    }

    /// Functions from libraries that were not there before: column `name`.
    #[must_use]
    pub fn new_functions(self) -> Sql {
        sql!(
            "SELECT f.name AS name FROM mysql.func AS f LEFT JOIN {}.func AS c ON c.name = f.name WHERE c.name IS NULL",
            identifier(BEFORE)
        )
    }

    /// Removes a function that comes from a library.
    #[must_use]
    pub fn drop_library_function(self, name: impl Into<Words>) -> Sql {
        sql!("DROP FUNCTION IF EXISTS {}", identifier(name))
    }

    /// Makes the server read its tables of accounts.
    #[must_use]
    pub fn read_grants(self) -> &'static str {
        "FLUSH PRIVILEGES"
    }
}

/// What is found of a table, as a plan names it for every table: its name, its key, and how its account is found.
const SHOWN: [&str; 4] = ["grant table", KEY, "its user", "its host"];
const KEY: &str = "its key";

/// The same of `table`.
fn found(table: GrantTable) -> [Sql; 4] {
    let [user, host] = table.account;
    let key = Sql::join(table.key.iter().map(|&column| Sql::from(column)), ", ");
    let [about_name, about_key, about_user, about_host] = SHOWN;
    [(about_name, table.name.into()), (about_key, key), (about_user, user.into()), (about_host, host.into())]
        .map(|(about, text)| Sql::found(about, &text))
}

/// The condition for rows of accounts (user, host); never true for none.
fn is_one_of(accounts: &[(String, String)], [user_column, host_column]: [&'static str; 2]) -> Sql {
    if accounts.is_empty() {
        return "FALSE".into();
    }
    let one = |(user, host): &(String, String)| {
        sql!("({} = {} AND {} = {})", user_column, literal(user), host_column, literal(host))
    };
    Sql::join(accounts.iter().map(one), " OR ")
}

fn keep_apart(accounts: &'static str, condition: Sql) -> Sql {
    sql!(
        "CREATE TABLE {}.apart (PRIMARY KEY (Host, User)) {} SELECT Host, User FROM mysql.{} WHERE {}",
        identifier(BEFORE),
        TABLE,
        accounts,
        condition
    )
}

fn keep(name: &Sql, key: Sql, apart: Sql) -> Sql {
    sql!(
        "CREATE TABLE {}.{} (PRIMARY KEY ({})) {} SELECT * FROM mysql.{} WHERE NOT ({})",
        identifier(BEFORE),
        name,
        key,
        TABLE,
        name,
        apart
    )
}

fn forget(name: Sql, condition: Sql) -> Sql {
    sql!("DELETE FROM {}.{} WHERE {}", identifier(BEFORE), name, condition)
}

/// `same`: that a row of `c` has the key of a row of the table; `key`: a column that no such row is without.
fn restore(name: &Sql, same: Sql, key: Sql, [user, host]: [Sql; 2]) -> [Sql; 2] {
    let before = identifier(BEFORE);
    let apart = sql!("k.User = mysql.{}.{} AND k.Host = mysql.{}.{}", name, user, name, host);
    [
        sql!("REPLACE INTO mysql.{} SELECT * FROM {}.{}", name, &before, name),
        sql!(
            "DELETE mysql.{} FROM mysql.{} LEFT JOIN {}.{} AS c ON {} LEFT JOIN {}.apart AS k ON {} \
             WHERE c.{} IS NULL AND k.User IS NULL",
            name,
            name,
            &before,
            name,
            same,
            &before,
            apart,
            key
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::Dialect;
    use crate::domain::Sql;
    use crate::domain::product::{Family, Product, Version};

    fn names(family: Family, version: Version) -> Vec<&'static str> {
        let dialect = Dialect::from(Product { family, version });
        dialect.grant_tables().into_iter().map(|table| table.name).collect()
    }

    #[test]
    fn each_version_has_its_tables() {
        let maria = names(Family::MariaDb, Version(10, 11, 0));
        assert_eq!((maria[0], maria.last(), maria.len()), ("global_priv", Some(&"roles_mapping"), 7));
        assert_eq!(names(Family::MariaDb, Version(10, 3, 0))[0], "user");
        assert_eq!(names(Family::MySql, Version(5, 7, 0)).len(), 6);
        let mysql = names(Family::MySql, Version(9, 7, 0));
        assert!(mysql[0] == "user" && mysql.contains(&"role_edges") && !mysql.contains(&"roles_mapping"));
    }

    #[test]
    fn what_is_sent_for_each_table_is_what_a_plan_shows_for_every_one() {
        let admits = |planned: &Sql, sent: &Sql| planned.text().admits(sent.text());
        let accounts = [("a".to_owned(), "%".to_owned())];
        for family in [Family::MySql, Family::MariaDb] {
            let dialect = Dialect::from(Product { family, version: Version(10, 11, 0) });
            assert!(admits(&dialect.keep_apart_shown(), &dialect.keep_apart(&accounts)));
            for table in dialect.grant_tables() {
                assert!(admits(&dialect.keep_tables_shown(), &dialect.keep_table(table, &[])));
                assert!(admits(&dialect.forget_kept_shown(), &dialect.forget_kept(table, &accounts)));
                let sent = dialect.restore_table(table);
                assert!(dialect.restore_tables_shown().iter().zip(&sent).all(|(planned, sent)| admits(planned, sent)));
            }
        }
    }

    #[test]
    fn rows_are_put_back_before_others_go() {
        let dialect = Dialect::from(Product { family: Family::MySql, version: Version(8, 4, 0) });
        let edges = dialect.grant_tables().into_iter().find(|table| table.name == "role_edges").unwrap();
        let [back, away] = dialect.restore_table(edges);
        let away = away.to_string();
        assert_eq!(back.to_string(), "REPLACE INTO mysql.role_edges SELECT * FROM `cutover_before`.role_edges");
        assert!(
            away.contains("c.TO_USER = mysql.role_edges.TO_USER") && away.contains("k.Host = mysql.role_edges.TO_HOST")
        );
        let hostile = [("o'brien".to_owned(), "%".to_owned())];
        assert!(dialect.keep_apart(&hostile).to_string().ends_with("WHERE (User = 'o''brien' AND Host = '%')"));
        assert!(dialect.keep_apart(&[]).to_string().ends_with("WHERE FALSE"));
        let kept = dialect.keep_table(edges, &hostile).to_string();
        assert!(kept.ends_with("WHERE NOT ((TO_USER = 'o''brien' AND TO_HOST = '%'))"));
    }
}
