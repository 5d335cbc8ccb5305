//! Privileges, by what they are needed for, as each version spells them.
//!
//! Each was seen on `MariaDB` 10.5.23, 10.11.19 and 11.8.9 and `MySQL` 9.7.4: which single privilege lets a statement pass.
//! `MariaDB` took most of `SUPER` apart in 10.5.2, and from 11.0 on `SUPER` no longer stands for the parts (MDEV-29668);
//! for `READ_ONLY ADMIN` it does not from 10.11 on (MDEV-29596). `MySQL` took it apart in 8.0, and there it still does.

mod steps;

use super::Dialect;

/// Privileges of which one is enough. The first one is the least: the one to be granted.
pub type AnyOf = &'static [&'static str];

/// What must be held so that an account may pass its privileges on, as [`Dialect::own_privileges`] names it.
pub const GRANT_OPTION: &str = "GRANT OPTION";

/// Variables of `MariaDB` that are set by `BINLOG ADMIN`; its page on `GRANT` lists them.
const OF_BINLOG: &[&str] =
    &["sync_binlog", "max_binlog_size", "expire_logs_days", "log_bin_trust_function_creators", "log_bin_compress"];
/// The same of `REPLICATION SLAVE ADMIN`; what begins with `slave_` or `replicate_` is too.
const OF_REPLICA: &[&str] = &[
    "gtid_slave_pos",
    "gtid_strict_mode",
    "gtid_ignore_duplicates",
    "init_slave",
    "relay_log_purge",
    "relay_log_recovery",
    "sync_master_info",
    "sync_relay_log",
    "sync_relay_log_info",
];
/// The same of `CONNECTION ADMIN`.
const OF_CONNECTIONS: &[&str] =
    &["connect_timeout", "init_connect", "max_connections", "max_connect_errors", "max_password_errors"];
/// The same of `REPLICATION MASTER ADMIN`.
const OF_SOURCE: &[&str] = &["server_id", "gtid_domain_id", "gtid_binlog_state", "master_verify_checksum"];

impl Dialect {
    /// Whether `MariaDB` has `SUPER` in parts. A version stated as a series counts as its first release for general use.
    fn has_parts(self) -> bool {
        self.mariadb(10, 5, 0)
    }

    /// A part of `MariaDB`'s `SUPER`: `alone` from 11.0 on, `or_super` before, and `SUPER` where it has no parts.
    fn part(self, alone: AnyOf, or_super: AnyOf) -> AnyOf {
        match () {
            () if self.mariadb(11, 0, 0) => alone,
            () if self.has_parts() => or_super,
            () => &["SUPER"],
        }
    }

    /// A part of `MySQL`'s `SUPER`, which still stands for it.
    fn dynamic(self, or_super: AnyOf) -> AnyOf {
        if self.mysql(8, 0, 0) { or_super } else { &["SUPER"] }
    }

    /// Where its binary log stands, and which files there are.
    #[must_use]
    pub fn sees_log(self) -> AnyOf {
        match () {
            () if self.mariadb(11, 0, 0) => &["BINLOG MONITOR"],
            () if self.has_parts() => &["BINLOG MONITOR", "SUPER"],
            () => &["REPLICATION CLIENT", "SUPER"],
        }
    }

    /// What stands in its binary log.
    #[must_use]
    pub fn reads_log(self) -> AnyOf {
        if self.has_parts() { &["BINLOG MONITOR"] } else { &["REPLICATION SLAVE"] }
    }

    /// How its replication stands.
    #[must_use]
    pub fn sees_channel(self) -> AnyOf {
        match () {
            () if self.mariadb(11, 0, 0) => &["SLAVE MONITOR"],
            () if self.has_parts() => &["SLAVE MONITOR", "SUPER"],
            () => &["REPLICATION CLIENT", "SUPER"],
        }
    }

    /// What stands in its relay log.
    #[must_use]
    pub fn reads_relay_log(self) -> AnyOf {
        if self.has_parts() { &["SLAVE MONITOR"] } else { &["REPLICATION SLAVE"] }
    }

    /// Starts, stops and changes its replication.
    #[must_use]
    pub fn steers_channel(self) -> AnyOf {
        if self.is_mariadb() {
            self.part(&["REPLICATION SLAVE ADMIN"], &["REPLICATION SLAVE ADMIN", "SUPER"])
        } else {
            self.dynamic(&["REPLICATION_SLAVE_ADMIN", "SUPER"])
        }
    }

    /// Passes over a transaction of its replication.
    #[must_use]
    pub fn skips(self) -> AnyOf {
        self.sets_variable("sql_slave_skip_counter")
    }

    /// Closes the server and opens it.
    #[must_use]
    pub fn sets_read_only(self) -> AnyOf {
        self.sets_variable("read_only")
    }

