//! Statements of a replica: its channel, its threads, waiting for a position.

use super::Dialect;
use crate::domain::sql::{literal, number};
use crate::domain::{Private, Sql, Words};
use crate::sql;

/// Seconds between heartbeats of a silent source: a dead link shows within a few of them.
const HEARTBEAT_SECONDS: u32 = 2;
/// Seconds between attempts to reconnect.
const CONNECT_RETRY_SECONDS: u32 = 1;
/// Attempts to reconnect: about six days, so that the channel never gives up before people do.
const RETRY_COUNT: u32 = 500_000;

/// Where a channel leads and from where it reads. A plan does not know all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeSource {
    /// Host or address of the source, as the replica sees it; never `localhost`, which would mean a socket.
    pub host: Words,
    /// Port.
    pub port: Words,
    /// Account.
    pub user: Words,
    /// Password.
    pub password: Private,
    /// Where reading starts.
    pub start: StartAt,
    /// Whether the channel itself is encrypted.
    pub tls: ChannelTls,
}

/// Where a channel starts to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartAt {
    /// A position in the source's binary log.
    Position {
        /// File name.
        file: Words,
        /// Byte offset.
        offset: Words,
    },
    /// From the replica's own GTID state ([`Dialect::set_gtid_start`]).
    Gtid,
}

/// Whether a channel is encrypted by the servers themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChannelTls {
    /// Plain text: only inside a tunnel.
    None,
    /// TLS with the source's certificate verified, against `ca` (a file on the replica's host) or the system's.
    Verified {
        /// Certificate authority's file.
        ca: Option<Words>,
    },
}

