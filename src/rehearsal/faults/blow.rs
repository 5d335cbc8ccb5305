//! What is done to a rehearsal, and how it is mended afterwards.

use super::roles::Roles;
use crate::dialect::Dialect;
use crate::domain::Sql;
use crate::effects::Session;
use crate::error::{Failure, Result};
use crate::rehearsal::disk;
use crate::rehearsal::sandbox::Sandbox;
use crate::rehearsal::shop::DATABASE;
use crate::rehearsal::sshd::Sshd;
use crate::store::rechain;
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::sleep;

const LOOK: Duration = Duration::from_secs(20);
/// How long a crashed server is down.
const DOWN: Duration = Duration::from_secs(1);
/// How long a server, or the sshd of its host, is away.
const AWAY: Duration = Duration::from_secs(20);
/// How long a frozen server stands still: longer than any statement waits.
const FROZEN: Duration = Duration::from_secs(15);
/// How long a transaction or a lock is held.
const HELD: Duration = Duration::from_mins(1);
/// How long a disk is full: past the last attempt to load. A server on a full disk does not even stop.
const FULL: Duration = Duration::from_secs(30);
/// What is left of a full disk, in bytes.
const SPARE: u64 = 256 << 10;
/// How far a clock is set back, in milliseconds.
const AN_HOUR: i64 = 3_600_000;
/// How often a purge is tried, and the pause between.
const PURGES: usize = 40;
const PURGE_PAUSE: Duration = Duration::from_millis(250);
/// Programs that read a server's data, and programs that bring it to another.
const READERS: [&str; 6] = ["mariadb-backup", "mariabackup", "xtrabackup", "mariadb-dump", "mysqldump", "mydumper"];
const LOADERS: [&str; 5] = ["mbstream", "xbstream", "mariadb", "mysql", "myloader"];
/// The session of a clone: the statement on the server that takes it, the command on the one that sends it.
const CLONING: &str =
    "SELECT ID FROM information_schema.PROCESSLIST WHERE INFO LIKE 'CLONE INSTANCE%' OR COMMAND LIKE 'clone%'";
/// How long a program may take to begin.
const BEGINS_WITHIN: Duration = Duration::from_secs(15);
const LOOK_AGAIN: Duration = Duration::from_millis(5);
/// A writer that the application does not have.
const STRANGER: u32 = 999_999;

/// One of the two servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The old one.
    Source,
    /// The new one.
    Target,
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blow {
    /// The runner is killed; the run is resumed.
    KillRunner,
    /// The runner is killed; the run is rolled back.
    TakeBack,
    /// The ssh of the tunnel is killed.
    KillTunnel,
    /// The ssh of the tunnel stands still.
    FreezeTunnel,
    /// A server is killed and started again.
    Crash(Side),
    /// A server is killed, and started again later, while the run goes on.
    Down(Side),
    /// A server's host takes no ssh connections for a while; what runs on it goes on.
    SshAway(Side),
    /// A server stands still for some seconds.
    Freeze(Side),
    /// A server's host swallows every packet until the run has ended.
    CutOff(Side),
    /// An administrator ends the runner's sessions and writes on the old server.
    WritePastFence,
    /// A transaction that has written is held open on the old server.
    LongTransaction,
    /// Tables are locked on the old server.
    LockTables,
    /// The new server's disk fills up.
    FillDisk,
    /// The program that reads the source's data is killed, on whichever host it runs.
    KillCopy,
    /// The program that brings the data to the new server, or unpacks it there, is killed.
    KillLoad,
    /// The runner cannot write a byte more.
    FillState,
    /// The binary log that the copy belongs to is purged.
    PurgeBinlog,
    /// All binary logs of the old server are thrown away.
    ResetBinlog,
    /// The runner is killed, and the clock is an hour behind when the run is resumed.
    ClockBack,
    /// The application never hears that it shall move.
    Deaf,
}

