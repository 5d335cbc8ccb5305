//! The tables, by version, and the upgrade of an older journal.

use crate::store::trouble::Trouble;
use crate::store::{RunHead, chain};
use rusqlite::{Connection, Transaction, params};

/// The version that this program writes.
pub(super) const LATEST: u32 = 6;
/// The additions of each schema version. A journal of an older program is upgraded when it is opened for writing; one of a
/// newer program is refused.
pub(in crate::store) const VERSIONS: [&str; LATEST as usize] = [
    "
    CREATE TABLE run (
        id TEXT PRIMARY KEY, playbook TEXT NOT NULL, hash TEXT NOT NULL, created INTEGER NOT NULL, plan TEXT NOT NULL
    ) STRICT;
    CREATE TABLE event (
        run TEXT NOT NULL REFERENCES run(id), seq INTEGER NOT NULL, at INTEGER NOT NULL, data TEXT NOT NULL,
        PRIMARY KEY (run, seq)
    ) STRICT, WITHOUT ROWID;",
    STARTS,
    include_str!("overview.sql"),
    OUTBOX,
    include_str!("chain.sql"),
    include_str!("epoch.sql"),
];
/// Starts of schedules. The first part of a start's key keeps a schedule's starts together, the second makes each due time
/// unique.
const STARTS: &str = "
    CREATE TABLE schedule (name TEXT PRIMARY KEY, timetable TEXT NOT NULL, since INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE start (
        schedule TEXT NOT NULL, due INTEGER NOT NULL, verdict TEXT NOT NULL, reason TEXT, decider TEXT NOT NULL,
        at INTEGER NOT NULL, on_demand INTEGER NOT NULL, run TEXT UNIQUE, command TEXT NOT NULL, claimed INTEGER,
        ended INTEGER, exit_code INTEGER,
        PRIMARY KEY (schedule, due)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX start_by_time ON start (at);
    CREATE INDEX start_open ON start (at) WHERE verdict = 'queued' OR verdict = 'started' AND ended IS NULL;";
const OUTBOX: &str = "
    CREATE TABLE outbox (
        origin TEXT NOT NULL, seq INTEGER NOT NULL, webhook TEXT NOT NULL, occasion TEXT NOT NULL, at INTEGER NOT NULL,
        message TEXT NOT NULL, target TEXT NOT NULL, tries INTEGER NOT NULL DEFAULT 0, due INTEGER NOT NULL,
        held INTEGER NOT NULL DEFAULT 0, sent INTEGER, error TEXT, PRIMARY KEY (origin, seq, webhook)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX outbox_unsent ON outbox (at) WHERE sent IS NULL;
    CREATE TABLE outbox_run (run TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;";
/// From this version on entries have hashes.
pub(super) const CHAINED: u32 = 5;
/// From this version on all tables exist, so that a journal can be read without an upgrade.
pub(super) const READABLE: u32 = 4;

/// The version of a journal; 0 for an empty file.
pub(super) fn version(connection: &Connection) -> Result<u32, Trouble> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

/// Upgrades a journal, if another process has not done so meanwhile. Reads the version and makes all changes in the caller's
/// transaction, which holds the write lock: of two programs that open an old journal at once, the second finds nothing left
/// to do. (`rusqlite_migration` reads the version before it takes the lock, and the second program fails.)
pub(super) fn upgrade(tx: &Transaction<'_>) -> Result<(), Trouble> {
    let version = version(tx)?;
    for added in VERSIONS.get(version as usize..).ok_or(Trouble::Newer(version, LATEST))? {
        tx.execute_batch(added)?;
    }
    if (1..CHAINED).contains(&version) {
        rechain(tx)?;
    }
    Ok(tx.pragma_update(None, "user_version", LATEST)?)
}

/// Computes the hashes of all entries.
///
/// # Errors
/// When the journal cannot be read or written.
pub(crate) fn rechain(connection: &Connection) -> rusqlite::Result<()> {
    let mut heads = connection.prepare("SELECT id, playbook, hash, created FROM run")?;
    let heads = heads.query_map([], head)?.collect::<rusqlite::Result<Vec<_>>>()?;
    heads.iter().try_for_each(|head| rechain_run(connection, head))
}

fn head(row: &rusqlite::Row<'_>) -> rusqlite::Result<RunHead> {
    Ok(RunHead { id: row.get(0)?, playbook: row.get(1)?, hash: row.get(2)?, created: row.get(3)? })
}

fn rechain_run(connection: &Connection, head: &RunHead) -> rusqlite::Result<()> {
    let mut select = connection.prepare_cached("SELECT seq, at, data FROM event WHERE run = ?1 ORDER BY seq")?;
    let mut rows = select.query([&head.id])?;
    let (mut hash, mut hashes) = (chain::root(head), Vec::new());
    while let Some(row) = rows.next()? {
        let seq = row.get(0)?;
        hash = chain::link(&hash, &head.id, seq, row.get(1)?, row.get_ref(2)?.as_bytes()?);
        hashes.push((seq, hash.clone()));
    }
    let mut update = connection.prepare_cached("UPDATE event SET hash = ?3 WHERE run = ?1 AND seq = ?2")?;
    for (seq, hash) in &hashes {
        update.execute(params![head.id, seq, hash])?;
    }
    if let Some((seq, hash)) = hashes.last() {
        let update = "UPDATE overview SET last_seq = ?2, last_hash = ?3 WHERE run = ?1";
        connection.execute(update, params![head.id, seq, hash])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{LATEST, VERSIONS, upgrade, version};
    use rusqlite::{Connection, TransactionBehavior};
    use std::sync::Barrier;
    use std::time::Duration;

    #[test]
    fn programs_that_open_an_old_journal_at_once_all_find_it_up_to_date() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("journal.sqlite");
        Connection::open(&file).unwrap().execute_batch(VERSIONS[0]).unwrap();
        Connection::open(&file).unwrap().pragma_update(None, "user_version", 1).unwrap();
        let all_have_looked = Barrier::new(8);
        let open = || {
            let mut connection = Connection::open(&file).unwrap();
            connection.busy_timeout(Duration::from_mins(1)).unwrap();
            assert_eq!(version(&connection).unwrap(), 1);
            all_have_looked.wait();
            let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
            upgrade(&tx).unwrap();
            tx.commit().unwrap();
            version(&connection).unwrap()
        };
        std::thread::scope(|scope| {
            let programs: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
            assert!(programs.into_iter().all(|program| program.join().unwrap() == LATEST));
        });
    }
}
