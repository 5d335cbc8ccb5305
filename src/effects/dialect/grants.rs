//! The tables of accounts and privileges, kept beside and put back: what replication brings to them is undone by no step
//! of its own. Their hashes never leave the server.

use super::{Dialect, OwnDatabase, identifier, text_literal};
use crate::playbook::marker;

/// Database that holds the tables as they were before a server began to follow.
const BEFORE: &str = OwnDatabase::Before.name();

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
    pub fn begin_before(self) -> String {
        format!("CREATE DATABASE {}", identifier(BEFORE))
    }

    /// Keeps the names of those of `accounts` (user, host) that are there: others look after them.
    #[must_use]
    pub fn keep_apart(self, accounts: &[(String, String)]) -> String {
        keep_apart(self.grant_tables()[0].name, &is_one_of(accounts, OWN))
    }

    /// The same as a plan shows it.
    #[must_use]
    pub fn keep_apart_shown(self) -> String {
        keep_apart(self.grant_tables()[0].name, &marker::late("the account is one that steps of this run make"))
    }

    /// Keeps a table's rows, without those of `apart` (user, host), whether they are there or are just being made.
    #[must_use]
    pub fn keep_table(self, table: GrantTable, apart: &[(String, String)]) -> String {
        keep(table.name, &table.key.join(", "), &is_one_of(apart, table.account))
    }

    /// The same as a plan shows it, for every table.
    #[must_use]
    pub fn keep_tables_shown(self) -> String {
        let [table, key, ..] = shown();
        keep(&table, &key, &marker::late("the account is one that steps of this run make"))
    }

    /// Removes accounts and roles from what is kept of a table, and what was given of them to others.
    #[must_use]
    pub fn forget_kept(self, table: GrantTable, accounts: &[(String, String)]) -> String {
        let as_role = match table.name {
            "role_edges" => Some(["FROM_USER", "FROM_HOST"]),
            "default_roles" => Some(["DEFAULT_ROLE_USER", "DEFAULT_ROLE_HOST"]),
            "roles_mapping" => Some(["Role", "''"]),
            _ => None,
        };
        let mut condition = is_one_of(accounts, table.account);
        if let Some(columns) = as_role {
            condition = format!("{condition} OR {}", is_one_of(accounts, columns));
        }
        format!("DELETE FROM {}.{} WHERE {condition}", identifier(BEFORE), table.name)
    }

    /// The same as a plan shows it, for every table.
    #[must_use]
    pub fn forget_kept_shown(self) -> String {
        let [table, ..] = shown();
        let ours = marker::late("the account or role is one of these");
        format!("DELETE FROM {}.{table} WHERE {ours}", identifier(BEFORE))
    }

    /// Keeps the names of the functions that come from libraries.
    #[must_use]
    pub fn keep_functions(self) -> String {
        format!("CREATE TABLE {}.func (PRIMARY KEY (name)) {TABLE} SELECT name FROM mysql.func", identifier(BEFORE))
    }

    /// Notes that everything is kept, and for which run.
    #[must_use]
    pub fn end_before(self, run: &str) -> String {
        format!(
            "CREATE TABLE {}.run (PRIMARY KEY (run)) {TABLE} SELECT {} AS run",
            identifier(BEFORE),
            text_literal(run)
        )
    }

    /// How many tables say that everything was kept: 0 or 1.
    #[must_use]
    pub fn before_is_whole(self) -> String {
        format!(
            "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = {} AND TABLE_NAME = 'run'",
            text_literal(BEFORE)
        )
    }

    /// The run whose tables are kept, one value.
    #[must_use]
    pub fn run_before(self) -> String {
        format!("SELECT run FROM {}.run", identifier(BEFORE))
    }

    /// Puts a table's rows back: first what is kept, then away with what is not, so that no account is missing at any
    /// moment.
    #[must_use]
    pub fn restore_table(self, table: GrantTable) -> [String; 2] {
        let name = format!("mysql.{}", table.name);
        let same: Vec<String> = table.key.iter().map(|column| format!("c.{column} = {name}.{column}")).collect();
        let key = format!("c.{}", table.key[0]);
        restore(table.name, &same.join(" AND "), &key, &join_apart(&table.account, &name))
    }

    /// The same as a plan shows it, for every table.
    #[must_use]
    pub fn restore_tables_shown(self) -> [String; 2] {
        let [table, key, user, host] = shown();
        let name = format!("mysql.{table}");
        restore(&table, &format!("c.{key} = {name}.{key}"), &format!("c.{key}"), &join_apart(&[&user, &host], &name))
    }

    /// Functions from libraries that were not there before: column `name`.
    #[must_use]
    pub fn new_functions(self) -> String {
        format!(
            "SELECT f.name AS name FROM mysql.func AS f LEFT JOIN {}.func AS c ON c.name = f.name WHERE c.name IS NULL",
            identifier(BEFORE)
        )
    }

    /// Removes a function that comes from a library; `name` may be a marker.
    #[must_use]
    pub fn drop_library_function(self, name: &str) -> String {
        format!("DROP FUNCTION IF EXISTS {}", identifier(name))
    }

    /// Makes the server read its tables of accounts.
    #[must_use]
    pub fn read_grants(self) -> &'static str {
        "FLUSH PRIVILEGES"
    }
}

