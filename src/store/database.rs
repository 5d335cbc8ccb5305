//! What the store asks of a database: statements with numbered values (`$1`), in SQL that `SQLite` and PostgreSQL read alike.

use super::Backup;
use super::trouble::Trouble;
use crate::error::Failure;
use std::path::Path;

/// A value that goes into a statement or comes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Null,
    Truth(bool),
    Number(i64),
    Text(String),
}

/// A row that came back.
#[derive(Debug)]
pub(super) struct Row(pub(super) Vec<Value>);

/// A connection in the middle of a piece of work.
pub(super) trait Session {
    /// Rows of a statement that answers.
    fn rows(&mut self, statement: &str, values: &[Value]) -> Result<Vec<Row>, Trouble>;

    /// Carries a statement out, and gives back how many rows it changed.
    fn change(&mut self, statement: &str, values: &[Value]) -> Result<u64, Trouble>;

    /// Whether entries carry hashes: those that a much older program wrote do not.
    fn is_chained(&mut self) -> Result<bool, Trouble>;

    /// What a `SELECT` ends with that keeps other writers away from its row until this work is over.
    fn to_hold(&self) -> &'static str;

    /// The milliseconds since 1970 on the database's own clock, as an expression.
    fn clock(&self) -> &'static str;

    /// The first row of a statement that answers.
    fn row(&mut self, statement: &str, values: &[Value]) -> Result<Option<Row>, Trouble> {
        Ok(self.rows(statement, values)?.into_iter().next())
    }
}

/// A piece of work. It may be begun again when the connection was lost before it was durable.
pub(super) type Work<'work> = dyn FnMut(&mut dyn Session) -> Result<(), Trouble> + Send + 'work;

/// New entries of a run.
pub(super) struct Append<'entries> {
    pub(super) run: &'entries str,
    /// Of the runner who writes them.
    pub(super) epoch: Option<u32>,
    /// Number and hash of the entry that they follow.
    pub(super) after: (u32, &'entries str),
    /// Their times, their events as JSON, and their hashes.
    pub(super) times: Vec<i64>,
    pub(super) events: Vec<String>,
    pub(super) hashes: Vec<String>,
}

/// Where the tables are.
pub(super) trait Database: Send + Sync {
    /// Reads one state of the database.
    fn read(&self, work: &mut Work<'_>) -> Result<(), Trouble>;

    /// Writes in one transaction, which is durable on return. `work` sees nothing of other writers of the same rows
    /// between its statements.
    fn write(&self, work: &mut Work<'_>) -> Result<(), Trouble>;

    /// Writes entries in one step, where the database has a way to. False when it has none, or when the run has another end
    /// or another runner by now: then nothing was written, and [`Database::write`] finds out.
    fn append(&self, _: &Append<'_>) -> Result<bool, Trouble> {
        Ok(false)
    }

    /// Checks what lies below the rows, and gives back the version of the tables.
    fn sound(&self) -> Result<u32, Trouble>;

    /// Copies everything to a file, and checks the copy.
    fn back_up(&self, file: &Path) -> Result<Backup, Failure>;

    /// The failure of something that was attempted here, with what to do about it.
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

/// What can be read out of a value.
pub(super) trait FromValue: Sized {
    /// `None` when the value is something else.
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
    /// When it is not of that type: somebody else has written it.
    pub(super) fn take<T: FromValue>(&mut self, column: usize) -> Result<T, Trouble> {
        let value = self.0.get_mut(column).map(|value| std::mem::replace(value, Value::Null));
        value
            .and_then(T::from_value)
            .ok_or_else(|| Trouble::Damaged(format!("column {} of a row is not of its type", column + 1)))
    }
}
