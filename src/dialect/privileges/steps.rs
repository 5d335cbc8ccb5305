//! What each part of a migration takes, put together from single abilities.

use super::AnyOf;
use crate::dialect::Dialect;

const SELECT: AnyOf = &["SELECT"];
const PROCESS: AnyOf = &["PROCESS"];
const RELOAD: AnyOf = &["RELOAD"];
const CREATE_USER: AnyOf = &["CREATE USER"];

/// Without these a dump leaves out tables, views, triggers or events without a message.
const SEES_ALL: [AnyOf; 4] = [SELECT, &["SHOW VIEW"], &["TRIGGER"], &["EVENT"]];

impl Dialect {
    /// To check a server, its sessions, its logs and its replication.
    #[must_use]
    pub fn look_privileges(self) -> Vec<AnyOf> {
        vec![SELECT, PROCESS, self.sees_log(), self.sees_channel()]
    }

    /// To see the sessions of others.
    #[must_use]
    pub fn sees_sessions(self) -> AnyOf {
        PROCESS
    }

    /// To see every table, view, trigger and event.
    #[must_use]
    pub fn sees_all(self) -> Vec<AnyOf> {
        SEES_ALL.to_vec()
    }

    /// To dump a source and read its position. `EXECUTE` is for views that call functions: only who may call them can dump
    /// such a view.
    #[must_use]
    pub fn dump_privileges(self) -> Vec<AnyOf> {
        let mut all = self.sees_all();
        all.extend([&["EXECUTE"], RELOAD, PROCESS, self.sees_log(), self.reads_log()]);
        all
    }

    /// To dump by `mydumper`, beside [`Dialect::dump_privileges`], which 0.10.1 was content with on `MariaDB` 10.11.19: 1.0 locks
    /// the instance of `MySQL` 8.0 and newer (mydumper/mydumper, `src/mydumper/mydumper_start_dump.c`).
    #[must_use]
    pub fn mydumper_privileges(self) -> Vec<AnyOf> {
        if self.mysql(8, 0, 0) { vec![&["BACKUP_ADMIN"]] } else { Vec::new() }
    }

    /// To copy the files of a running server: what `mariadb-backup` takes (seen on 10.11.19 and 11.8.9), and what the page of
    /// `XtraBackup` on privileges lists.
    #[must_use]
    pub fn backup_privileges(self) -> Vec<AnyOf> {
        let mut all: Vec<AnyOf> = vec![RELOAD, PROCESS, &["LOCK TABLES"], self.sees_log()];
        if self.mysql(8, 0, 0) {
            all.extend([&["BACKUP_ADMIN"] as AnyOf, SELECT]);
        }
        all
    }

    /// To be cloned by another server, which logs in with this account, and to see before what a clone leaves out (seen on
    /// `MySQL` 9.7.4).
    #[must_use]
    pub fn cloned_privileges(self) -> Vec<AnyOf> {
        vec![&["BACKUP_ADMIN"], SELECT, PROCESS, self.sees_log()]
    }

    /// To clone another server into a folder of its own: only to put a clone in place takes `CLONE_ADMIN`, and that is of no
    /// use here (seen on `MySQL` 9.7.4).
    #[must_use]
    pub fn cloning_privileges(self) -> Vec<AnyOf> {
        vec![&["BACKUP_ADMIN"], SELECT, self.sets_variable("clone_valid_donor_list")]
    }

    /// To start with the files of another server.
    #[must_use]
    pub fn copied_privileges(self) -> Vec<AnyOf> {
        let mut all = vec![SELECT, self.sees_channel(), self.steers_channel(), RELOAD];
        all.extend((!self.is_mariadb()).then(|| self.sets_variable("gtid_purged")));
        all
    }

    /// To load a dump: code keeps its definers, and what is loaded stays out of the binary log.
    #[must_use]
    pub fn import_privileges(self) -> Vec<AnyOf> {
        let mut all: Vec<AnyOf> = vec![
            SELECT,
            &["INSERT"],
            &["CREATE"],
            &["DROP"],
            &["ALTER"],
            &["INDEX"],
            &["REFERENCES"],
            &["LOCK TABLES"],
            &["CREATE VIEW"],
            &["CREATE ROUTINE"],
            &["ALTER ROUTINE"],
            &["TRIGGER"],
            &["EVENT"],
            self.leaves_log_out(),
            self.sets_definers(),
        ];
        all.extend(self.sets_missing_definers());
        all
    }