/// What must be mended before the run is taken up again.
#[derive(Default)]
pub struct Damage {
    frozen: Option<Side>,
    down: Option<Side>,
    no_ssh: Option<&'static str>,
    cut_off: Option<&'static str>,
    filler: Option<PathBuf>,
    /// Held open until mended.
    session: Option<Session>,
}

impl Blow {
    /// Whether the runner ends by it.
    #[must_use]
    pub fn kills(self) -> bool {
        matches!(self, Self::KillRunner | Self::TakeBack | Self::ClockBack)
    }
    /// Whether it strikes a tunnel.
    #[must_use]
    pub fn needs_tunnel(self) -> bool {
        matches!(self, Self::KillTunnel | Self::FreezeTunnel)
    }
    /// The size that the new server's disk needs for it.
    #[must_use]
    pub fn disk(self) -> Option<u64> {
        (self == Self::FillDisk).then_some(512 << 20)
    }

    /// After how long it ends by itself, while the run continues.
    #[must_use]
    pub fn ends_after(self) -> Option<Duration> {
        match self {
            Self::LongTransaction | Self::LockTables => Some(HELD),
            Self::Freeze(_) => Some(FROZEN),
            Self::Down(_) | Self::SshAway(_) => Some(AWAY),
            Self::FillDisk => Some(FULL),
            _ => None,
        }
    }

    /// Does it. `runner` is the runner's process.
    ///
    /// # Errors
    /// When it could not be done: the round proves nothing then.
    pub async fn strike(self, roles: Roles<'_>, runner: u32) -> Result<Damage> {
        let mut damage = Damage::default();
        let sandbox = roles.sandbox;
        match self {
            Self::KillRunner | Self::TakeBack | Self::Deaf => {}
            Self::ClockBack => set_back(sandbox)?,
            Self::KillTunnel => signal_tunnel(sandbox, Signal::KILL)?,
            Self::FreezeTunnel => signal_tunnel(sandbox, Signal::STOP)?,
            Self::Crash(side) => {
                let server = roles.server(side);
                server.kill();
                sleep(DOWN).await;
                server.restart().await?;
            }
            Self::Down(side) => {
                damage.down = Some(side);
                roles.server(side).kill();
            }
            Self::SshAway(side) => {
                let name = roles.host(side);
                damage.no_ssh = Some(name);
                sandbox.host(name).into_iter().for_each(Sshd::stop);
            }
            Self::Freeze(side) => {
                damage.frozen = Some(side);
                roles.server(side).freeze(true);
            }
            Self::CutOff(side) => {
                let name = roles.host(side);
                damage.cut_off = Some(name);
                sandbox.host(name).into_iter().for_each(|host| host.freeze(true));
            }
            Self::WritePastFence => {
                write_past_fence(&roles.admin(Side::Source).await?, roles.server(Side::Source).dialect()).await?;
            }
            Self::LongTransaction => damage.session = Some(hold_transaction(roles).await?),
            Self::LockTables => damage.session = Some(lock_tables(roles).await?),
            Self::FillDisk => damage.filler = Some(disk::fill(roles.server(Side::Target).dir(), SPARE)?),
            Self::KillCopy => kill_work(roles, &READERS, Side::Source).await?,
            Self::KillLoad => kill_work(roles, &LOADERS, Side::Target).await?,
            Self::FillState => forbid_writes(runner)?,
            Self::PurgeBinlog => purge(&roles.admin(Side::Source).await?, roles.server(Side::Source).dialect()).await?,
            Self::ResetBinlog => {
                let reset = roles.server(Side::Source).dialect().reset_binary_logs();
                roles.admin(Side::Source).await?.exec(reset, LOOK).await?;
            }
        }
        Ok(damage)
    }
}

