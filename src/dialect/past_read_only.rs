//! Questions about accounts that a plain `read_only` does not stop, and statements that lock them and give them back.
//!
//! Where the strongest lock ends with a session, these accounts are what could write to a server after it was closed.

use super::{Dialect, OwnDatabase};
use crate::domain::sql::{identifier, literal, number};
use crate::domain::{Sql, Words};
use crate::sql;

/// The record of locked accounts. It belongs to one server: what is done to it never enters the binary log, so no
/// replica drops it.
const RECORD: &str = "cutover_fence.locked_account";

/// `SUPER` in the bits of `mysql.global_priv`.
const SUPER: u64 = 1 << 15;
/// `EXECUTE` there.
const EXECUTE: u64 = 1 << 18;
/// `READ_ONLY ADMIN` there; seen on `MariaDB` 10.11.19.
const READ_ONLY_ADMIN: u64 = 1 << 33;
/// `MariaDB` gives `READ_ONLY ADMIN` to accounts with `SUPER` that an older version has written (`MDEV-29596`).
const SEPARATE_SINCE: u32 = 101_100;
/// Privileges of an account as bits, and the version that wrote them.
const ACCESS: &str = "CAST(COALESCE(JSON_VALUE(Priv, '$.access'), '0') AS UNSIGNED)";
const WRITTEN_BY: &str = "CAST(COALESCE(JSON_VALUE(Priv, '$.version_id'), '0') AS UNSIGNED)";

impl Dialect {
    /// Every account and role: columns `user`, `host`, `is_role`, `is_locked`, `gets_past`, each of these `1` or `0`.
    /// `gets_past` is for the privilege held directly.
    #[must_use]
    pub fn accounts_past_read_only(self) -> Sql {
        if self.mariadb(10, 4, 0) {
            let by_super = if self.mariadb(10, 11, 0) {
                sql!(" AND {} < {}", WRITTEN_BY, number(SEPARATE_SINCE))
            } else {
                Sql::default()
            };
            return sql!(
                "SELECT User AS user, Host AS host, COALESCE(JSON_VALUE(Priv, '$.is_role'), '0') = '1' AS is_role, \
                 COALESCE(JSON_VALUE(Priv, '$.account_locked'), '0') = '1' AS is_locked, \
                 ({} & {}) <> 0 OR (({} & {}) <> 0{}) AS gets_past FROM mysql.global_priv ORDER BY User, Host",
                ACCESS,
                number(READ_ONLY_ADMIN),
                ACCESS,
                number(SUPER),
                by_super
            );
        }
        if self.is_mariadb() {
            return "SELECT User AS user, Host AS host, is_role = 'Y' AS is_role, 0 AS is_locked, \
                    Super_priv = 'Y' AS gets_past FROM mysql.user ORDER BY User, Host"
                .into();
        }
        let is_locked = if self.account_lock() { "account_locked = 'Y'" } else { "0" };
        sql!(
            "SELECT User AS user, Host AS host, 0 AS is_role, {} AS is_locked, \
             EXISTS (SELECT 1 FROM information_schema.USER_PRIVILEGES WHERE PRIVILEGE_TYPE IN ('SUPER', 'CONNECTION_ADMIN') \
             AND GRANTEE = CONCAT('''', User, '''@''', Host, '''')) AS gets_past FROM mysql.user ORDER BY User, Host",
            is_locked
        )
    }

