//! Accounts: the one a replica logs in with, and looking at others.

use super::{Dialect, account, text_literal};

impl Dialect {
    /// Makes the account a replica logs in with and gives it the one privilege it needs. `password` is a marker.
    /// The old word `REPLICATION SLAVE` is the one that every version of both families understands. With `tls` the server
    /// lets it in by an encrypted connection only.
    #[must_use]
    pub fn create_replication_account(self, user: &str, host: &str, password: &str, tls: bool) -> [String; 2] {
        let name = account(user, host);
        let require = if tls { " REQUIRE SSL" } else { "" };
        [
            format!("CREATE USER {name} IDENTIFIED BY {}{require}", text_literal(password)),
            format!("GRANT REPLICATION SLAVE ON *.* TO {name}"),
        ]
    }

    /// Removes an account.
    #[must_use]
    pub fn drop_account(self, user: &str, host: &str) -> String {
        format!("DROP USER IF EXISTS {}", account(user, host))
    }

    /// How many accounts of that name there are: 0 or 1.
    #[must_use]
    pub fn account_exists(self, user: &str, host: &str) -> String {
        let (user, host) = (text_literal(user), text_literal(host));
        format!("SELECT COUNT(*) FROM mysql.user WHERE User = {user} AND Host = {host}")
    }

    /// Privileges of an account, one row each.
    #[must_use]
    pub fn show_grants(self, user: &str, host: &str) -> String {
        format!("SHOW GRANTS FOR {}", account(user, host))
    }

    /// The statement that makes an account anew, password hash included.
    #[must_use]
    pub fn show_create_account(self, user: &str, host: &str) -> String {
        format!("SHOW CREATE USER {}", account(user, host))
    }

    /// Accounts of people and programs, without those the server keeps for itself: columns `user`, `host`.
    #[must_use]
    pub fn accounts(self) -> &'static str {
        "SELECT User AS user, Host AS host FROM mysql.user WHERE User NOT IN \
         ('mysql.sys', 'mysql.session', 'mysql.infoschema', 'mariadb.sys', 'PUBLIC') ORDER BY User, Host"
    }

    /// Privileges of this session's own account: columns `privilege` and `in_database`, which is `*` for all of them.
    #[must_use]
    pub fn own_privileges(self) -> String {
        let me = "CONCAT('''', REPLACE(CURRENT_USER(), '@', '''@'''), '''')";
        format!(
            "SELECT PRIVILEGE_TYPE AS privilege, '*' AS in_database FROM information_schema.USER_PRIVILEGES \
             WHERE GRANTEE = {me} UNION SELECT PRIVILEGE_TYPE, REPLACE(TABLE_SCHEMA, '\\\\', '') \
             FROM information_schema.SCHEMA_PRIVILEGES WHERE GRANTEE = {me}"
        )
    }

    /// The account this session was let in as, which an anonymous account may have snatched: `user@host`.
    #[must_use]
    pub fn current_account(self) -> &'static str {
        "SELECT CURRENT_USER()"
    }
}
