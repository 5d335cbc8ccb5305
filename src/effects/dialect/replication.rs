//! Statements of a replica: its channel, its threads, waiting for a position.

use super::{Dialect, number, text_literal};

/// Seconds between heartbeats of a silent source: a dead link shows within a few of them.
const HEARTBEAT_SECONDS: u32 = 2;
/// Seconds between attempts to reconnect.
const CONNECT_RETRY_SECONDS: u32 = 1;
/// Attempts to reconnect: about six days, so that the channel never gives up before people do.
const RETRY_COUNT: u32 = 500_000;

/// Where a channel leads and from where it reads. Texts may be markers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeSource<'a> {
    /// Host or address of the source, as the replica sees it; never `localhost`, which would mean a socket.
    pub host: &'a str,
    /// Port: digits or a marker.
    pub port: &'a str,
    /// Account.
    pub user: &'a str,
    /// Password, as a secret's marker.
    pub password: &'a str,
    /// Where reading starts.
    pub start: StartAt<'a>,
    /// Whether the channel itself is encrypted.
    pub tls: ChannelTls<'a>,
}

/// Where a channel starts to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartAt<'a> {
    /// A place in the source's binary log.
    Position {
        /// File name.
        file: &'a str,
        /// Byte offset: digits or a marker.
        offset: &'a str,
    },
    /// Wherever the replica's own GTID state says ([`Dialect::set_gtid_start`]).
    Gtid,
}

