//! Entries of a run in the journal's file: how they are written, and read with their hash chain checked.

use super::Sqlite;
use super::schema::{CHAINED, version};
use super::trouble::Trouble;
use crate::store::{Entry, Event, RunHead, chain};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

/// An entry as it is stored.
pub(super) struct Stored<'row> {
    pub(super) seq: u32,
    pub(super) at: i64,
    pub(super) data: &'row [u8],
    pub(super) hash: String,
}

/// Number and hash of an entry; number 0 and the root of the chain before the first one.
type Link = (u32, String);

impl Sqlite {
    pub(super) fn try_append(&self, run: &str, at: i64, events: &[Event]) -> Result<Vec<Entry>, Trouble> {
        self.write(|tx| {
            let (mut seq, mut hash) = last(tx, run)?;
            let mut entries = Vec::with_capacity(events.len());
            let insert = "INSERT INTO event (run, seq, at, data, hash) VALUES (?1, ?2, ?3, ?4, ?5)";
            let mut insert = tx.prepare_cached(insert)?;
            for event in events {
                seq += 1;
                let data = serde_json::to_string(event)?;
                hash = chain::link(&hash, run, seq, at, data.as_bytes());
                insert.execute(params![run, seq, at, data, hash])?;
                entries.push(Entry { seq, at, hash: hash.clone(), event: event.clone() });
            }
            Ok(entries)
        })
    }

    pub(super) fn try_entries(&self, run: &str, after: u32) -> Result<Vec<Entry>, Trouble> {
        self.read(|connection| {
            let mut entries = Vec::new();
            walk(connection, run, after, |Stored { seq, at, data, hash }| {
                let event = serde_json::from_slice(data).map_err(|error| Trouble::Unreadable(seq, error))?;
                entries.push(Entry { seq, at, hash, event });
                Ok(())
            })?;
            Ok(entries)
        })
    }

    pub(super) fn try_hash_at(&self, run: &str, seq: u32) -> Result<Option<String>, Trouble> {
        self.read(|connection| {
            if version(connection)? >= CHAINED {
                return stored_hash(connection, run, seq);
            }
            let mut found = None;
            walk(connection, run, 0, |entry| {
                found = found.take().or(Some(entry.hash).filter(|_| entry.seq == seq));
                Ok(())
            })?;
            Ok(found)
        })
    }
}

/// What the next entry of a run follows. An end that was cut off is not built on.
fn last(tx: &Transaction<'_>, run: &str) -> Result<Link, Trouble> {
    let select = "SELECT seq, hash FROM event WHERE run = ?1 ORDER BY seq DESC LIMIT 1";
    let link = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let written: Option<Link> = tx.prepare_cached(select)?.query_row([run], link).optional()?;
    let known = recorded(tx, run)?;
    match (written, known) {
        (Some(written), Some(known)) if written == known => Ok(written),
        (written, Some((known, _))) if written.as_ref().map_or(0, |(seq, _)| *seq) < known => {
            Err(Trouble::Missing(written.map_or(0, |(seq, _)| seq) + 1))
        }
        (Some((seq, _)), _) => Err(Trouble::Changed(seq)),
        // for a run that nobody knows the foreign key of the entry says so
        (None, _) => Ok((0, head(tx, run)?.map_or_else(String::new, |head| chain::root(&head)))),
    }
}

/// Number and hash of a run's last entry, as its row in the overview says.
fn recorded(connection: &Connection, run: &str) -> rusqlite::Result<Option<Link>> {
    let select = "SELECT last_seq, last_hash FROM overview WHERE run = ?1";
    connection.prepare_cached(select)?.query_row([run], |row| Ok((row.get(0)?, row.get(1)?))).optional()
}

fn head(connection: &Connection, run: &str) -> rusqlite::Result<Option<RunHead>> {
    let select = "SELECT id, playbook, hash, created FROM run WHERE id = ?1";
    connection.prepare_cached(select)?.query_row([run], super::head).optional()
}

fn stored_hash(connection: &Connection, run: &str, seq: u32) -> Result<Option<String>, Trouble> {
    let select = "SELECT hash FROM event WHERE run = ?1 AND seq = ?2";
    Ok(connection.prepare_cached(select)?.query_row(params![run, seq], |row| row.get(0)).optional()?)
}