    /// To load functions and triggers where a binary log is written; only `log_bin_trust_function_creators` spares it. A
    /// session that is kept out of the log still needs it for triggers (seen on all four versions).
    #[must_use]
    pub fn loads_code(self) -> AnyOf {
        &["SUPER"]
    }

    /// To make accounts and give them what they may do on one server alone.
    #[must_use]
    pub fn locking(self) -> Vec<AnyOf> {
        vec![CREATE_USER, self.leaves_log_out()]
    }

    /// To make the account that a replica logs in with.
    #[must_use]
    pub fn replication_account_privileges(self) -> Vec<AnyOf> {
        vec![CREATE_USER, &["REPLICATION SLAVE"]]
    }

    /// To make accounts.
    #[must_use]
    pub fn makes_accounts(self) -> AnyOf {
        CREATE_USER
    }

    /// To read accounts and what they were given.
    #[must_use]
    pub fn reads_accounts(self) -> AnyOf {
        SELECT
    }

    /// To close a server and end its clients. Stopping a running event scheduler takes
    /// [`Dialect::sets_event_scheduler`] as well.
    #[must_use]
    pub fn fence_privileges(self) -> Vec<AnyOf> {
        let mut all = vec![self.sets_read_only(), self.gets_past_read_only(), self.ends_clients(), PROCESS];
        all.extend([SELECT, self.sees_log(), self.reads_log(), self.sees_channel()]);
        if self.strongest_fence().held_by_session {
            all.push(RELOAD);
            if self.account_lock() {
                all.extend(self.locking()); // accounts that get past read_only are locked, outside the binary log
            }
        }
        all.extend(self.lists_prepared()); // they are asked for before the fence falls
        all
    }

    /// To end replication on a server and open it.
    #[must_use]
    pub fn promote_privileges(self) -> Vec<AnyOf> {
        let open = [self.sets_read_only(), self.gets_past_read_only()];
        let mut all = vec![SELECT, self.sees_log(), self.sees_channel(), self.steers_channel(), RELOAD];
        all.extend(open);
        all
    }

    /// To read how a replica stands, and to follow statements about accounts.
    #[must_use]
    pub fn follow_privileges(self) -> Vec<AnyOf> {
        vec![self.sees_channel(), self.reads_relay_log(), self.steers_channel()]
    }

    /// To make a server a replica. `MySQL` sets variables for that.
    #[must_use]
    pub fn replica_privileges(self) -> Vec<AnyOf> {
        let mut all = vec![SELECT, self.sees_log()];
        all.extend(self.follow_privileges());
        all.push(RELOAD);
        if !self.is_mariadb() {
            all.push(self.sets_variable(""));
        }
        all
    }

    /// To bring a source to a common point.
    #[must_use]
    pub fn snapshot_privileges(self) -> Vec<AnyOf> {
        let mut all = self.sees_all();
        all.extend([RELOAD, self.sees_log(), self.reads_log()]);
        if !self.is_mariadb() {
            all.push(PROCESS); // the lock waits for statements, and those are looked for
        }
        all
    }

    /// The same for its replica, whose applier is stopped and started.
    #[must_use]
    pub fn applier_privileges(self) -> Vec<AnyOf> {
        let mut all = self.sees_all();
        all.extend([self.sees_log(), self.reads_log(), self.sees_channel(), self.steers_channel()]);
        all
    }

    /// To set events: their definers stay.
    #[must_use]
    pub fn event_privileges(self) -> Vec<AnyOf> {
        let mut all: Vec<AnyOf> = vec![&["EVENT"], self.sets_definers(), self.leaves_log_out()];
        all.extend(self.sets_missing_definers());
        all
    }

    /// To raise the next id of a table.
    #[must_use]
    pub fn raises_counters(self) -> Vec<AnyOf> {
        vec![&["ALTER"], &["CREATE"], &["INSERT"]]
    }

    /// To keep rows in a database of the tool's own, and remove it.
    #[must_use]
    pub fn keeps_own_rows(self) -> Vec<AnyOf> {
        vec![&["CREATE"], &["DROP"], &["INSERT"], &["DELETE"]]
    }

    /// To keep the tables of accounts beside, and put them back.
    #[must_use]
    pub fn puts_accounts_back(self) -> Vec<AnyOf> {
        vec![SELECT, &["INSERT"], &["DELETE"], &["CREATE"], &["DROP"], RELOAD, self.leaves_log_out()]
    }
}
