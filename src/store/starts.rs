//! Starts of schedules in the store.

use super::database::{Row, Value, values};
use super::start::{Start, Starts};
use super::store::Store;
use super::trouble::Trouble;
use crate::error::{Failure, Result};
use serde::Serialize;

/// How long a process may take from its launch until it claims its start, in milliseconds.
const RESERVED: i64 = 30_000;

const COLUMNS: &str = "schedule, due, verdict, reason, decider, at, on_demand, run, command, claimed, ended, exit_code, \
                       labels";

impl Store {
    fn find_starts(&self, rest: &str, values: &[Value]) -> Result<Vec<Start>> {
        let select = format!("SELECT {COLUMNS} FROM start {rest}");
        let starts = self.read(|session| session.rows(&select, values)?.iter_mut().map(start).collect());
        starts.map_err(|trouble| self.not_started("read the starts of schedules", trouble))
    }

    fn change(&self, attempted: &str, statement: &str, values: &[Value]) -> Result<bool> {
        let changed = self.write(|session| Ok(session.change(statement, values)? > 0));
        changed.map_err(|trouble| self.not_started(attempted, trouble))
    }

    fn not_started(&self, attempted: &str, trouble: Trouble) -> Failure {
        self.failed(attempted, trouble).now("nothing is started that is not in the journal")
    }
}

impl Starts for Store {
    fn watch(&self, schedule: &str, timetable: &str, now: i64, from: i64) -> Result<i64> {
        let known = "SELECT since FROM schedule WHERE name = $1 AND timetable = $2";
        let watch = || {
            // most looks change nothing, and then take no write lock
            let since = self.read(|session| {
                session.row(known, values![schedule, timetable])?.map(|mut row| row.take::<i64>(0)).transpose()
            })?;
            if let Some(since) = since.filter(|since| *since <= now) {
                return Ok(since);
            }
            let insert =
                "INSERT INTO schedule (name, timetable, since) VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE
                SET since = CASE WHEN schedule.timetable = excluded.timetable AND schedule.since <= $4
                        THEN schedule.since ELSE excluded.since END,
                    timetable = excluded.timetable";
            self.write(|session| {
                session.change(insert, values![schedule, timetable, from, now])?;
                let since = session.row(known, values![schedule, timetable])?.map(|mut row| row.take(0)).transpose()?;
                since.ok_or_else(|| Trouble::Damaged("a schedule that was just written is missing".to_owned()))
            })
        };
        watch().map_err(|trouble| self.not_started(&format!("register the schedule {schedule}"), trouble))
    }

    fn last_due(&self, schedule: &str, now: i64) -> Result<Option<i64>> {
        let select =
            "SELECT due FROM start WHERE schedule = $1 AND due <= $2 AND NOT on_demand ORDER BY due DESC LIMIT 1";
        let last =
            self.read(|session| session.row(select, values![schedule, now])?.map(|mut row| row.take(0)).transpose());
        last.map_err(|trouble| self.not_started("read the starts of schedules", trouble))
    }

    fn decide(&self, start: &Start) -> Result<bool> {
        let insert = format!(
            "INSERT INTO start ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
             ON CONFLICT (schedule, due) DO NOTHING"
        );
        let Start { schedule, due, reason, by, at, on_demand, run, claimed, ended, exit_code, .. } = start;
        let (verdict, command) = (<&str>::from(start.verdict), as_json(&start.command)?);
        let labels = as_json(&start.runs_on)?;
        let values = values![
            schedule,
            *due,
            verdict,
            reason.as_deref(),
            by,
            *at,
            *on_demand,
            run.as_deref(),
            command,
            *claimed,
            *ended,
            *exit_code,
            labels
        ];
        self.change(&format!("record a decision about the schedule {schedule}"), &insert, values)
    }

    fn settle(&self, start: &Start) -> Result<bool> {
        let update = "UPDATE start SET verdict = $3, reason = $4, decider = $5, at = $6, claimed = $7
            WHERE schedule = $1 AND due = $2
              AND (verdict = 'queued' OR verdict = 'started' AND claimed IS NULL AND ended IS NULL)";
        let Start { schedule, due, reason, by, at, claimed, .. } = start;
        let verdict = <&str>::from(start.verdict);
        let values = values![schedule, *due, verdict, reason.as_deref(), by, *at, *claimed];
        self.change(&format!("record a decision about the schedule {schedule}"), update, values)
    }

    fn reserve(&self, run: &str) -> Result<bool> {
        let reserved = self.write(|session| {
            let now = session.clock();
            let update = format!(
                "UPDATE start SET reserved = {now} + $2
                 WHERE run = $1 AND verdict = 'started' AND claimed IS NULL AND ended IS NULL AND reserved < {now}"
            );
            Ok(session.change(&update, values![run, RESERVED])? > 0)
        });
        reserved.map_err(|trouble| self.not_started(&format!("claim the start {run}"), trouble))
    }

    fn claim(&self, run: &str, at: i64) -> Result<Option<Start>> {
        let update = "UPDATE start SET claimed = $2
            WHERE run = $1 AND verdict = 'started' AND claimed IS NULL AND ended IS NULL";
        if !self.change(&format!("claim the start {run}"), update, values![run, at])? {
            return Ok(None);
        }
        Ok(self.find_starts("WHERE run = $1", values![run])?.pop())
    }

