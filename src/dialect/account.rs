//! Accounts: the one a replica logs in with, and looking at others.

use super::{Dialect, GRANT_OPTION};
use crate::domain::sql::{account, literal, native_hash};
use crate::domain::{Private, Sql, Words};
use crate::sql;

/// "The server is running with the option ... so it cannot execute this statement".
pub const OPTION_PREVENTS: u16 = 1290;

impl Dialect {
    /// Makes the account a replica logs in with and gives it the one privilege it needs. The old word `REPLICATION
    /// SLAVE` is the one that every version of both families understands. With `tls` the server lets it in by an
    /// encrypted connection only.
    ///
    /// `MariaDB` writes `CREATE USER` into its logs as it was sent, and its replicas get it that way (seen on
    /// 10.11.19), so it is sent the hash; `MySQL` writes a hash by itself.
    #[must_use]
    pub fn create_replication_account(
        self,
        user: impl Into<Words>,
        host: impl Into<Words>,
        password: impl Into<Private>,
        tls: bool,
    ) -> [Sql; 2] {
        let name = account(user, host);
        [created(&name, self.known_by(password), tls), sql!("GRANT REPLICATION SLAVE ON *.* TO {}", name)]
    }

    /// Makes an account with a password that is known, by the way to log in that is the server's own.
    #[must_use]
    pub fn create_account(self, user: impl Into<Words>, host: impl Into<Words>, password: impl Into<Private>) -> Sql {
        created(&account(user, host), self.known_by(password), false)
    }

    /// A password as a statement gives it: logs of `MariaDB` hold what was sent.
    fn known_by(self, password: impl Into<Private>) -> Sql {
        if self.is_mariadb() { sql!("PASSWORD {}", native_hash(password)) } else { literal(password) }
    }

    /// The same for a `MariaDB` that takes no hashes, because it checks passwords itself
    /// (`strict_password_validation`).
    #[must_use]
    pub fn create_replication_account_by_password(
        self,
        user: impl Into<Words>,
        host: impl Into<Words>,
        password: impl Into<Private>,
        tls: bool,
    ) -> Option<Sql> {
        self.is_mariadb().then(|| created(&account(user, host), literal(password), tls))
    }

    /// Removes an account.
    #[must_use]
    pub fn drop_account(self, user: impl Into<Words>, host: impl Into<Words>) -> Sql {
        sql!("DROP USER IF EXISTS {}", account(user, host))
    }

    /// How many accounts of that name there are: 0 or 1.
    #[must_use]
    pub fn account_exists(self, user: impl Into<Words>, host: impl Into<Words>) -> Sql {
        let (user, host): (Words, Words) = (user.into(), host.into());
        sql!("SELECT COUNT(*) FROM mysql.user WHERE User = {} AND Host = {}", literal(user), literal(host))
    }

    /// Privileges of an account, one row each.
    #[must_use]
    pub fn show_grants(self, user: impl Into<Words>, host: impl Into<Words>) -> Sql {
        sql!("SHOW GRANTS FOR {}", account(user, host))
    }

    /// The statement that creates an account again, password hash included.
    #[must_use]
    pub fn show_create_account(self, user: impl Into<Words>, host: impl Into<Words>) -> Sql {
        sql!("SHOW CREATE USER {}", account(user, host))
    }

    /// An account, or a role, as statements name it: roles of `MariaDB` have no host.
    #[must_use]
    pub fn account_or_role(self, user: impl Into<Words>, host: impl Into<Words>, is_role: bool) -> Sql {
        if is_role && self.is_mariadb() { literal(user.into()) } else { account(user, host) }
    }

