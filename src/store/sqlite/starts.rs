//! Starts of schedules in the journal's file.

use super::{Sqlite, Trouble};
use crate::error::{Failure, Result};
use crate::store::start::{Start, Starts};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Params, Row, params};

/// The tables. The first part of a start's key keeps a schedule's starts together, the second makes each due time unique.
pub(super) const TABLES: &str = "
    CREATE TABLE schedule (name TEXT PRIMARY KEY, timetable TEXT NOT NULL, since INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE start (
        schedule TEXT NOT NULL, due INTEGER NOT NULL, verdict TEXT NOT NULL, reason TEXT, decider TEXT NOT NULL,
        at INTEGER NOT NULL, on_demand INTEGER NOT NULL, run TEXT UNIQUE, command TEXT NOT NULL, claimed INTEGER,
        ended INTEGER, exit_code INTEGER,
        PRIMARY KEY (schedule, due)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX start_by_time ON start (at);
    CREATE INDEX start_open ON start (at) WHERE verdict = 'queued' OR verdict = 'started' AND ended IS NULL;";

const COLUMNS: &str = "schedule, due, verdict, reason, decider, at, on_demand, run, command, claimed, ended, exit_code";

impl Sqlite {
    fn find_starts(&self, rest: &str, values: impl Params) -> Result<Vec<Start>> {
        let starts = self.read(|connection| {
            let mut select = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM start {rest}"))?;
            let starts = select.query_map(values, start)?;
            Ok(starts.collect::<rusqlite::Result<Vec<_>>>()?)
        });
        starts.map_err(|trouble| self.trouble("read the starts of schedules", trouble))
    }

    fn change(&self, attempted: &str, statement: &str, values: impl Params) -> Result<bool> {
        let changed = self.write(|tx| Ok(tx.prepare_cached(statement)?.execute(values)? > 0));
        changed.map_err(|trouble| self.trouble(attempted, trouble))
    }

    fn trouble(&self, attempted: &str, trouble: Trouble) -> Failure {
        self.failed(attempted, trouble).now("nothing is started that is not in the journal")
    }
}

impl Starts for Sqlite {
    fn watch(&self, schedule: &str, timetable: &str, now: i64, from: i64) -> Result<i64> {
        let known = "SELECT since FROM schedule WHERE name = ?1 AND timetable = ?2";
        let watched = |connection: &Connection| {
            Ok(connection.query_row(known, [schedule, timetable], |row| row.get::<_, i64>(0)).optional()?)
        };
        let watch = || {
            // most looks change nothing, and then take no write lock
            if let Some(since) = self.read(watched)?.filter(|since| *since <= now) {
                return Ok(since);
            }
            let insert =
                "INSERT INTO schedule (name, timetable, since) VALUES (?1, ?2, ?3) ON CONFLICT (name) DO UPDATE
                SET since = CASE WHEN timetable = excluded.timetable AND since <= ?4 THEN since ELSE excluded.since END,
                    timetable = excluded.timetable";
            self.write(|tx| {
                tx.execute(insert, params![schedule, timetable, from, now])?;
                Ok(tx.query_row(known, [schedule, timetable], |row| row.get(0))?)
            })
        };
        watch().map_err(|trouble| self.trouble(&format!("watch the schedule {schedule}"), trouble))
    }

    fn last_due(&self, schedule: &str, now: i64) -> Result<Option<i64>> {
        let select =
            "SELECT due FROM start WHERE schedule = ?1 AND due <= ?2 AND NOT on_demand ORDER BY due DESC LIMIT 1";
        let last = self.read(|connection| {
            let mut select = connection.prepare_cached(select)?;
            Ok(select.query_row(params![schedule, now], |row| row.get(0)).optional()?)
        });
        last.map_err(|trouble| self.trouble("read the starts of schedules", trouble))
    }

    fn decide(&self, start: &Start) -> Result<bool> {
        let insert = format!(
            "INSERT INTO start ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
             ON CONFLICT (schedule, due) DO NOTHING"
        );
        let Start { schedule, due, reason, by, at, on_demand, run, claimed, ended, exit_code, .. } = start;
        let (verdict, command) = (<&str>::from(start.verdict), words(&start.command)?);
        let values =
            params![schedule, due, verdict, reason, by, at, on_demand, run, command, claimed, ended, exit_code];
        self.change(&format!("write a decision about the schedule {schedule}"), &insert, values)
    }

    fn settle(&self, start: &Start) -> Result<bool> {
        let update = "UPDATE start SET verdict = ?3, reason = ?4, decider = ?5, at = ?6, claimed = ?7
            WHERE schedule = ?1 AND due = ?2
              AND (verdict = 'queued' OR verdict = 'started' AND claimed IS NULL AND ended IS NULL)";
        let Start { schedule, due, reason, by, at, claimed, .. } = start;
        let values = params![schedule, due, <&str>::from(start.verdict), reason, by, at, claimed];
        self.change(&format!("write a decision about the schedule {schedule}"), update, values)
    }

    fn claim(&self, run: &str, at: i64) -> Result<Option<Start>> {
        let update = "UPDATE start SET claimed = ?2
            WHERE run = ?1 AND verdict = 'started' AND claimed IS NULL AND ended IS NULL";
        if !self.change(&format!("take up the start {run}"), update, params![run, at])? {
            return Ok(None);
        }
        Ok(self.find_starts("WHERE run = ?1", [run])?.pop())
    }

    fn end(&self, run: &str, at: i64, exit_code: Option<u8>, reason: Option<&str>) -> Result<()> {
        let update = "UPDATE start SET ended = ?2, exit_code = ?3, reason = coalesce(?4, reason)
            WHERE run = ?1 AND ended IS NULL";
        self.change(&format!("write the end of {run}"), update, params![run, at, exit_code, reason]).map(|_| ())
    }

    fn open_starts(&self) -> Result<Vec<Start>> {
        self.find_starts("WHERE verdict = 'queued' OR verdict = 'started' AND ended IS NULL ORDER BY at, due", [])
    }

    fn starts(&self, schedule: Option<&str>, limit: usize) -> Result<Vec<Start>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        match schedule {
            Some(name) => self.find_starts("WHERE schedule = ?1 ORDER BY due DESC LIMIT ?2", params![name, limit]),
            None => self.find_starts("ORDER BY at DESC, due DESC LIMIT ?1", [limit]),
        }
    }

    fn last_ended(&self, schedule: &str) -> Result<Option<Start>> {
        let newest = "WHERE schedule = ?1 AND verdict = 'started' AND ended IS NOT NULL ORDER BY due DESC LIMIT 1";
        Ok(self.find_starts(newest, [schedule])?.pop())
    }
}

fn words(command: &[String]) -> Result<String> {
    serde_json::to_string(command).map_err(|error| Failure::permanent("write a command as JSON", error.to_string()))
}

fn start(row: &Row<'_>) -> rusqlite::Result<Start> {
    let (verdict, command): (String, String) = (row.get(2)?, row.get(8)?);
    let damaged = |column, what: &str| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, format!("the journal is damaged: {what}").into())
    };
    Ok(Start {
        schedule: row.get(0)?,
        due: row.get(1)?,
        verdict: verdict.parse().map_err(|_| damaged(2, "a verdict that is none"))?,
        reason: row.get(3)?,
        by: row.get(4)?,
        at: row.get(5)?,
        on_demand: row.get(6)?,
        run: row.get(7)?,
        command: serde_json::from_str(&command).map_err(|_| damaged(8, "a command that is none"))?,
        claimed: row.get(9)?,
        ended: row.get(10)?,
        exit_code: row.get(11)?,
    })
}