    /// What the server's machine is called: some installations give `root` an account by that name.
    #[must_use]
    pub fn machine_name(self) -> &'static str {
        "SELECT @@GLOBAL.hostname"
    }

    /// Who may take on which role: columns `user`, `host`, `role_user`, `role_host`; `None` where there are no roles.
    #[must_use]
    pub fn role_members(self) -> Option<&'static str> {
        match () {
            () if self.is_mariadb() => {
                Some("SELECT User AS user, Host AS host, Role AS role_user, '' AS role_host FROM mysql.roles_mapping")
            }
            () if self.mysql(8, 0, 0) => Some(
                "SELECT TO_USER AS user, TO_HOST AS host, FROM_USER AS role_user, FROM_HOST AS role_host \
                 FROM mysql.role_edges",
            ),
            () => None,
        }
    }

    /// Roles that every account has, as a list in one value; `None` where there is no such list.
    #[must_use]
    pub fn mandatory_roles(self) -> Option<&'static str> {
        self.mysql(8, 0, 0).then_some("SELECT @@GLOBAL.mandatory_roles")
    }

    /// Who may call code that runs with the rights of another account: columns `user`, `host`, `definer`. A plain
    /// `read_only` checks the definer (measured on `MariaDB` 10.11: such a call writes and commits by itself).
    #[must_use]
    pub fn callers_of_definers(self) -> Option<Sql> {
        (self.mariadb(10, 4, 0) && self.strongest_fence().held_by_session).then(|| {
            let definers = "mysql.proc p ON p.security_type = 'DEFINER'";
            sql!(
                "SELECT g.User AS user, g.Host AS host, p.definer AS definer FROM mysql.global_priv g JOIN {} \
                 WHERE ({} & {}) <> 0 \
                 UNION SELECT d.User, d.Host, p.definer FROM mysql.db d JOIN {} AND p.db LIKE d.Db \
                 WHERE d.Execute_priv = 'Y' \
                 UNION SELECT r.User, r.Host, p.definer FROM mysql.procs_priv r JOIN {} AND p.db = r.Db \
                 AND p.name = r.Routine_name AND p.type = r.Routine_type WHERE FIND_IN_SET('Execute', r.Proc_priv)",
                definers,
                ACCESS,
                number(EXECUTE),
                definers,
                definers
            )
        })
    }

    /// Whether accounts can be locked. A version that is stated as a series counts as its first one for general use.
    #[must_use]
    pub fn account_lock(self) -> bool {
        self.mariadb(10, 4, 0) || self.mysql(5, 7, 6) || self.is_series(5, 7)
    }

    /// Locks `accounts`, a list of names; sessions they have go on.
    #[must_use]
    pub fn lock_accounts(self, accounts: Sql) -> Sql {
        sql!("ALTER USER IF EXISTS {} ACCOUNT LOCK", accounts)
    }

    /// Takes that lock off.
    #[must_use]
    pub fn unlock_accounts(self, accounts: Sql) -> Sql {
        sql!("ALTER USER IF EXISTS {} ACCOUNT UNLOCK", accounts)
    }

    /// Makes the record of locked accounts.
    #[must_use]
    pub fn create_lock_record(self) -> [Sql; 2] {
        [
            sql!("CREATE DATABASE IF NOT EXISTS {}", identifier(OwnDatabase::Fence.name())),
            sql!(
                "CREATE TABLE IF NOT EXISTS {} (run VARCHAR(64) NOT NULL, user VARCHAR(128) NOT NULL, \
                 host VARCHAR(255) NOT NULL, PRIMARY KEY (run, user, host)) \
                 ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin",
                RECORD
            ),
        ]
    }

    /// Notes in it that run `run` locks this account.
    #[must_use]
    pub fn record_lock(self, run: impl Into<Words>, user: impl Into<Words>, host: impl Into<Words>) -> Sql {
        let [run, user, host] = [run.into(), user.into(), host.into()].map(literal);
        sql!("REPLACE INTO {} (run, user, host) VALUES ({}, {}, {})", RECORD, run, user, host)
    }

    /// Whether there is such a record: a count.
    #[must_use]
    pub fn lock_record_exists(self) -> Sql {
        sql!(
            "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = {} AND TABLE_NAME = 'locked_account'",
            literal(OwnDatabase::Fence.name())
        )
    }

    /// What stands in it: columns `run`, `user`, `host`.
    #[must_use]
    pub fn read_lock_record(self) -> Sql {
        sql!("SELECT run, user, host FROM {} ORDER BY run, user, host", RECORD)
    }

    /// Takes the rows of run `run` out of it.
    #[must_use]
    pub fn forget_locks(self, run: impl Into<Words>) -> Sql {
        sql!("DELETE FROM {} WHERE run = {}", RECORD, literal(run.into()))
    }

    /// Those of the connections `ids`, a list of numbers, that are still there, and as whom: columns `id`, `user`.
    #[must_use]
    pub fn still_connected(self, ids: Sql) -> Sql {
        sql!("SELECT ID AS id, USER AS user FROM information_schema.PROCESSLIST WHERE ID IN ({})", ids)
    }
}