/// Whether a channel is encrypted by the servers themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelTls<'a> {
    /// Plain text: only inside a tunnel.
    None,
    /// TLS with the source's certificate verified, against `ca` (a file on the replica's host) or the system's.
    Verified {
        /// Certificate authority's file.
        ca: Option<&'a str>,
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

    /// Points the replica at a source. Encryption and GTID mode are always stated: their defaults changed between
    /// versions, and a wrong default either refuses the source or reads from another place.
    #[must_use]
    pub fn change_source(self, to: &ChangeSource<'_>) -> String {
        let p = self.source();
        let mut options = vec![
            format!("{p}_HOST = {}", text_literal(to.host)),
            format!("{p}_PORT = {}", number(to.port)),
            format!("{p}_USER = {}", text_literal(to.user)),
            format!("{p}_PASSWORD = {}", text_literal(to.password)),
        ];
        if let StartAt::Position { file, offset } = to.start {
            options.push(format!("{p}_LOG_FILE = {}", text_literal(file)));
            options.push(format!("{p}_LOG_POS = {}", number(offset)));
        }
        let gtid = to.start == StartAt::Gtid;
        options.push(match (self.is_mariadb(), gtid) {
            (true, true) => "MASTER_USE_GTID = slave_pos".to_owned(),
            (true, false) => "MASTER_USE_GTID = no".to_owned(),
            (false, gtid) => format!("{p}_AUTO_POSITION = {}", u8::from(gtid)),
        });
        options.push(format!("{p}_HEARTBEAT_PERIOD = {HEARTBEAT_SECONDS}"));
        options.push(format!("{p}_CONNECT_RETRY = {CONNECT_RETRY_SECONDS}"));
        if !self.is_mariadb() || self.mariadb(12, 0, 1) {
            options.push(format!("{p}_RETRY_COUNT = {RETRY_COUNT}"));
        }
        options.extend(self.tls_options(to.tls));
        let change = if self.mysql(8, 0, 23) { "CHANGE REPLICATION SOURCE TO" } else { "CHANGE MASTER TO" };
        format!("{change} {}", options.join(", "))
    }

    fn tls_options(self, tls: ChannelTls<'_>) -> Vec<String> {
        let p = self.source();
        let on = u8::from(tls != ChannelTls::None);
        let mut options = vec![format!("{p}_SSL = {on}"), format!("{p}_SSL_VERIFY_SERVER_CERT = {on}")];
        if let ChannelTls::Verified { ca: Some(ca) } = tls {
            options.push(format!("{p}_SSL_CA = {}", text_literal(ca)));
        }
        // without TLS an account with caching_sha2_password can only log in with the source's public key
        if self.mysql(8, 0, 0) {
            options.push(format!("GET_{p}_PUBLIC_KEY = 1"));
        }
        options
    }

    /// Makes `set` the place from which a channel with [`StartAt::Gtid`] starts; from `MySQL` 8.0 on, it is added to what
    /// is there, before that nothing may be there.
    #[must_use]
    pub fn set_gtid_start(self, set: &str) -> String {
        if self.is_mariadb() {
            return format!("SET GLOBAL gtid_slave_pos = {}", text_literal(set));
        }
        let plus = if self.mysql(8, 0, 0) { "+" } else { "" };
        format!("SET GLOBAL gtid_purged = {}", text_literal(&format!("{plus}{set}")))
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

    /// The GTID state at a place in the server's own binary log, one value, where the server can tell; `MySQL` cannot, and
    /// its dump program notes it instead.
    #[must_use]
    pub fn gtid_at(self, file: &str, offset: &str) -> Option<String> {
        self.is_mariadb().then(|| format!("SELECT BINLOG_GTID_POS({}, {})", text_literal(file), number(offset)))
    }

    /// Ends the binary log's file and begins the next one.
    #[must_use]
    pub fn new_binlog(self) -> &'static str {
        "FLUSH NO_WRITE_TO_BINLOG BINARY LOGS"
    }

    /// Sets how far GTIDs are in use; only one step at a time is allowed.
    #[must_use]
    pub fn set_gtid_mode(self, mode: &str) -> String {
        format!("SET GLOBAL gtid_mode = {mode}")
    }

    /// Compares a server's GTIDs with `set`: columns `missing` (of the set, on the server) and `own` (on the server, not
    /// in the set). `MariaDB` has no function for it.
    #[must_use]
    pub fn compare_gtids(self, set: &str) -> Option<String> {
        let set = text_literal(set);
        (!self.is_mariadb()).then(|| {
            format!(
                "SELECT GTID_SUBTRACT({set}, @@GLOBAL.gtid_executed) AS missing, \
                 GTID_SUBTRACT(@@GLOBAL.gtid_executed, {set}) AS own"
            )
        })
    }

    /// Starts both threads.
    #[must_use]
    pub fn start_replica(self) -> String {
        format!("START {}", self.replica())
    }

    /// Stops both threads.
    #[must_use]
    pub fn stop_replica(self) -> String {
        format!("STOP {}", self.replica())
    }

    /// Stops reading from the source; what was read is still applied.
    #[must_use]
    pub fn stop_receiver(self) -> String {
        format!("STOP {} IO_THREAD", self.replica())
    }

    /// Stops applying; reading goes on.
    #[must_use]
    pub fn stop_applier(self) -> String {
        format!("STOP {} SQL_THREAD", self.replica())
    }

    /// Starts applying again.
    #[must_use]
    pub fn start_applier(self) -> String {
        format!("START {} SQL_THREAD", self.replica())
    }

    /// Applies up to a position and stops there.
    #[must_use]
    pub fn start_applier_until(self, file: &str, offset: &str) -> String {
        let (file, offset, p) = (text_literal(file), number(offset), self.source());
        format!("START {} SQL_THREAD UNTIL {p}_LOG_FILE = {file}, {p}_LOG_POS = {offset}", self.replica())
    }

    /// Forgets the channel, and relay logs that were not applied with it: only after the final position is proved.
    #[must_use]
    pub fn reset_replica_all(self) -> String {
        format!("RESET {} ALL", self.replica())
    }

    /// How replication stands; columns as in [`Dialect::status_columns`]. No row means no channel.
    #[must_use]
    pub fn replica_status(self) -> String {
        format!("SHOW {} STATUS", self.replica())
    }

    /// The same of every channel, whatever its name; a row each. The channel's name is in `Channel_Name`
    /// (`MariaDB`: `Connection_name`).
    #[must_use]
    pub fn all_channels(self) -> String {
        if self.is_mariadb() { "SHOW ALL SLAVES STATUS".into() } else { self.replica_status() }
    }

    /// The server's own place in its binary log: columns `File` and `Position`. No row means no binary log.
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
    pub fn wait_for_position(self, file: &str, offset: &str, seconds: u32) -> String {
        let function = if self.mysql(8, 0, 26) { "SOURCE_POS_WAIT" } else { "MASTER_POS_WAIT" };
        format!("SELECT {function}({}, {}, {seconds})", text_literal(file), number(offset))
    }

    /// Waits until a GTID set is applied. 0 means it is, 1 (`MySQL`) or -1 (`MariaDB`) that the time is over. It does
    /// not notice stopped threads, and an empty set is there at once.
    #[must_use]
    pub fn wait_for_gtid(self, set: &str, seconds: u32) -> String {
        let function = if self.is_mariadb() { "MASTER_GTID_WAIT" } else { "WAIT_FOR_EXECUTED_GTID_SET" };
        format!("SELECT {function}({}, {seconds})", text_literal(set))
    }
}