#[cfg(test)]
mod tests {
    use crate::store::{Sqlite, Start, Starts, Verdict};

    fn start(due: i64, run: &str) -> Start {
        Start {
            schedule: "s".into(),
            due,
            verdict: Verdict::Started,
            reason: None,
            by: "me".into(),
            at: due,
            on_demand: false,
            run: Some(run.into()),
            command: vec!["run".into(), "p.yaml".into()],
            claimed: None,
            ended: None,
            exit_code: None,
        }
    }

    #[test]
    fn a_due_time_is_decided_once_and_claimed_once() {
        let dir = tempfile::tempdir().unwrap();
        let (one, other) = (Sqlite::open(dir.path()).unwrap(), Sqlite::open(dir.path()).unwrap());
        assert!(one.decide(&start(10, "a")).unwrap());
        assert!(!other.decide(&start(10, "b")).unwrap());
        assert_eq!(other.open_starts().unwrap(), [start(10, "a")]);
        assert_eq!(other.claim("a", 11).unwrap().unwrap().claimed, Some(11));
        assert_eq!(one.claim("a", 12).unwrap(), None);
        assert_eq!(one.claim("b", 12).unwrap(), None);
        one.end("a", 13, Some(3), None).unwrap();
        other.end("a", 14, None, Some("died")).unwrap();
        let ended = one.last_ended("s").unwrap().unwrap();
        assert_eq!((ended.ended, ended.exit_code, ended.reason), (Some(13), Some(3), None));
        assert!(one.open_starts().unwrap().is_empty());
    }

    #[test]
    fn what_waits_is_settled_once_and_what_is_claimed_never() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Sqlite::open(dir.path()).unwrap();
        journal.decide(&Start { verdict: Verdict::Queued, ..start(10, "a") }).unwrap();
        assert_eq!(journal.claim("a", 11).unwrap(), None, "what waits is not to be taken up");
        assert!(journal.settle(&start(10, "a")).unwrap());
        assert!(journal.settle(&Start { verdict: Verdict::Late, ..start(10, "a") }).unwrap(), "nobody has claimed it");
        assert!(!journal.settle(&start(10, "a")).unwrap());
        journal.decide(&start(20, "b")).unwrap();
        journal.claim("b", 21).unwrap();
        assert!(!journal.settle(&Start { verdict: Verdict::Late, ..start(20, "b") }).unwrap());
    }

    #[test]
    fn what_a_person_asked_for_is_no_time_of_the_table() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Sqlite::open(dir.path()).unwrap();
        journal.decide(&start(10, "a")).unwrap();
        journal.decide(&Start { on_demand: true, ..start(15, "b") }).unwrap();
        journal.decide(&start(90, "c")).unwrap();
        assert_eq!(journal.last_due("s", 20).unwrap(), Some(10), "and a clock that was ahead is not believed");
        assert_eq!(journal.last_due("other", 20).unwrap(), None);
        assert_eq!(journal.starts(Some("s"), 2).unwrap().iter().map(|start| start.due).collect::<Vec<_>>(), [90, 15]);
    }

    #[test]
    fn another_timetable_counts_from_when_it_was_seen() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Sqlite::open(dir.path()).unwrap();
        assert_eq!(journal.watch("s", "0 2 * * *", 10, 10).unwrap(), 10);
        assert_eq!(journal.watch("s", "0 2 * * *", 20, 5).unwrap(), 10);
        assert_eq!(journal.watch("s", "0 3 * * *", 30, 30).unwrap(), 30);
        assert_eq!(journal.watch("s", "0 3 * * *", 25, 25).unwrap(), 25, "the clock was set back");
    }
}
