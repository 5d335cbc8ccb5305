//! Entries of a run: how they are written, and read with their hash chain checked.

use super::database::{Append, Session, values};
use super::store::{Store, head};
use super::trouble::Trouble;
use super::{Dated, Entry, Event, RunHead, chain};

/// An entry as it is stored.
pub(super) struct Stored {
    pub(super) seq: u32,
    pub(super) at: i64,
    pub(super) data: String,
    pub(super) hash: String,
}

/// Number and hash of an entry; number 0 and the root of the chain before the first one.
pub(super) type Link = (u32, String);

impl Store {
    /// `epoch` is that of the writing runner; other writers have none.
    pub(super) fn try_append(&self, run: &str, epoch: Option<u32>, news: &[Dated]) -> Result<Vec<Entry>, Trouble> {
        let comes = news.iter().any(|(_, event)| matches!(event, Event::RunStarted { .. } | Event::RunResumed { .. }));
        let entries = match self.end_of(run).filter(|_| !comes) {
            Some(end) => self.append_after(&end, run, epoch, news)?,
            None => None,
        };
        let entries = match entries {
            Some(entries) => entries,
            None => self.write(|session| {
                let known = hold(session, run)?;
                if let (Some(epoch), Some(known)) = (epoch, &known) {
                    let may_write = if comes { epoch > known.epoch } else { epoch == known.epoch };
                    may_write.then_some(()).ok_or(Trouble::Displaced { epoch, newest: known.epoch })?;
                }
                let end = last(session, run, known.map(|known| known.last))?;
                let entries = following(end, run, news)?;
                for (entry, data) in &entries {
                    let insert = "INSERT INTO event (run, seq, at, data, hash) VALUES ($1, $2, $3, $4, $5)";
                    session.change(insert, values![run, entry.seq, entry.at, data, &entry.hash])?;
                }
                Ok(entries.into_iter().map(|(entry, _)| entry).collect::<Vec<_>>())
            })?,
        };
        if let Some(Entry { seq, hash, .. }) = entries.last() {
            self.ends_at(run, (*seq, hash.clone()));
        }
        Ok(entries)
    }

    /// The fast path: `None` when the database has none, or when the run has another end by now.
    fn append_after(
        &self,
        end: &Link,
        run: &str,
        epoch: Option<u32>,
        news: &[Dated],
    ) -> Result<Option<Vec<Entry>>, Trouble> {
        let following = following(end.clone(), run, news)?;
        let (entries, events): (Vec<Entry>, Vec<String>) = following.into_iter().unzip();
        let hashes = entries.iter().map(|entry| entry.hash.clone()).collect();
        let times = entries.iter().map(|entry| entry.at).collect();
        let append = Append { run, epoch, after: (end.0, &end.1), times, events, hashes };
        Ok(self.append_at_once(&append)?.then_some(entries))
    }

    pub(super) fn try_entries(&self, run: &str, after: u32) -> Result<Vec<Entry>, Trouble> {
        self.read(|session| {
            let mut entries = Vec::new();
            walk(session, run, after, |Stored { seq, at, data, hash }| {
                let event = serde_json::from_str(&data).map_err(|error| Trouble::Unreadable(seq, error))?;
                entries.push(Entry { seq, at, hash, event });
                Ok(())
            })?;
            Ok(entries)
        })
    }

    pub(super) fn try_hash_at(&self, run: &str, seq: u32) -> Result<Option<String>, Trouble> {
        self.read(|session| {
            if session.is_chained()? {
                return stored_hash(session, run, seq);
            }
            let mut found = None;
            walk(session, run, 0, |entry| {
                found = found.take().or(Some(entry.hash).filter(|_| entry.seq == seq));
                Ok(())
            })?;
            Ok(found)
        })
    }
}

/// A run's row in the overview.
struct Known {
    last: Link,
    epoch: u32,
}

/// Locks the entries of a run against other writers until this work is over.
fn hold(session: &mut dyn Session, run: &str) -> Result<Option<Known>, Trouble> {
    let select = format!("SELECT last_seq, last_hash, epoch FROM overview WHERE run = $1{}", session.to_hold());
    let row = session.row(&select, values![run])?;
    row.map(|mut row| Ok(Known { last: (row.take(0)?, row.take(1)?), epoch: row.take(2)? })).transpose()
}

/// Entries after `end`, each with its event as stored.
fn following(end: Link, run: &str, news: &[Dated]) -> Result<Vec<(Entry, String)>, Trouble> {
    let (mut seq, mut hash) = end;
    let follow = |&(at, ref event): &Dated| {
        seq += 1;
        let data = serde_json::to_string(event)?;
        hash = chain::link(&hash, run, seq, at, data.as_bytes());
        Ok((Entry { seq, at, hash: hash.clone(), event: event.clone() }, data))
    };
    news.iter().map(follow).collect()
}

/// The last entry of a run; `known` is its end in the overview. Nothing is appended to a truncated run.
fn last(session: &mut dyn Session, run: &str, known: Option<Link>) -> Result<Link, Trouble> {
    let select = "SELECT seq, hash FROM event WHERE run = $1 ORDER BY seq DESC LIMIT 1";
    let written = link(session, select, run)?;
    match (written, known) {
        (Some(written), Some(known)) if written == known => Ok(written),
        (written, Some((known, _))) if written.as_ref().map_or(0, |(seq, _)| *seq) < known => {
            Err(Trouble::Missing(written.map_or(0, |(seq, _)| seq) + 1))
        }
        (Some((seq, _)), _) => Err(Trouble::Changed(seq)),
        // for an unknown run the foreign key of the entry fails
        (None, _) => Ok((0, head_of(session, run)?.map_or_else(String::new, |head| chain::root(&head)))),
    }
}