impl Damage {
    /// Repairs what can be repaired.
    pub async fn mend(self, roles: Roles<'_>) {
        if let Some(side) = self.frozen {
            roles.server(side).freeze(false);
        }
        if let Some(server) = self.down.map(|side| roles.server(side)).filter(|server| server.pid().is_none()) {
            let _ = server.restart().await; // one that remains down shows in the round's end
        }
        if let Some(host) = self.no_ssh.and_then(|name| roles.sandbox.host(name)) {
            let _ = host.come_back().await; // as does an sshd
        }
        if let Some(host) = self.cut_off.and_then(|name| roles.sandbox.host(name)) {
            host.freeze(false);
        }
        if let Some(filler) = self.filler {
            let _ = std::fs::remove_file(filler); // a disk that is still full shows in the round's end
            if roles.server(Side::Target).pid().is_none() {
                let _ = roles.server(Side::Target).restart().await; // as does a server that remains down
            }
        }
        if let Some(session) = self.session {
            session.close().await;
        }
    }
}

/// The clock of the runner that comes next is an hour behind that of the journal.
fn set_back(sandbox: &Sandbox) -> Result<()> {
    let file = sandbox.dir().join("state/journal.sqlite");
    let failed = |error: rusqlite::Error| Failure::permanent("set the journal's clock forward", error.to_string());
    let journal = rusqlite::Connection::open(file).map_err(failed)?;
    let tx = journal.unchecked_transaction().map_err(failed)?;
    tx.execute("UPDATE event SET at = at + ?1", [AN_HOUR]).map_err(failed)?;
    // the times are part of the hash chain: it becomes that of a runner whose clock was ahead
    rechain(&tx).and_then(|()| tx.commit()).map_err(failed)?;
    note_on_hosts(sandbox, &journal)
}

/// Hosts have noted the newest entry's hash: it becomes the one that the runner whose clock was ahead would have left.
fn note_on_hosts(sandbox: &Sandbox, journal: &rusqlite::Connection) -> Result<()> {
    for host in ["old", "new", "app"] {
        let leases = sandbox.dir().join("work").join(host).join("leases");
        for run in std::fs::read_dir(leases).into_iter().flatten().flatten() {
            let failed = |error: String| Failure::permanent("correct a lease's record", error).at(host);
            let record = run.path().join("record");
            let line = std::fs::read_to_string(&record).map_err(|error| failed(error.to_string()))?;
            let Some((head, _)) = line.trim_end().rsplit_once(' ') else { continue };
            let seq: u32 = head.rsplit(' ').next().and_then(|seq| seq.parse().ok()).unwrap_or(0);
            let name = run.file_name().to_string_lossy().into_owned();
            let hash = "SELECT hash FROM event WHERE run = ?1 AND seq = ?2";
            let hash: String = journal
                .query_row(hash, rusqlite::params![name, seq], |row| row.get(0))
                .map_err(|error| failed(error.to_string()))?;
            std::fs::write(&record, format!("{head} {hash}\n")).map_err(|error| failed(error.to_string()))?;
        }
    }
    Ok(())
}

/// Signals every ssh of this sandbox that forwards a port.
fn signal_tunnel(sandbox: &Sandbox, signal: Signal) -> Result<()> {
    let ours = sandbox.dir().display().to_string();
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut struck = false;
    for pid in processes.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok()) {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let words: Vec<String> = line.split(|&byte| byte == 0).map(|w| String::from_utf8_lossy(w).into()).collect();
        let is_ssh = words.first().is_some_and(|program| program == "ssh");
        if is_ssh && words.iter().any(|word| word == "-L") && words.iter().any(|word| word.contains(&ours)) {
            struck |= Pid::from_raw(pid).is_some_and(|pid| kill_process(pid, signal).is_ok());
        }
    }
    if struck { Ok(()) } else { Err(Failure::permanent("break the tunnel", "there is no tunnel")) }
}

/// Kills the session by which a server sends or takes a clone; no when there is none.
async fn kill_clone(admin: &Session) -> Result<bool> {
    let sessions = admin.query(CLONING, LOOK).await?;
    let Some(id) = sessions.value().map(str::to_owned) else { return Ok(false) };
    // it may have gone by itself
    Ok(admin.try_query(&Sql::verbatim(format!("KILL {id}")), LOOK).await.is_ok())
}