/// Gives every entry of `run` above `after` to `take`, in order, and checks that each follows the one before and that the
/// last one is the last that was written. Entries of a journal without hashes get those that they will have.
pub(super) fn walk(
    connection: &Connection,
    run: &str,
    after: u32,
    mut take: impl FnMut(Stored<'_>) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    let tx = connection.unchecked_transaction()?; // one state of the journal for all that is compared
    let chained = version(&tx)? >= CHAINED;
    let Some(head) = head(&tx, run)? else {
        return if holds_entries(&tx, run)? { Err(Trouble::NoRecord(run.to_owned())) } else { Ok(()) };
    };
    let end = if chained { Some(recorded(&tx, run)?.ok_or_else(|| Trouble::NoRecord(run.to_owned()))?) } else { None };
    let begin = match &end {
        Some((last, _)) if after > *last => return Ok(()), // nothing that comes after it is written yet
        Some(_) if after > 0 => (after, stored_hash(&tx, run, after)?.ok_or(Trouble::Missing(after))?),
        _ => (0, chain::root(&head)),
    };
    let (last, hash) = follow(&tx, run, begin, chained, |entry| if entry.seq > after { take(entry) } else { Ok(()) })?;
    match end {
        Some((known, _)) if last < known => Err(Trouble::Missing(last + 1)),
        Some((known, known_hash)) if last > known || last > 0 && hash != known_hash => Err(Trouble::Changed(last)),
        _ => Ok(()),
    }
}

/// Follows the chain to its end, which it gives back.
fn follow(
    tx: &Transaction<'_>,
    run: &str,
    begin: Link,
    chained: bool,
    mut take: impl FnMut(Stored<'_>) -> Result<(), Trouble>,
) -> Result<Link, Trouble> {
    let column = if chained { "hash" } else { "NULL" };
    let select = format!("SELECT seq, at, data, {column} FROM event WHERE run = ?1 AND seq > ?2 ORDER BY seq");
    let mut select = tx.prepare_cached(&select)?;
    let (mut last, mut hash) = begin;
    let mut rows = select.query(params![run, last])?;
    while let Some(row) = rows.next()? {
        let (seq, at): (u32, i64) = (row.get(0)?, row.get(1)?);
        if seq != last + 1 {
            return Err(Trouble::Missing(last + 1));
        }
        let data = row.get_ref(2)?.as_bytes().map_err(rusqlite::Error::from)?;
        hash = chain::link(&hash, run, seq, at, data);
        if row.get::<_, Option<String>>(3)?.is_some_and(|stored| stored != hash) {
            return Err(Trouble::Changed(seq));
        }
        take(Stored { seq, at, data, hash: hash.clone() })?;
        last = seq;
    }
    Ok((last, hash))
}

fn holds_entries(connection: &Connection, run: &str) -> rusqlite::Result<bool> {
    connection.query_row("SELECT EXISTS (SELECT 1 FROM event WHERE run = ?1)", [run], |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use crate::store::sqlite::VERSIONS;
    use crate::store::{Event, Journal, RunHead, RunRecord, Sqlite, chain};
    use rusqlite::{Connection, params};
    use std::path::Path;

    fn record(id: &str) -> RunRecord {
        let head = RunHead { id: id.into(), playbook: "p".into(), hash: "h".into(), created: 1 };
        RunRecord { head, plan: "{}".into() }
    }

    fn events() -> [Event; 4] {
        let intent = |attempt| Event::StepIntent { step: "a".into(), attempt };
        [Event::RunAdmitted, intent(1), intent(2), Event::Interrupted]
    }

    fn change(dir: &Path, statements: &str) {
        Connection::open(dir.join("journal.sqlite")).unwrap().execute_batch(statements).unwrap();
    }

    #[test]
    fn every_entry_follows_from_the_one_before() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Sqlite::open(dir.path()).unwrap();
        journal.create_run(&record("r")).unwrap();
        let written = [journal.append("r", 5, &events()[..1]), journal.append("r", 6, &events()[1..])];
        let written: Vec<_> = written.into_iter().flat_map(Result::unwrap).collect();
        assert_eq!(journal.entries("r").unwrap(), written);
        let mut hash = chain::root(&record("r").head);
        for entry in &written {
            let data = serde_json::to_string(&entry.event).unwrap();
            hash = chain::link(&hash, "r", entry.seq, entry.at, data.as_bytes());
            assert_eq!(entry.hash, hash);
            assert_eq!(journal.hash_at("r", entry.seq).unwrap(), Some(hash.clone()));
        }
        assert_eq!(journal.hash_at("r", 5).unwrap(), None);
        assert_eq!(journal.entries_after("r", 3).unwrap(), written[3..]);
        assert!(
            journal.entries_after("r", 4).unwrap().is_empty() && journal.entries_after("r", 99).unwrap().is_empty()
        );
    }

    #[test]
    fn damage_shows_and_the_first_entry_that_does_not_fit_is_named() {
        let swap = "UPDATE event SET seq = 12 WHERE seq = 2; UPDATE event SET seq = 2 WHERE seq = 3;
                    UPDATE event SET seq = 3 WHERE seq = 12";
        let insert = "INSERT INTO event SELECT run, 5, at, data, hash FROM event WHERE seq = 4";
        for (damage, first, said) in [
            ("DELETE FROM event WHERE seq = 2", 2, "is missing"),
            ("DELETE FROM event WHERE seq >= 3", 3, "is missing"),
            ("DELETE FROM event", 1, "is missing"),
            ("UPDATE event SET data = substr(data, 1, 9) WHERE seq = 3", 3, "is not the one that was written"),
            ("UPDATE event SET at = 4 WHERE seq = 1", 1, "is not the one that was written"),
            ("UPDATE event SET hash = replace(hash, 'a', 'b') WHERE seq = 4", 4, "is not the one that was written"),
            ("UPDATE run SET hash = 'other'", 1, "is not the one that was written"),
            ("UPDATE overview SET last_hash = 'b' WHERE run = 'r'", 4, "is not the one that was written"),
            (swap, 2, "is not the one that was written"),
            (insert, 5, "is not the one that was written"),
        ] {
            let dir = tempfile::tempdir().unwrap();
            let journal = Sqlite::open(dir.path()).unwrap();
            journal.create_run(&record("r")).unwrap();
            journal.append("r", 5, &events()).unwrap();
            change(dir.path(), damage);
            let seen = journal.entries("r").unwrap_err().to_string();
            assert!(seen.contains(&format!("entry {first} {said}")), "{damage}: {seen}");
            assert!(journal.check().unwrap_err().to_string().contains(&seen[seen.find("entry").unwrap()..]));
            // the end is what an append follows: one that was cut off or changed is not built on
            let at_the_end = first == 4 || damage.ends_with(">= 3") || damage.ends_with("FROM event");
            assert_eq!(journal.append("r", 6, &events()).is_err(), at_the_end, "{damage}");
        }
    }

    #[test]
    fn a_run_without_its_record_shows() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Sqlite::open(dir.path()).unwrap();
        journal.create_run(&record("r")).unwrap();
        journal.append("r", 5, &events()).unwrap();
        change(dir.path(), "PRAGMA foreign_keys = off; DELETE FROM run");
        assert!(journal.entries("r").unwrap_err().to_string().contains("no record"));
        assert!(journal.check().is_err());
    }

    #[test]
    fn a_journal_without_hashes_is_read_as_it_is_and_gets_the_same_hashes_when_written() {
        let dir = tempfile::tempdir().unwrap();
        let old = Connection::open(dir.path().join("journal.sqlite")).unwrap();
        VERSIONS[..4].iter().for_each(|added| old.execute_batch(added).unwrap());
        old.pragma_update(None, "user_version", 4).unwrap();
        old.execute_batch("INSERT INTO run VALUES ('r', 'p', 'h', 1, '{}'), ('empty', 'p', 'h', 1, '{}')").unwrap();
        let insert = "INSERT INTO event (run, seq, at, data) VALUES ('r', ?1, 5, ?2)";
        for (seq, event) in (1..).zip(events()) {
            old.execute(insert, params![seq, serde_json::to_string(&event).unwrap()]).unwrap();
        }
        let looking = Sqlite::open_existing(dir.path()).unwrap().unwrap();
        let (all, hash) = (looking.entries("r").unwrap(), looking.hash_at("r", 2).unwrap());
        assert_eq!(looking.entries_after("r", 3).unwrap(), all[3..]);
        assert_eq!(looking.check().unwrap().schema, 4);
        let journal = Sqlite::open(dir.path()).unwrap();
        assert_eq!((journal.entries("r").unwrap(), journal.hash_at("r", 2).unwrap()), (all, hash));
        assert_eq!(looking.entries("r").unwrap().len(), 4);
        journal.append("r", 6, &events()).unwrap();
        journal.append("empty", 6, &events()).unwrap();
        assert_eq!((journal.check().unwrap().entries, journal.check().unwrap().schema), (12, 5));
        let told = old.execute(insert, params![9, "{}"]).unwrap_err().to_string();
        assert!(told.contains("a newer version of cutover"), "{told}");
    }
}
