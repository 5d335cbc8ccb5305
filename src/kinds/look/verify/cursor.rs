//! How a table is read in pieces: where the next piece ends, and how many rows it should have.
//!
//! The first piece is open below and the last one above, so that rows which only the replica has are met too.

use crate::dialect::Dialect;
use crate::dialect::checksum::TABLE;
use crate::dialect::key::{KEY, Key, KeyKind, KeyValues, Range};
use crate::domain::Sql;
use crate::domain::sql::identifier;
use crate::effects::Session;
use crate::error::Result;
use std::time::Duration;

/// Rows of the first piece: little enough to be done at once, enough to learn from.
const FIRST: f64 = 10_000.0;
/// Largest piece, in rows.
const LARGEST: f64 = 20_000_000.0;
/// Numbers for each row up to which pieces are cut by number: cutting needs no question then. Sparser keys are cut by
/// looking for the row that ends a piece.
const SPARSE: i128 = 16;
/// Longest time to find the end of a piece.
pub(super) const SEEK: Duration = Duration::from_mins(30);

/// Where the reading of a table stands.
#[derive(Debug)]
pub(super) struct Cursor {
    way: Way,
    after: Option<KeyValues>,
    rows: f64,
    finished: bool,
    /// Pieces given out.
    given: u64,
}

#[derive(Debug)]
enum Way {
    /// Not known yet.
    Unknown,
    /// In one piece.
    Whole,
    /// By number: the next one, the highest, and how many there are for each row.
    Numbers { next: i128, high: i128, per_row: f64 },
    /// By the row that ends a piece.
    Rows,
}

/// A table as a cursor sees it.
pub(super) struct Subject<'a> {
    /// Its name.
    pub table: &'a Sql,
    /// Its key, if there is one.
    pub key: Option<&'a Key>,
    /// Rows, as the server estimates them.
    pub rows: u64,
}

impl Cursor {
    /// Behind `after`, where an attempt before had come so far.
    pub fn new(after: Option<KeyValues>) -> Self {
        Self { way: Way::Unknown, after, rows: FIRST, finished: false, given: 0 }
    }

    /// The next piece and its number; none when the table is read.
    pub async fn next(
        &mut self,
        subject: &Subject<'_>,
        source: &Session,
        dialect: Dialect,
    ) -> Result<Option<(u64, Range)>> {
        if self.finished {
            return Ok(None);
        }
        if matches!(self.way, Way::Unknown) {
            self.way = Way::find(subject, source, dialect).await?;
            self.way.skip(self.after.as_ref());
        }
        let up_to = match (&mut self.way, subject.key) {
            (Way::Numbers { next, high, per_row }, _) => {
                let end = next.saturating_add(whole(self.rows * *per_row).max(1));
                *next = end;
                (end < *high).then(|| vec![end.to_string()])
            }
            (Way::Rows, Some(key)) => {
                let rest = Range { after: self.after.clone(), up_to: None };
                let question = piece_end(dialect, subject.table, key, &rest, whole(self.rows));
                let end = source.query(&question, SEEK).await?;
                end.first().map(|row| values(row, key, 0))
            }
            _ => None,
        };
        self.finished = up_to.is_none();
        let after = std::mem::replace(&mut self.after, up_to.clone());
        self.given += 1;
        Ok(Some((self.given - 1, Range { after, up_to })))
    }

    /// Makes the next pieces larger or smaller, so that one takes about `target`.
    pub fn learn(&mut self, took: Duration, target: Duration) {
        let factor = target.as_secs_f64() / took.as_secs_f64().max(0.001);
        self.rows = (self.rows * factor.clamp(0.25, 4.0)).clamp(100.0, LARGEST);
    }
}

impl Way {
    /// Numbers that were read before are not read again.
    fn skip(&mut self, after: Option<&KeyValues>) {
        let read = after.and_then(|values| values.first()?.parse::<i128>().ok());
        if let (Self::Numbers { next, .. }, Some(read)) = (self, read) {
            *next = (*next).max(read);
        }
    }

    async fn find(subject: &Subject<'_>, source: &Session, dialect: Dialect) -> Result<Self> {
        let Some(key) = subject.key else { return Ok(Self::Whole) };
        let [column] = key.columns.as_slice() else { return Ok(Self::Rows) };
        if column.kind != KeyKind::Integer {
            return Ok(Self::Rows);
        }
        let rows = source
            .query(
                &dialect.extremes(&Sql::found(TABLE, subject.table), &Sql::found(KEY, &identifier(&column.name))),
                SEEK,
            )
            .await?;
        let number = |place| rows.first().and_then(|row| row.at(place)).and_then(|text| text.parse::<i128>().ok());
        let (Some(low), Some(high)) = (number(0), number(1)) else { return Ok(Self::Whole) };
        let (numbers, rows) = (high - low + 1, i128::from(subject.rows.max(1)));
        if numbers > rows.saturating_mul(SPARSE) {
            return Ok(Self::Rows);
        }
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let per_row = (numbers as f64 / rows as f64).max(1.0);
        Ok(Self::Numbers { next: low.saturating_sub(1), high, per_row })
    }
}

#[expect(clippy::cast_possible_truncation, reason = "clamped by the largest piece")]
fn whole(number: f64) -> i128 {
    number as i128
}

/// Asks for the row that ends a piece of `rows` rows.
pub(super) fn piece_end(dialect: Dialect, table: &Sql, key: &Key, range: &Range, rows: i128) -> Sql {
    dialect.piece_end(&key.words(table), &key.condition(range), (rows - 1).max(0).to_string())
}

/// A key's values in a row, from the column `first` on.
pub(super) fn values(row: crate::effects::Row<'_>, key: &Key, first: usize) -> KeyValues {
    (first..first + key.columns.len()).map(|place| row.at(place).unwrap_or_default().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::Cursor;
    use std::time::Duration;

    #[test]
    fn pieces_grow_and_shrink_towards_their_time() {
        let mut cursor = Cursor::new(None);
        let target = Duration::from_millis(500);
        cursor.learn(Duration::from_millis(1), target);
        assert!((cursor.rows - 40_000.0).abs() < 1.0, "at most four times as many: {}", cursor.rows);
        cursor.learn(Duration::from_secs(1), target);
        assert!((cursor.rows - 20_000.0).abs() < 1.0, "{}", cursor.rows);
        for _ in 0..20 {
            cursor.learn(Duration::from_mins(1), target);
        }
        assert!((cursor.rows - 100.0).abs() < 1.0, "{}", cursor.rows);
    }
}