fn link(session: &mut dyn Session, select: &str, run: &str) -> Result<Option<Link>, Trouble> {
    session.row(select, values![run])?.map(|mut row| Ok((row.take(0)?, row.take(1)?))).transpose()
}

/// Number and hash of a run's last entry, from its row in the overview.
fn recorded(session: &mut dyn Session, run: &str) -> Result<Option<Link>, Trouble> {
    link(session, "SELECT last_seq, last_hash FROM overview WHERE run = $1", run)
}

fn head_of(session: &mut dyn Session, run: &str) -> Result<Option<RunHead>, Trouble> {
    let row = session.row("SELECT id, playbook, hash, created FROM run WHERE id = $1", values![run])?;
    row.map(|mut row| head(&mut row)).transpose()
}

fn stored_hash(session: &mut dyn Session, run: &str, seq: u32) -> Result<Option<String>, Trouble> {
    let row = session.row("SELECT hash FROM event WHERE run = $1 AND seq = $2", values![run, seq])?;
    row.map(|mut row| row.take(0)).transpose()
}

/// Passes every entry of `run` above `after` to `take`, in order, and checks the hash chain and that the last entry is the
/// last one written. Entries of a journal without hashes get the hashes that an upgrade would give them.
pub(super) fn walk(
    session: &mut dyn Session,
    run: &str,
    after: u32,
    mut take: impl FnMut(Stored) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    let chained = session.is_chained()?;
    let Some(head) = head_of(session, run)? else {
        let entry = session.row("SELECT 1 FROM event WHERE run = $1 LIMIT 1", values![run])?;
        return if entry.is_some() { Err(Trouble::NoRecord(run.to_owned())) } else { Ok(()) };
    };
    let end =
        if chained { Some(recorded(session, run)?.ok_or_else(|| Trouble::NoRecord(run.to_owned()))?) } else { None };
    let begin = match &end {
        Some((last, _)) if after > *last => return Ok(()), // there is no later entry yet
        Some(_) if after > 0 => (after, stored_hash(session, run, after)?.ok_or(Trouble::Missing(after))?),
        _ => (0, chain::root(&head)),
    };
    let (last, hash) =
        follow(session, run, begin, chained, |entry| if entry.seq > after { take(entry) } else { Ok(()) })?;
    match end {
        Some((known, _)) if last < known => Err(Trouble::Missing(last + 1)),
        Some((known, known_hash)) if last > known || last > 0 && hash != known_hash => Err(Trouble::Changed(last)),
        _ => Ok(()),
    }
}

/// Follows the chain to its end, and returns the end.
fn follow(
    session: &mut dyn Session,
    run: &str,
    begin: Link,
    chained: bool,
    mut take: impl FnMut(Stored) -> Result<(), Trouble>,
) -> Result<Link, Trouble> {
    let column = if chained { "hash" } else { "NULL" };
    let select = format!("SELECT seq, at, data, {column} FROM event WHERE run = $1 AND seq > $2 ORDER BY seq");
    let (mut last, mut hash) = begin;
    for mut row in session.rows(&select, values![run, last])? {
        let (seq, at): (u32, i64) = (row.take(0)?, row.take(1)?);
        if seq != last + 1 {
            return Err(Trouble::Missing(last + 1));
        }
        let data: String = row.take(2)?;
        hash = chain::link(&hash, run, seq, at, data.as_bytes());
        if row.take::<Option<String>>(3)?.is_some_and(|stored| stored != hash) {
            return Err(Trouble::Changed(seq));
        }
        take(Stored { seq, at, data, hash: hash.clone() })?;
        last = seq;
    }
    Ok((last, hash))
}

#[cfg(test)]
mod tests {
    use crate::store::sqlite::VERSIONS;
    use crate::store::{Event, Journal, RunHead, RunRecord, Store, chain};
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
        let journal = Store::open(dir.path()).unwrap();
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
            let journal = Store::open(dir.path()).unwrap();
            journal.create_run(&record("r")).unwrap();
            journal.append("r", 5, &events()).unwrap();
            change(dir.path(), damage);
            let seen = journal.entries("r").unwrap_err().to_string();
            assert!(seen.contains(&format!("entry {first} {said}")), "{damage}: {seen}");
            assert!(journal.check().unwrap_err().to_string().contains(&seen[seen.find("entry").unwrap()..]));
            // an append checks the end of the run: nothing is appended to a truncated or changed one
            let at_the_end = first == 4 || damage.ends_with(">= 3") || damage.ends_with("FROM event");
            assert_eq!(journal.append("r", 6, &events()).is_err(), at_the_end, "{damage}");
        }
    }

    #[test]
    fn a_run_without_its_record_shows() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Store::open(dir.path()).unwrap();
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
        let looking = Store::open_existing(dir.path()).unwrap().unwrap();
        let (all, hash) = (looking.entries("r").unwrap(), looking.hash_at("r", 2).unwrap());
        assert_eq!(looking.entries_after("r", 3).unwrap(), all[3..]);
        assert_eq!(looking.check().unwrap().schema, 4);
        let journal = Store::open(dir.path()).unwrap();
        assert_eq!((journal.entries("r").unwrap(), journal.hash_at("r", 2).unwrap()), (all, hash));
        assert_eq!(looking.entries("r").unwrap().len(), 4);
        journal.append("r", 6, &events()).unwrap();
        journal.append("empty", 6, &events()).unwrap();
        assert_eq!((journal.check().unwrap().entries, journal.check().unwrap().schema), (12, 6));
        let told = old.execute(insert, params![9, "{}"]).unwrap_err().to_string();
        assert!(told.contains("a newer version of cutover"), "{told}");
    }
}