fn join_apart([user, host]: &[&str; 2], table: &str) -> String {
    format!("k.User = {table}.{user} AND k.Host = {table}.{host}")
}

/// A table's name, its key, and how its account is found, as a plan shows them for every table.
fn shown() -> [String; 4] {
    ["grant table", "its key", "its user", "its host"].map(marker::late)
}

/// The condition for rows of accounts (user, host); never true for none.
fn is_one_of(accounts: &[(String, String)], [user_column, host_column]: [&str; 2]) -> String {
    if accounts.is_empty() {
        return "FALSE".into();
    }
    let one = |(user, host): &(String, String)| {
        format!("({user_column} = {} AND {host_column} = {})", text_literal(user), text_literal(host))
    };
    accounts.iter().map(one).collect::<Vec<_>>().join(" OR ")
}

fn keep_apart(accounts: &str, condition: &str) -> String {
    format!(
        "CREATE TABLE {}.apart (PRIMARY KEY (Host, User)) {TABLE} SELECT Host, User FROM mysql.{accounts} WHERE {condition}",
        identifier(BEFORE)
    )
}

fn keep(name: &str, key: &str, apart: &str) -> String {
    let before = identifier(BEFORE);
    format!("CREATE TABLE {before}.{name} (PRIMARY KEY ({key})) {TABLE} SELECT * FROM mysql.{name} WHERE NOT ({apart})")
}

fn restore(name: &str, same: &str, key: &str, apart: &str) -> [String; 2] {
    let before = identifier(BEFORE);
    [
        format!("REPLACE INTO mysql.{name} SELECT * FROM {before}.{name}"),
        format!(
            "DELETE mysql.{name} FROM mysql.{name} LEFT JOIN {before}.{name} AS c ON {same} \
             LEFT JOIN {before}.apart AS k ON {apart} WHERE {key} IS NULL AND k.User IS NULL"
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::Dialect;
    use crate::playbook::product::{Family, Product, Version};

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
    fn rows_are_put_back_before_others_go() {
        let dialect = Dialect::from(Product { family: Family::MySql, version: Version(8, 4, 0) });
        let edges = dialect.grant_tables().into_iter().find(|table| table.name == "role_edges").unwrap();
        let [back, away] = dialect.restore_table(edges);
        assert_eq!(back, "REPLACE INTO mysql.role_edges SELECT * FROM `cutover_before`.role_edges");
        assert!(
            away.contains("c.TO_USER = mysql.role_edges.TO_USER") && away.contains("k.Host = mysql.role_edges.TO_HOST")
        );
        let hostile = [("o'brien".to_owned(), "%".to_owned())];
        assert!(dialect.keep_apart(&hostile).ends_with("WHERE (User = 'o''brien' AND Host = '%')"));
        assert!(dialect.keep_apart(&[]).ends_with("WHERE FALSE"));
        assert!(dialect.keep_table(edges, &hostile).ends_with("WHERE NOT ((TO_USER = 'o''brien' AND TO_HOST = '%'))"));
    }
}