/// Kills a program of the copy, or the session that a clone has on that side, as soon as one is there.
async fn kill_work(roles: Roles<'_>, names: &[&str], side: Side) -> Result<()> {
    let hosts = [Side::Source, Side::Target].map(|side| roles.sandbox.host(roles.host(side)));
    let admin = roles.admin(side).await?;
    let began = std::time::Instant::now();
    while began.elapsed() < BEGINS_WITHIN {
        if hosts.iter().flatten().any(|host| host.kill_programs(names)) || kill_clone(&admin).await? {
            return Ok(());
        }
        sleep(LOOK_AGAIN).await;
    }
    Err(Failure::permanent(
        "kill a program of the copy",
        format!("none of these programs was running: {}", names.join(", ")),
    ))
}

/// What only an administrator can do, and only on purpose: opens the fence and writes.
async fn write_past_fence(admin: &Session, dialect: Dialect) -> Result<()> {
    let others = "SELECT id FROM information_schema.processlist WHERE user = 'migrate' AND id <> CONNECTION_ID()";
    for row in admin.query(others, LOOK).await?.iter() {
        // one that went by itself meanwhile is gone as well
        let _ = admin.try_query(Sql::verbatim(format!("KILL {}", row.at(0).unwrap_or_default())), LOOK).await;
    }
    let fence = dialect.strongest_fence();
    if !fence.held_by_session {
        admin.exec(fence.open, LOOK).await?;
    }
    admin
        .exec(
            Sql::verbatim(format!(
                "INSERT INTO {DATABASE}.ledger (writer, seq, token) VALUES ({STRANGER}, 1, 'stranger')"
            )),
            LOOK,
        )
        .await
        .map(drop)
}

async fn hold_transaction(roles: Roles<'_>) -> Result<Session> {
    let session = roles.admin(Side::Source).await?;
    session.exec("BEGIN", LOOK).await?;
    session
        .exec(
            Sql::verbatim(format!(
                "INSERT INTO {DATABASE}.ledger (writer, seq, token) VALUES ({STRANGER}, 1, 'stranger')"
            )),
            LOOK,
        )
        .await?;
    Ok(session)
}

async fn lock_tables(roles: Roles<'_>) -> Result<Session> {
    let session = roles.admin(Side::Source).await?;
    session.exec(Sql::verbatim(format!("LOCK TABLES {DATABASE}.ledger READ")), LOOK).await?;
    Ok(session)
}

/// Every write of the process to a file fails from now on, as on a full disk.
fn forbid_writes(runner: u32) -> Result<()> {
    let pid = i32::try_from(runner).ok().and_then(Pid::from_raw);
    prlimit(pid, Resource::Fsize, Rlimit { current: Some(0), maximum: Some(0) })
        .map(drop)
        .map_err(|error| Failure::permanent("forbid the runner to write", error.to_string()))
}

async fn purge(session: &Session, dialect: Dialect) -> Result<()> {
    session.exec("FLUSH BINARY LOGS", LOOK).await?;
    let status = session.query(dialect.binlog_position(), LOOK).await?;
    let newest = status.value().unwrap_or_default().to_owned();
    // newer servers keep a log until a replica has connected; older ones do not know the variable
    let _ = session.try_query("SET GLOBAL slave_connections_needed_for_purge = 0", LOOK).await;
    for _ in 0..PURGES {
        session.exec(Sql::verbatim(format!("PURGE BINARY LOGS TO '{newest}'")), LOOK).await?;
        if session.query("SHOW BINARY LOGS", LOOK).await?.value() == Some(newest.as_str()) {
            let _ = session.try_query("SET GLOBAL slave_connections_needed_for_purge = DEFAULT", LOOK).await;
            return Ok(());
        }
        sleep(PURGE_PAUSE).await; // a log is kept until every commit in it is in the tables' own log
    }
    Err(Failure::permanent("purge the binary logs", format!("older logs than {newest} are still there")))
}