    /// Sessions that read definitions want them whole: names quoted, and hashes so that no byte of them is lost.
    #[must_use]
    pub fn read_definitions(self) -> &'static str {
        if self.mysql(8, 0, 17) {
            "SET SESSION sql_quote_show_create = 1, print_identified_with_as_hex = 1"
        } else {
            "SET SESSION sql_quote_show_create = 1"
        }
    }

    /// Makes a role; `None` where the statement that makes an account does that too.
    #[must_use]
    pub fn create_role(self, role: impl Into<Words>) -> Option<Sql> {
        self.is_mariadb().then(|| sql!("CREATE ROLE {}", literal(role.into())))
    }

    /// Removes a role of that name.
    #[must_use]
    pub fn drop_role(self, role: impl Into<Words>, host: impl Into<Words>) -> Sql {
        if self.is_mariadb() {
            sql!("DROP ROLE IF EXISTS {}", literal(role.into()))
        } else {
            self.drop_account(role, host)
        }
    }

    /// Privileges of a role, one row each; those of roles that it was given may be among them.
    #[must_use]
    pub fn show_grants_of(self, user: impl Into<Words>, host: impl Into<Words>, is_role: bool) -> Sql {
        sql!("SHOW GRANTS FOR {}", self.account_or_role(user, host, is_role))
    }

    /// Every account and role but those the server keeps for itself: columns `user`, `host`, `is_role` (`1` or `0`; a
    /// role of `MySQL` is an account that cannot log in, and counts as one).
    #[must_use]
    pub fn accounts_and_roles(self) -> &'static str {
        if self.mariadb(10, 0, 5) {
            "SELECT User AS user, Host AS host, is_role = 'Y' AS is_role FROM mysql.user WHERE User NOT IN \
             ('mariadb.sys', 'PUBLIC', 'debian-sys-maint') ORDER BY is_role = 'Y' DESC, User, Host"
        } else {
            "SELECT User AS user, Host AS host, 0 AS is_role FROM mysql.user WHERE User NOT IN \
             ('mysql.sys', 'mysql.session', 'mysql.infoschema', 'debian-sys-maint') ORDER BY User, Host"
        }
    }

    /// Accounts with a second password (`RETAIN CURRENT PASSWORD`), which no statement shows: columns `user`, `host`.
    #[must_use]
    pub fn second_passwords(self) -> Option<&'static str> {
        self.mysql(8, 0, 19).then_some(
            "SELECT User AS user, Host AS host FROM mysql.user \
             WHERE JSON_CONTAINS_PATH(User_attributes, 'one', '$.additional_password') ORDER BY User, Host",
        )
    }

    /// Accounts that let anybody in: columns `user`, `host`. A replica of `MariaDB` makes one for a `GRANT` of a
    /// session without `NO_AUTO_CREATE_USER`, where the account is missing; `None` where no server does such a thing.
    #[must_use]
    pub fn open_accounts(self) -> Option<&'static str> {
        self.mariadb(10, 4, 0).then_some(
            "SELECT User AS user, Host AS host FROM mysql.user WHERE is_role = 'N' AND authentication_string = '' \
             AND plugin IN ('', 'mysql_native_password', 'mysql_old_password') ORDER BY User, Host",
        )
    }

    /// Accounts that the server knows until its next start: column `account`. Its table keeps no space at the end of a
    /// name, its memory does; `None` where a server keeps them alike.
    #[must_use]
    pub fn lost_accounts(self) -> Option<&'static str> {
        self.is_mariadb().then_some(
            "SELECT DISTINCT GRANTEE AS account FROM information_schema.USER_PRIVILEGES \
             WHERE GRANTEE LIKE '% ''@''%' ORDER BY 1",
        )
    }

    /// What every account was given at once, one row each; `None` where nothing can be.
    #[must_use]
    pub fn show_public_grants(self) -> Option<&'static str> {
        self.mariadb(10, 11, 0).then_some("SHOW GRANTS FOR PUBLIC")
    }

    /// The switch that refuses passwords which come as a hash; `None` where there is none.
    #[must_use]
    pub fn strict_passwords(self) -> Option<&'static str> {
        self.mariadb(10, 1, 2).then_some("strict_password_validation")
    }

    /// Accounts of people and programs, without those the server keeps for itself: columns `user`, `host`.
    #[must_use]
    pub fn accounts(self) -> &'static str {
        "SELECT User AS user, Host AS host FROM mysql.user WHERE User NOT IN \
         ('mysql.sys', 'mysql.session', 'mysql.infoschema', 'mariadb.sys', 'PUBLIC') ORDER BY User, Host"
    }

    /// Privileges of this session's own account: columns `privilege` and `in_database`, which is `*` for all of them.
    /// That it may pass them on shows as [`GRANT_OPTION`]; privileges of `MySQL` with an underscore have one each,
    /// which is not it.
    #[must_use]
    pub fn own_privileges(self) -> Sql {
        // a name may hold an `@` or a quote itself
        let own = "REPLACE(GRANTEE, '''', '') = REPLACE(CURRENT_USER(), '''', '')";
        sql!(
            "SELECT PRIVILEGE_TYPE AS privilege, '*' AS in_database FROM information_schema.USER_PRIVILEGES \
             WHERE {} UNION SELECT '{}', '*' FROM information_schema.USER_PRIVILEGES \
             WHERE {} AND IS_GRANTABLE = 'YES' AND INSTR(PRIVILEGE_TYPE, '_') = 0 \
             UNION SELECT PRIVILEGE_TYPE, REPLACE(TABLE_SCHEMA, '\\\\', '') \
             FROM information_schema.SCHEMA_PRIVILEGES WHERE {}",
            own,
            GRANT_OPTION,
            own,
            own
        )
    }

    /// Accounts with the privilege of an administrator: columns `user`, `host`; `None` where there is no such
    /// privilege.
    #[must_use]
    pub fn system_users(self) -> Option<&'static str> {
        self.sets_system_definers().map(
            |_| "SELECT USER AS user, HOST AS host FROM mysql.global_grants WHERE PRIV = 'SYSTEM_USER' ORDER BY 1, 2",
        )
    }

    /// The account this session was let in as, which an anonymous account may have snatched: `user@host`.
    #[must_use]
    pub fn current_account(self) -> &'static str {
        "SELECT CURRENT_USER()"
    }
}

fn created(account: &Sql, by: Sql, tls: bool) -> Sql {
    sql!("CREATE USER {} IDENTIFIED BY {}{}", account, by, if tls { " REQUIRE SSL" } else { "" })
}
