//! The store's interface to a database: statements with numbered values (`$1`), in SQL that `SQLite` and PostgreSQL share.

use super::Backup;
use super::trouble::Trouble;
use crate::error::Failure;
use std::path::Path;

/// A value in a statement or a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Null,
    Truth(bool),
    Number(i64),
    Text(String),
}

/// A row of a result.
#[derive(Debug)]
pub(super) struct Row(pub(super) Vec<Value>);

/// A connection within a unit of work.
pub(super) trait Session {
    /// The result rows of a query.
    fn rows(&mut self, statement: &str, values: &[Value]) -> Result<Vec<Row>, Trouble>;

    /// Runs a statement, and returns the number of changed rows.
    fn change(&mut self, statement: &str, values: &[Value]) -> Result<u64, Trouble>;

    /// Whether entries have hashes: those of a much older program have none.
    fn is_chained(&mut self) -> Result<bool, Trouble>;

    /// The end of a `SELECT` that locks its row against other writers until this work is over.
    fn to_hold(&self) -> &'static str;

    /// The milliseconds since 1970 on the database's own clock, as an expression.
    fn clock(&self) -> &'static str;

    /// The first result row of a query.
    fn row(&mut self, statement: &str, values: &[Value]) -> Result<Option<Row>, Trouble> {
        Ok(self.rows(statement, values)?.into_iter().next())
    }
}

/// A unit of work. It may be repeated when the connection is lost before it is durable.
pub(super) type Work<'work> = dyn FnMut(&mut dyn Session) -> Result<(), Trouble> + Send + 'work;

/// New entries of a run.
pub(super) struct Append<'entries> {
    pub(super) run: &'entries str,
    /// Of the runner who writes them.
    pub(super) epoch: Option<u32>,
    /// Number and hash of the entry before them.
    pub(super) after: (u32, &'entries str),
    /// Their times, their events as JSON, and their hashes.
    pub(super) times: Vec<i64>,
    pub(super) events: Vec<String>,
    pub(super) hashes: Vec<String>,
}

/// A database with the store's tables.
pub(super) trait Database: Send + Sync {
    /// Reads one state of the database.
    fn read(&self, work: &mut Work<'_>) -> Result<(), Trouble>;

    /// Writes in one transaction, which is durable on return. Between its statements `work` does not see other writers of the
    /// same rows.
    fn write(&self, work: &mut Work<'_>) -> Result<(), Trouble>;

    /// Writes entries in one step, where the database supports that. False when it does not, or when the run has another end
    /// or another runner by now: then nothing was written, and [`Database::write`] finds the reason.
    fn append(&self, _: &Append<'_>) -> Result<bool, Trouble> {
        Ok(false)
    }

    /// Checks the storage below the rows, and returns the version of the tables.
    fn sound(&self) -> Result<u32, Trouble>;

    /// Copies everything to a file, and checks the copy.
    fn back_up(&self, file: &Path) -> Result<Backup, Failure>;

    /// The failure of an attempt, with what to do about it.
    fn failure(&self, attempted: String, trouble: Trouble) -> Failure;
}

/// Values in the order of their numbers.
macro_rules! values {
    ($($value:expr),* $(,)?) => { &[$($crate::store::database::Value::from($value)),*] };
}
pub(super) use values;

macro_rules! value_from {
    ($($type:ty => $make:expr),* $(,)?) => {
        $(
            impl From<$type> for Value {
                fn from(value: $type) -> Self {
                    let make: fn($type) -> Self = $make;
                    make(value)
                }
            }
            impl From<Option<$type>> for Value {
                fn from(value: Option<$type>) -> Self {
                    value.map_or(Self::Null, Self::from)
                }
            }
        )*
    };
}
value_from! {
    bool => Self::Truth,
    i64 => Self::Number,
    u32 => |number| Self::Number(number.into()),
    u8 => |number| Self::Number(number.into()),
    String => Self::Text,
    &str => |text| Self::Text(text.to_owned()),
    &String => |text| Self::Text(text.clone()),
}

/// A type that can be read from a value.
pub(super) trait FromValue: Sized {
    /// `None` when the value has another type.
    fn from_value(value: Value) -> Option<Self>;
}

impl FromValue for i64 {
    fn from_value(value: Value) -> Option<Self> {
        if let Value::Number(number) = value { Some(number) } else { None }
    }
}
impl FromValue for u64 {
    /// A count or a sum, which is never below 0.
    fn from_value(value: Value) -> Option<Self> {
        i64::from_value(value).map(i64::unsigned_abs)
    }
}
impl FromValue for u32 {
    fn from_value(value: Value) -> Option<Self> {
        i64::from_value(value)?.try_into().ok()
    }
}
impl FromValue for u8 {
    fn from_value(value: Value) -> Option<Self> {
        i64::from_value(value)?.try_into().ok()
    }
}
impl FromValue for bool {
    /// `SQLite` has numbers for them.
    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Truth(truth) => Some(truth),
            Value::Number(number) => Some(number != 0),
            _ => None,
        }
    }
}
impl FromValue for String {
    fn from_value(value: Value) -> Option<Self> {
        if let Value::Text(text) = value { Some(text) } else { None }
    }
}
impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: Value) -> Option<Self> {
        if value == Value::Null { Some(None) } else { T::from_value(value).map(Some) }
    }
}

impl Row {
    /// Takes the value of a column, from 0, out of the row.
    ///
    /// # Errors
    /// When it has another type: another program has written it.
    pub(super) fn take<T: FromValue>(&mut self, column: usize) -> Result<T, Trouble> {
        let value = self.0.get_mut(column).map(|value| std::mem::replace(value, Value::Null));
        value
            .and_then(T::from_value)
            .ok_or_else(|| Trouble::Damaged(format!("column {} of a row has the wrong type", column + 1)))
    }
}