impl Dialect {
    fn replica(self) -> &'static str {
        if self.mysql(8, 0, 22) { "REPLICA" } else { "SLAVE" }
    }

    /// Prefix of the channel's options.
    fn source(self) -> &'static str {
        if self.mysql(8, 0, 23) { "SOURCE" } else { "MASTER" }
    }

    /// Keeps the session's statements out of the server's general log, or lets them into it again. `MariaDB` writes the
    /// password of [`Dialect::change_source`] there as it was sent (seen on 10.11.19), `MySQL` leaves it out by itself.
    #[must_use]
    pub fn unlogged(self, is_on: bool) -> Option<&'static str> {
        let statement = if is_on { "SET SESSION sql_log_off = 1" } else { "SET SESSION sql_log_off = 0" };
        self.is_mariadb().then_some(statement)
    }

    /// Points the replica at a source. Encryption and GTID mode are always stated: their defaults changed between
    /// versions, and a wrong default either refuses the source or reads from another place.
    #[must_use]
    pub fn change_source(self, to: &ChangeSource) -> Sql {
        let p = self.source();
        let mut options = vec![
            sql!("{}_HOST = {}", p, literal(&to.host)),
            sql!("{}_PORT = {}", p, number(&to.port)),
            sql!("{}_USER = {}", p, literal(&to.user)),
            sql!("{}_PASSWORD = {}", p, literal(&to.password)),
        ];
        if let StartAt::Position { file, offset } = &to.start {
            options.push(sql!("{}_LOG_FILE = {}", p, literal(file)));
            options.push(sql!("{}_LOG_POS = {}", p, number(offset)));
        }
        options.push(match (self.is_mariadb(), &to.start) {
            (true, StartAt::Gtid) => Sql::from("MASTER_USE_GTID = slave_pos"),
            (true, StartAt::Position { .. }) => Sql::from("MASTER_USE_GTID = no"),
            (false, StartAt::Gtid) => sql!("{}_AUTO_POSITION = 1", p),
            (false, StartAt::Position { .. }) => sql!("{}_AUTO_POSITION = 0", p),
        });
        options.push(sql!("{}_HEARTBEAT_PERIOD = {}", p, number(HEARTBEAT_SECONDS)));
        options.push(sql!("{}_CONNECT_RETRY = {}", p, number(CONNECT_RETRY_SECONDS)));
        if !self.is_mariadb() || self.mariadb(12, 0, 1) {
            options.push(sql!("{}_RETRY_COUNT = {}", p, number(RETRY_COUNT)));
        }
        options.extend(self.tls_options(&to.tls));
        let change = if self.mysql(8, 0, 23) { "CHANGE REPLICATION SOURCE TO" } else { "CHANGE MASTER TO" };
        sql!("{} {}", change, Sql::join(options, ", "))
    }

    fn tls_options(self, tls: &ChannelTls) -> Vec<Sql> {
        let p = self.source();
        let on = if *tls == ChannelTls::None { "0" } else { "1" };
        let mut options = vec![sql!("{}_SSL = {}", p, on), sql!("{}_SSL_VERIFY_SERVER_CERT = {}", p, on)];
        if let ChannelTls::Verified { ca: Some(ca) } = tls {
            options.push(sql!("{}_SSL_CA = {}", p, literal(ca)));
        }
        // without TLS an account with caching_sha2_password can only log in with the source's public key
        if self.mysql(8, 0, 0) {
            options.push(sql!("GET_{}_PUBLIC_KEY = 1", p));
        }
        options
    }

    /// Makes `set` the place from which a channel with [`StartAt::Gtid`] starts; from `MySQL` 8.0 on, it is added to
    /// what is there, before that nothing may be there.
    #[must_use]
    pub fn set_gtid_start(self, set: impl Into<Words>) -> Sql {
        if self.is_mariadb() {
            return sql!("SET GLOBAL gtid_slave_pos = {}", literal(set.into()));
        }
        let plus = if self.mysql(8, 0, 0) { "+" } else { "" };
        sql!("SET GLOBAL gtid_purged = {}", literal(Words::from(plus).then(set)))
    }

    /// Lets a channel that is there, and stands still, continue from the state of [`Dialect::applied_gtids`]: `MariaDB`
    /// alone, whose replica knows that whichever way it has followed so far.
    #[must_use]
    pub fn go_by_gtid(self) -> &'static str {
        "CHANGE MASTER TO MASTER_USE_GTID = slave_pos"
    }

    /// The variable with what a server has applied, which outlives its channels.
    #[must_use]
    pub fn applied_gtids(self) -> &'static str {
        if self.is_mariadb() { "gtid_slave_pos" } else { "gtid_executed" }
    }

    /// How far GTIDs are in use, one value; `MariaDB` has no such switch.
    #[must_use]
    pub fn gtid_mode(self) -> Option<&'static str> {
        (!self.is_mariadb()).then_some("SELECT @@GLOBAL.gtid_mode")
    }

    /// The GTID state at a position in the server's own binary log, one value, if the server knows it; `MySQL` cannot,
    /// and its dump program notes it instead.
    #[must_use]
    pub fn gtid_at(self, file: impl Into<Words>, offset: impl Into<Words>) -> Option<Sql> {
        let place = (literal(file.into()), number(offset));
        self.is_mariadb().then(|| sql!("SELECT BINLOG_GTID_POS({}, {})", place.0, place.1))
    }

    /// Ends the binary log's file and begins the next one.
    #[must_use]
    pub fn new_binlog(self) -> &'static str {
        "FLUSH NO_WRITE_TO_BINLOG BINARY LOGS"
    }

    /// Sets how far GTIDs are in use; only one step at a time is allowed.
    #[must_use]
    pub fn set_gtid_mode(self, mode: impl Into<Sql>) -> Sql {
        sql!("SET GLOBAL gtid_mode = {}", mode.into())
    }

    /// Compares a server's GTIDs with `set`: columns `missing` (of the set, on the server) and `own` (on the server,
    /// not in the set). `MariaDB` has no function for it.
    #[must_use]
    pub fn compare_gtids(self, set: impl Into<Words>) -> Option<Sql> {
        let set = literal(set.into());
        (!self.is_mariadb()).then(|| {
            sql!(
                "SELECT GTID_SUBTRACT({}, @@GLOBAL.gtid_executed) AS missing, \
                 GTID_SUBTRACT(@@GLOBAL.gtid_executed, {}) AS own",
                &set,
                &set
            )
        })
    }

    /// Starts both threads.
    #[must_use]
    pub fn start_replica(self) -> Sql {
        sql!("START {}", self.replica())
    }

    /// Events in a relay log from the place where the applier stopped: columns `Event_type`, `End_log_pos`, `Info`.
    /// `MySQL` names a place that may lie some hundred transactions before, for parallel workers have done those.
    #[must_use]
    pub fn relay_log_events(self, file: impl Into<Words>, offset: impl Into<Words>) -> Sql {
        let limit = if self.is_mariadb() { "3" } else { "10000" };
        sql!("SHOW RELAYLOG EVENTS IN {} FROM {} LIMIT {}", literal(file.into()), number(offset), limit)
    }

    /// Starts the applier for what parallel workers have left out before its place, and stops it there.
    #[must_use]
    pub fn close_gaps(self) -> Option<Sql> {
        (!self.is_mariadb()).then(|| sql!("{} UNTIL SQL_AFTER_MTS_GAPS", self.start_applier()))
    }

    fn pass_counter(self) -> &'static str {
        if self.mysql(8, 0, 26) { "sql_replica_skip_counter" } else { "sql_slave_skip_counter" }
    }

    /// Passes over the one transaction at which a stopped applier stands, and starts it again. With a `gtid` (`MySQL`)
    /// an empty transaction takes its place.
    #[must_use]
    pub fn pass_transaction(self, gtid: Option<Words>) -> Vec<Sql> {
        let mut statements = match gtid {
            Some(gtid) => {
                let next = |gtid: Words| sql!("SET SESSION gtid_next = {}", literal(gtid));
                vec![next(gtid), Sql::from("BEGIN"), Sql::from("COMMIT"), next("AUTOMATIC".into())]
            }
            None => vec![sql!("SET GLOBAL {} = 1", self.pass_counter())],
        };
        statements.push(self.start_applier());
        statements
    }

    /// Nothing is passed over at the next start: after a start that failed.
    #[must_use]
    pub fn pass_nothing(self, gtid: Option<&str>) -> Option<Sql> {
        gtid.is_none().then(|| sql!("SET GLOBAL {} = 0", self.pass_counter()))
    }

    /// Stops both threads.
    #[must_use]
    pub fn stop_replica(self) -> Sql {
        sql!("STOP {}", self.replica())
    }

    /// Stops reading from the source; what was read is still applied.
    #[must_use]
    pub fn stop_receiver(self) -> Sql {
        sql!("STOP {} IO_THREAD", self.replica())
    }

    /// Stops applying; reading goes on.
    #[must_use]
    pub fn stop_applier(self) -> Sql {
        sql!("STOP {} SQL_THREAD", self.replica())
    }

    /// Starts applying again.
    #[must_use]
    pub fn start_applier(self) -> Sql {
        sql!("START {} SQL_THREAD", self.replica())
    }

    /// Applies up to a position and stops there.
    #[must_use]
    pub fn start_applier_until(self, file: impl Into<Words>, offset: impl Into<Words>) -> Sql {
        let (file, offset, p) = (literal(file.into()), number(offset), self.source());
        sql!("START {} SQL_THREAD UNTIL {}_LOG_FILE = {}, {}_LOG_POS = {}", self.replica(), p, file, p, offset)
    }

    /// Forgets the channel, and relay logs that were not applied with it: only after the final position is proved.
    #[must_use]
    pub fn reset_replica_all(self) -> Sql {
        sql!("RESET {} ALL", self.replica())
    }

    /// How replication stands; columns as in [`Dialect::status_columns`]. No row means no channel.
    #[must_use]
    pub fn replica_status(self) -> Sql {
        sql!("SHOW {} STATUS", self.replica())
    }

    /// The same of every channel, whatever its name; a row each. The channel's name is in `Channel_Name`
    /// (`MariaDB`: `Connection_name`).
    #[must_use]
    pub fn all_channels(self) -> Sql {
        if self.is_mariadb() { "SHOW ALL SLAVES STATUS".into() } else { self.replica_status() }
    }

    /// The server's current binlog position: columns `File` and `Position`. No row means no binary log.
    #[must_use]
    pub fn binlog_position(self) -> &'static str {
        if self.mysql(8, 2, 0) { "SHOW BINARY LOG STATUS" } else { "SHOW MASTER STATUS" }
    }

    /// The server's own GTID state, one value.
    #[must_use]
    pub fn gtid_position(self) -> &'static str {
        if self.is_mariadb() { "SELECT @@GLOBAL.gtid_binlog_pos" } else { "SELECT @@GLOBAL.gtid_executed" }
    }

    /// Throws every binary log away, and with them what replicas and backups go by: for sandboxes.
    #[must_use]
    pub fn reset_binary_logs(self) -> &'static str {
        if self.mysql(8, 2, 0) { "RESET BINARY LOGS AND GTIDS" } else { "RESET MASTER" }
    }

    /// Names of the binary logs that are still there: column `Log_name`.
    #[must_use]
    pub fn binary_logs(self) -> &'static str {
        "SHOW BINARY LOGS"
    }

    /// Waits until the applier has passed a position. 0 or more means it has, -1 that the time is over, `NULL` that
    /// the applier does not run.
    #[must_use]
    pub fn wait_for_position(self, file: impl Into<Words>, offset: impl Into<Words>, seconds: u32) -> Sql {
        let function = if self.mysql(8, 0, 26) { "SOURCE_POS_WAIT" } else { "MASTER_POS_WAIT" };
        sql!("SELECT {}({}, {}, {})", function, literal(file.into()), number(offset), number(seconds))
    }

    /// Waits until a GTID set is applied. 0 means it is, 1 (`MySQL`) or -1 (`MariaDB`) that the time is over. It does
    /// not notice stopped threads, and an empty set is there at once.
    #[must_use]
    pub fn wait_for_gtid(self, set: impl Into<Words>, seconds: u32) -> Sql {
        let function = if self.is_mariadb() { "MASTER_GTID_WAIT" } else { "WAIT_FOR_EXECUTED_GTID_SET" };
        sql!("SELECT {}({}, {})", function, literal(set.into()), number(seconds))
    }
}
