//! A connection to the file within a unit of work.

use super::schema::{CHAINED, version};
use crate::store::database::{Row, Session, Value};
use crate::store::trouble::Trouble;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ToSql, params_from_iter};

pub(in crate::store) struct Lite<'connection>(pub(in crate::store) &'connection Connection);

/// The tables in the memory of this process.
#[cfg(test)]
pub(in crate::store) fn in_memory() -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    for added in super::VERSIONS {
        connection.execute_batch(added).unwrap();
    }
    connection
}

impl Session for Lite<'_> {
    fn rows(&mut self, statement: &str, values: &[Value]) -> Result<Vec<Row>, Trouble> {
        let mut statement = self.0.prepare_cached(&numbered(statement))?;
        let columns = statement.column_count();
        let mut rows = statement.query(params_from_iter(values))?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            let values = (0..columns).map(|column| Ok(value(row.get_ref(column)?)));
            all.push(Row(values.collect::<rusqlite::Result<_>>()?));
        }
        Ok(all)
    }

    fn change(&mut self, statement: &str, values: &[Value]) -> Result<u64, Trouble> {
        Ok(self.0.prepare_cached(&numbered(statement))?.execute(params_from_iter(values))? as u64)
    }

    fn to_hold(&self) -> &'static str {
        "" // a writer has locked the whole file
    }

    fn clock(&self) -> &'static str {
        "CAST(unixepoch('subsec') * 1000 AS INTEGER)"
    }

    fn is_chained(&mut self) -> Result<bool, Trouble> {
        Ok(version(self.0)? >= CHAINED)
    }
}

/// `SQLite` spells the number of a value `?1`. A statement of the store holds no other dollar sign.
fn numbered(statement: &str) -> String {
    statement.replace('$', "?")
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Truth(truth) => ValueRef::Integer((*truth).into()),
            Self::Number(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

/// Bytes that are not text were not written by this program: converted to text they do not match the hash chain.
fn value(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null | ValueRef::Real(_) => Value::Null,
        ValueRef::Integer(number) => Value::Number(number),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Value::Text(String::from_utf8_lossy(bytes).into_owned()),
    }
}
