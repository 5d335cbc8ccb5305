//! The tables, by version, and the upgrade of an older store.

use super::connection::Connection;
use super::writing::Line;
use crate::store::database::{Session, Value};
use crate::store::trouble::Trouble;

/// The version that this program writes.
pub(super) const LATEST: u32 = 1;
/// The additions of each version.
const VERSIONS: [&str; LATEST as usize] = [include_str!("schema.sql")];
/// Only one program at a time upgrades a store; the number is arbitrary.
const LOCK: &str = "SELECT pg_advisory_xact_lock(7164190032411925)";

/// The version of the store that a connection leads to; 0 where there is none yet.
pub(super) fn version(connection: &mut Connection) -> Result<u32, Trouble> {
    // not by `to_regclass`: a session that has once not found a table does not find it until its transaction ends
    let table = "SELECT 1 FROM pg_catalog.pg_class JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace
        WHERE nspname = 'cutover' AND relname = 'schema_version'";
    if connection.row(table, &[])?.is_none() {
        return Ok(0);
    }
    let row = connection.row("SELECT version FROM cutover.schema_version", &[])?;
    row.map_or(Ok(0), |mut row| row.take(0))
}

/// Upgrades the store, and creates it if missing.
pub(super) fn upgrade(connection: &mut Connection) -> Result<(), Trouble> {
    match version(connection)? {
        LATEST => return Ok(()),
        newer if newer > LATEST => return Err(Trouble::Newer(newer, LATEST)),
        _ => {}
    }
    connection.batch(&format!("BEGIN; {LOCK}"))?;
    let version = version(connection)?; // another program may have been faster
    if version == 0 {
        // an account that may not create a schema can be given one
        if connection.row("SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = 'cutover'", &[])?.is_none() {
            connection.batch("CREATE SCHEMA cutover")?;
        }
        connection.batch("CREATE TABLE cutover.schema_version (version BIGINT NOT NULL)")?;
        connection.batch("INSERT INTO cutover.schema_version VALUES (0)")?;
    }
    for added in VERSIONS.get(version as usize..).ok_or(Trouble::Newer(version, LATEST))? {
        connection.batch(added)?;
    }
    connection.change("UPDATE cutover.schema_version SET version = $1", &[Value::from(LATEST)])?;
    connection.batch("COMMIT")
}