    fn end(&self, start: &Start, at: i64, exit_code: Option<u8>, reason: Option<&str>) -> Result<()> {
        let update = "UPDATE start SET ended = $2, exit_code = $3, reason = coalesce($4, reason)
            WHERE run = $1 AND ended IS NULL AND coalesce(claimed, 0) = $5";
        let Some(run) = start.run.as_deref() else { return Ok(()) };
        let values = values![run, at, exit_code, reason, start.claimed.unwrap_or_default()];
        self.change(&format!("record the end of {run}"), update, values).map(|_| ())
    }

    fn free(&self, start: &Start) -> Result<bool> {
        let update = "UPDATE start SET claimed = NULL, reserved = 0
            WHERE run = $1 AND verdict = 'started' AND ended IS NULL AND claimed = $2
              AND NOT EXISTS (SELECT 1 FROM run WHERE id = $1)";
        let (Some(run), Some(claimed)) = (start.run.as_deref(), start.claimed) else { return Ok(false) };
        self.change(&format!("free the start {run}"), update, values![run, claimed])
    }

    fn open_starts(&self) -> Result<Vec<Start>> {
        self.find_starts("WHERE verdict = 'queued' OR verdict = 'started' AND ended IS NULL ORDER BY at, due", &[])
    }

    fn starts(&self, schedule: Option<&str>, limit: usize) -> Result<Vec<Start>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        match schedule {
            Some(name) => self.find_starts("WHERE schedule = $1 ORDER BY due DESC LIMIT $2", values![name, limit]),
            None => self.find_starts("ORDER BY at DESC, due DESC LIMIT $1", values![limit]),
        }
    }

    fn last_ended(&self, schedule: &str) -> Result<Option<Start>> {
        let newest = "WHERE schedule = $1 AND verdict = 'started' AND ended IS NOT NULL ORDER BY due DESC LIMIT 1";
        Ok(self.find_starts(newest, values![schedule])?.pop())
    }
}

fn as_json(part: &impl Serialize) -> Result<String> {
    serde_json::to_string(part).map_err(|error| Failure::permanent("write a start as JSON", error.to_string()))
}

fn start(row: &mut Row) -> Result<Start, Trouble> {
    let (verdict, command, labels): (String, String, String) = (row.take(2)?, row.take(8)?, row.take(12)?);
    Ok(Start {
        schedule: row.take(0)?,
        due: row.take(1)?,
        verdict: verdict.parse().map_err(|_| Trouble::Damaged("a verdict is invalid".to_owned()))?,
        reason: row.take(3)?,
        by: row.take(4)?,
        at: row.take(5)?,
        on_demand: row.take(6)?,
        run: row.take(7)?,
        command: serde_json::from_str(&command).map_err(|_| Trouble::Damaged("a command is invalid".to_owned()))?,
        runs_on: serde_json::from_str(&labels).map_err(|_| Trouble::Damaged("labels are invalid".to_owned()))?,
        claimed: row.take(9)?,
        ended: row.take(10)?,
        exit_code: row.take(11)?,
    })
}

#[cfg(test)]
mod tests {
    use crate::store::{Start, Starts, Store, Verdict};
    use std::collections::BTreeMap;

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
            runs_on: BTreeMap::new(),
            claimed: None,
            ended: None,
            exit_code: None,
        }
    }

    #[test]
    fn a_due_time_is_decided_once_and_claimed_once() {
        let dir = tempfile::tempdir().unwrap();
        let (one, other) = (Store::open(dir.path()).unwrap(), Store::open(dir.path()).unwrap());
        assert!(one.decide(&start(10, "a")).unwrap());
        assert!(!other.decide(&start(10, "b")).unwrap());
        assert_eq!(other.open_starts().unwrap(), [start(10, "a")]);
        let claimed = other.claim("a", 11).unwrap().unwrap();
        assert_eq!(claimed.claimed, Some(11));
        assert_eq!(one.claim("a", 12).unwrap(), None);
        assert_eq!(one.claim("b", 12).unwrap(), None);
        one.end(&claimed, 13, Some(3), None).unwrap();
        other.end(&claimed, 14, None, Some("died")).unwrap();
        let ended = one.last_ended("s").unwrap().unwrap();
        assert_eq!((ended.ended, ended.exit_code, ended.reason), (Some(13), Some(3), None));
        assert!(one.open_starts().unwrap().is_empty());
    }

    #[test]
    fn what_waits_is_settled_once_and_what_is_claimed_never() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Store::open(dir.path()).unwrap();
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
        let journal = Store::open(dir.path()).unwrap();
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
        let journal = Store::open(dir.path()).unwrap();
        assert_eq!(journal.watch("s", "0 2 * * *", 10, 10).unwrap(), 10);
        assert_eq!(journal.watch("s", "0 2 * * *", 20, 5).unwrap(), 10);
        assert_eq!(journal.watch("s", "0 3 * * *", 30, 30).unwrap(), 30);
        assert_eq!(journal.watch("s", "0 3 * * *", 25, 25).unwrap(), 25, "the clock was set back");
    }
}