    /// Writes where the server is closed to everyone else.
    #[must_use]
    pub fn gets_past_read_only(self) -> AnyOf {
        if self.is_mariadb() { self.sets_read_only() } else { self.ends_clients() }
    }

    /// Ends the connections of others.
    #[must_use]
    pub fn ends_clients(self) -> AnyOf {
        if self.is_mariadb() {
            self.part(&["CONNECTION ADMIN"], &["CONNECTION ADMIN", "SUPER"])
        } else {
            self.dynamic(&["CONNECTION_ADMIN", "SUPER"])
        }
    }

    /// Keeps what a session does out of the binary log.
    #[must_use]
    pub fn leaves_log_out(self) -> AnyOf {
        if self.is_mariadb() {
            self.part(&["BINLOG ADMIN"], &["BINLOG ADMIN", "SUPER"])
        } else {
            self.dynamic(&["SYSTEM_VARIABLES_ADMIN", "SESSION_VARIABLES_ADMIN", "SUPER"])
        }
    }

    /// Makes code that belongs to others.
    #[must_use]
    pub fn sets_definers(self) -> AnyOf {
        match () {
            () if self.is_mariadb() => self.part(&["SET USER"], &["SET USER", "SUPER"]),
            () if self.mysql(8, 2, 0) => &["SET_ANY_DEFINER", "SUPER"],
            () => self.dynamic(&["SET_USER_ID", "SUPER"]),
        }
    }

    /// Makes code that belongs to an account which is not there yet, where that is a privilege of its own.
    #[must_use]
    pub fn sets_missing_definers(self) -> Option<AnyOf> {
        self.mysql(8, 2, 0).then_some(&["ALLOW_NONEXISTENT_DEFINER", "SUPER"])
    }

    /// Makes code that belongs to an administrator, where that is a privilege of its own.
    #[must_use]
    pub fn sets_system_definers(self) -> Option<AnyOf> {
        self.mysql(8, 0, 16).then_some(&["SYSTEM_USER"])
    }

    /// Lists prepared transactions, where that takes a privilege.
    #[must_use]
    pub fn lists_prepared(self) -> Option<AnyOf> {
        self.mysql(8, 0, 0).then_some(&["XA_RECOVER_ADMIN"])
    }

    /// Sets a variable for the whole server.
    #[must_use]
    pub fn sets_variable(self, name: &str) -> AnyOf {
        if !self.is_mariadb() {
            return self.dynamic(&["SYSTEM_VARIABLES_ADMIN", "SUPER"]);
        }
        match name {
            "read_only" if self.mariadb(10, 11, 0) => &["READ_ONLY ADMIN"],
            "read_only" => self.part(&["READ_ONLY ADMIN"], &["READ_ONLY ADMIN", "SUPER"]),
            _ if OF_BINLOG.contains(&name) || name.starts_with("binlog_") => {
                self.part(&["BINLOG ADMIN"], &["BINLOG ADMIN", "SUPER"])
            }
            _ if OF_REPLICA.contains(&name) || name.starts_with("slave_") || name.starts_with("replicate_") => {
                self.steers_channel()
            }
            _ if OF_CONNECTIONS.contains(&name) => self.ends_clients(),
            _ if OF_SOURCE.contains(&name) => {
                self.part(&["REPLICATION MASTER ADMIN"], &["REPLICATION MASTER ADMIN", "SUPER"])
            }
            _ => &["SUPER"],
        }
    }

    /// Starts and stops the event scheduler.
    #[must_use]
    pub fn sets_event_scheduler(self) -> AnyOf {
        self.sets_variable("event_scheduler")
    }

    /// Everything that `GRANT ALL` gives on a database: who passes it on must hold it.
    #[must_use]
    pub fn all_of_a_database(self) -> Vec<AnyOf> {
        let mut all: Vec<AnyOf> = ALL_OF_A_DATABASE.to_vec();
        if self.mariadb(10, 3, 4) {
            all.push(&["DELETE HISTORY"]);
        }
        if self.mariadb(11, 3, 0) {
            all.push(&["SHOW CREATE ROUTINE"]);
        }
        all
    }
}

const ALL_OF_A_DATABASE: [AnyOf; 18] = [
    &["SELECT"],
    &["INSERT"],
    &["UPDATE"],
    &["DELETE"],
    &["CREATE"],
    &["DROP"],
    &["ALTER"],
    &["INDEX"],
    &["REFERENCES"],
    &["LOCK TABLES"],
    &["CREATE TEMPORARY TABLES"],
    &["CREATE VIEW"],
    &["SHOW VIEW"],
    &["CREATE ROUTINE"],
    &["ALTER ROUTINE"],
    &["EXECUTE"],
    &["TRIGGER"],
    &["EVENT"],
];
