//! Checks of the file: a quick one when it is opened for writing, and a whole one on demand.

use super::entries::walk;
use super::schema::{READABLE, version};
use super::trouble::Trouble;
use crate::error::Result;
use crate::store::Sqlite;
use rusqlite::Connection;
use serde::Serialize;
use std::path::Path;

/// Up to this size a journal is checked whole when it is opened for writing. A whole check took 6 ms for 18 MiB, and 95 to
/// 210 ms for the 500 to 700 MiB of 10,000 runs, with all of it in the page cache.
const WHOLE: u64 = 64 << 20;

/// What a whole check looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// Number of runs.
    pub runs: u64,
    /// Number of entries, of all runs. Every one of them follows the one before.
    pub entries: u64,
    /// When the newest entry was written, in milliseconds since 1970.
    pub newest: Option<i64>,
    /// Version of the tables.
    pub schema: u32,
}

impl Sqlite {
    /// Checks the whole file: its structure, and the hash chain of every run. Changes nothing.
    ///
    /// # Errors
    /// When it is damaged or cannot be read.
    pub fn check(&self) -> Result<Checked> {
        self.read(whole).map_err(|trouble| self.failed("check the journal", trouble))
    }
}

/// What opening for writing can afford. Of a large journal only the table is checked that every list and every append
/// goes through; the entries of a run are checked by their chain when they are read.
pub(super) fn quick(connection: &Connection, path: &Path) -> Result<(), Trouble> {
    if version(connection)? < READABLE || path.metadata()?.len() <= WHOLE {
        return sound(connection, "PRAGMA quick_check(1)");
    }
    sound(connection, "PRAGMA quick_check(overview)")
}

/// The structure of the whole file, and every run's chain.
pub(super) fn whole(connection: &Connection) -> Result<Checked, Trouble> {
    sound(connection, "PRAGMA integrity_check(1)")?;
    let runs = {
        // runs without a record too: their entries are damage
        let mut select = connection.prepare("SELECT id FROM run UNION SELECT DISTINCT run FROM event")?;
        let runs = select.query_map([], |row| row.get::<_, String>(0))?;
        runs.collect::<rusqlite::Result<Vec<_>>>()?
    };
    let mut checked = Checked { runs: runs.len() as u64, entries: 0, newest: None, schema: version(connection)? };
    for run in &runs {
        let chain = walk(connection, run, 0, |entry| {
            checked.entries += 1;
            checked.newest = checked.newest.max(Some(entry.at));
            Ok(())
        });
        chain.map_err(|trouble| match trouble {
            damage if damage.is_damage() => Trouble::InRun(run.clone(), Box::new(damage)),
            other => other,
        })?;
    }
    Ok(checked)
}

fn sound(connection: &Connection, check: &str) -> Result<(), Trouble> {
    let found: String = connection.query_row(check, [], |row| row.get(0))?;
    if found == "ok" { Ok(()) } else { Err(Trouble::Damaged(found)) }
}
