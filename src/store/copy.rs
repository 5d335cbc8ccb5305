//! Copies a whole store into an empty one: every row unchanged, including hashes, in one transaction.

use super::Checked;
use super::database::{Row, Session, Value, values};
use super::store::Store;
use super::trouble::Trouble;
use crate::error::{Failure, Result};

/// A table whose rows are copied unchanged. Other tables are derived from entries, or temporary.
struct Table {
    name: &'static str,
    columns: &'static [&'static str],
    /// Boolean columns, by index: `SQLite` stores them as numbers.
    truths: &'static [usize],
}

const SCHEDULE: Table = Table { name: "schedule", columns: &["name", "timetable", "since"], truths: &[] };
const START: Table = Table {
    name: "start",
    columns: &[
        "schedule",
        "due",
        "verdict",
        "reason",
        "decider",
        "at",
        "on_demand",
        "run",
        "command",
        "claimed",
        "ended",
        "exit_code",
        "labels",
    ],
    truths: &[6],
};
const OUTBOX: Table = Table {
    name: "outbox",
    columns: &[
        "origin", "seq", "webhook", "occasion", "at", "message", "target", "tries", "due", "held", "sent", "error",
    ],
    truths: &[],
};
const OUTBOX_RUN: Table = Table { name: "outbox_run", columns: &["run", "seq"], truths: &[] };
const RUN: Table = Table { name: "run", columns: &["id", "playbook", "hash", "created", "plan"], truths: &[] };
const EVENT: Table = Table { name: "event", columns: &["run", "seq", "at", "data", "hash"], truths: &[] };

impl Table {
    fn select(&self, rest: &str) -> String {
        format!("SELECT {} FROM {} {rest}", self.columns.join(", "), self.name)
    }

    fn insert(&self) -> String {
        let numbers: Vec<String> = (1..=self.columns.len()).map(|number| format!("${number}")).collect();
        format!("INSERT INTO {} ({}) VALUES ({})", self.name, self.columns.join(", "), numbers.join(", "))
    }

    fn values(&self, mut row: Row) -> Result<Vec<Value>, Trouble> {
        for &place in self.truths {
            let truth: bool = row.take(place)?;
            row.0[place] = Value::Truth(truth);
        }
        Ok(row.0)
    }
}

impl Store {
    /// Copies everything into `to`, which must be empty: all of it, or nothing. Nothing may write to the source meanwhile. Both
    /// are checked at the end, and must have the same content.
    ///
    /// # Errors
    /// When `to` is not empty, either is damaged or cannot be reached, or something has written meanwhile.
    pub fn copy_to(&self, to: &Self) -> Result<Checked> {
        let attempted = "copy the store";
        if let Some(table) = to.holds_something().map_err(|trouble| to.failed(attempted, trouble))? {
            return Err(Failure::refused(attempted, format!("the destination is not empty: it has rows in `{table}`"))
                .now("nothing was copied")
                .help("copy into an empty database or directory"));
        }
        let before = self.check()?;
        to.write(|session| self.pour(session)).map_err(|trouble| to.failed(attempted, trouble))?;
        let (copied, ends) = (to.check()?, (self.ends(), to.ends()));
        let same = (copied.runs, copied.entries, copied.newest) == (before.runs, before.entries, before.newest);
        match ends {
            (Ok(from), Ok(there)) if same && from == there => Ok(copied),
            (Err(trouble), _) => Err(self.failed(attempted, trouble)),
            (_, Err(trouble)) => Err(to.failed(attempted, trouble)),
            _ => Err(Failure::permanent(
                attempted,
                "the copy differs from the original: something has written to it meanwhile",
            )
            .now("the original is unchanged")
            .help("stop all processes that use it, empty the copy, and copy again")),
        }
    }

    fn holds_something(&self) -> Result<Option<&'static str>, Trouble> {
        self.read(|session| {
            for table in [&RUN, &START, &OUTBOX, &SCHEDULE] {
                if session.row(&format!("SELECT 1 FROM {} LIMIT 1", table.name), &[])?.is_some() {
                    return Ok(Some(table.name));
                }
            }
            Ok(None)
        })
    }

    /// Writes all rows into `session`, one run at a time.
    fn pour(&self, session: &mut dyn Session) -> Result<(), Trouble> {
        for mut head in self.rows(&RUN, "ORDER BY created, id", &[])? {
            session.change(&RUN.insert(), &head)?;
            let run = [head.swap_remove(0)];
            for entry in self.rows(&EVENT, "WHERE run = $1 ORDER BY seq", &run)? {
                session.change(&EVENT.insert(), &entry)?;
            }
        }
        for table in [&SCHEDULE, &START, &OUTBOX, &OUTBOX_RUN] {
            for row in self.rows(table, "", &[])? {
                session.change(&table.insert(), &row)?;
            }
        }
        Ok(())
    }

    fn rows(&self, table: &Table, rest: &str, values: &[Value]) -> Result<Vec<Vec<Value>>, Trouble> {
        self.read(|session| {
            let rows = session.rows(&table.select(rest), values)?;
            rows.into_iter().map(|row| table.values(row)).collect()
        })
    }

    /// The end of every run, and the number of rows of the other tables.
    fn ends(&self) -> Result<Vec<(String, u32, String)>, Trouble> {
        self.read(|session| {
            let mut ends = Vec::new();
            for mut row in session.rows("SELECT run, last_seq, last_hash FROM overview ORDER BY run", values![])? {
                ends.push((row.take(0)?, row.take(1)?, row.take(2)?));
            }
            for table in [&SCHEDULE, &START, &OUTBOX, &OUTBOX_RUN] {
                let count = session.row(&format!("SELECT count(*) FROM {}", table.name), &[])?;
                let count: Option<i64> = count.map(|mut row| row.take(0)).transpose()?;
                ends.push((table.name.to_owned(), 0, count.unwrap_or(0).to_string()));
            }
            Ok(ends)
        })
    }
}
