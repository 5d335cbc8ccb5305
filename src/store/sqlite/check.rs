//! Checks of the file's structure: a quick one when it is opened for writing, and a complete one on demand.

use super::schema::{READABLE, version};
use crate::store::trouble::Trouble;
use rusqlite::Connection;
use std::path::Path;

/// Up to this size a journal is checked completely when it is opened for writing. A complete check took 6 ms for 18 MiB, and
/// 95 to 210 ms for the 500 to 700 MiB of 10,000 runs, with all of it in the page cache.
const WHOLE: u64 = 64 << 20;

/// The check at opening for writing. Of a large journal it checks only the table that every list and every append uses; the
/// entries of a run are checked by their hash chain when they are read.
pub(super) fn quick(connection: &Connection, path: &Path) -> Result<(), Trouble> {
    if version(connection)? < READABLE || path.metadata()?.len() <= WHOLE {
        return passes(connection, "PRAGMA quick_check(1)");
    }
    passes(connection, "PRAGMA quick_check(overview)")
}

/// The structure of the whole file. Returns the version of its tables.
pub(super) fn sound(connection: &Connection) -> Result<u32, Trouble> {
    passes(connection, "PRAGMA integrity_check(1)")?;
    version(connection)
}

fn passes(connection: &Connection, check: &str) -> Result<(), Trouble> {
    let found: String = connection.query_row(check, [], |row| row.get(0))?;
    if found == "ok" { Ok(()) } else { Err(Trouble::Damaged(found)) }
}
