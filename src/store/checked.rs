//! A complete check of the store, on demand.

use super::database::Session;
use super::entries::walk;
use super::store::Store;
use super::trouble::Trouble;
use crate::error::Result;
use serde::Serialize;

/// The result of a complete check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// Number of runs.
    pub runs: u64,
    /// Number of entries of all runs. The hash chain of each run is correct.
    pub entries: u64,
    /// When the newest entry was written, in milliseconds since 1970.
    pub newest: Option<i64>,
    /// Version of the tables.
    pub schema: u32,
}

impl Store {
    /// Checks everything: the database below, and the hash chain of every run. Changes nothing.
    ///
    /// # Errors
    /// When it is damaged or cannot be read.
    pub fn check(&self) -> Result<Checked> {
        let check = || {
            let schema = self.sound()?;
            self.read(|session| chains(session, schema))
        };
        check().map_err(|trouble| self.failed("check the journal", trouble))
    }
}

/// Every run's chain.
pub(super) fn chains(session: &mut dyn Session, schema: u32) -> Result<Checked, Trouble> {
    // include runs without a record: their entries are damage
    let runs = session.rows("SELECT id FROM run UNION SELECT DISTINCT run FROM event", &[])?;
    let mut checked = Checked { runs: runs.len() as u64, entries: 0, newest: None, schema };
    for mut row in runs {
        let run: String = row.take(0)?;
        let chain = walk(session, &run, 0, |entry| {
            checked.entries += 1;
            checked.newest = checked.newest.max(Some(entry.at));
            Ok(())
        });
        chain.map_err(|trouble| match trouble {
            damage if damage.is_damage() => Trouble::InRun(run, Box::new(damage)),
            other => other,
        })?;
    }
    Ok(checked)
}
