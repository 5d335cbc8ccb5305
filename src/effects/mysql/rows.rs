//! The result of a statement. Everything is text, as the server's text protocol sends it.

use std::fmt;
use std::sync::Arc;

/// A result set: every value as text, `None` for NULL. Empty for statements that bring back no rows.
///
/// All values are in one text, because a `String` for each would cost several times what a name or a number takes.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Rows {
    /// Names of the columns, as the server spells them.
    pub columns: Arc<[String]>,
    text: String,
    /// Where each value ends in `text`, row after row; with [`NULL`] added where it is NULL.
    ends: Vec<u32>,
}

/// Marks the end of a value that is NULL. Texts are far shorter: see `LARGEST_ANSWER`.
const NULL: u32 = 1 << 31;

impl Rows {
    /// None yet, of these columns.
    #[must_use]
    pub fn of(columns: Arc<[String]>) -> Self {
        Self { columns, ..Self::default() }
    }
    /// Adds a row: one value for each column.
    pub fn push(&mut self, values: impl IntoIterator<Item = Option<String>>) {
        for value in values {
            self.text.push_str(value.as_deref().unwrap_or_default());
            let end = u32::try_from(self.text.len()).unwrap_or(!NULL);
            self.ends.push(if value.is_some() { end } else { end | NULL });
        }
    }
    /// Those that fulfil a condition.
    #[must_use]
    pub fn only(&self, keep: impl Fn(Row<'_>) -> bool) -> Self {
        let mut kept = Self::of(self.columns.clone());
        for row in self.iter().filter(|row| keep(*row)) {
            kept.push((0..self.columns.len()).map(|column| row.at(column).map(str::to_owned)));
        }
        kept
    }
    /// How much memory the values take, in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.text.len() + self.ends.len() * size_of::<u32>()
    }
    /// The first row, if there is one.
    #[must_use]
    pub fn first(&self) -> Option<Row<'_>> {
        self.row(0)
    }
    /// The rows in the server's order.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Row<'_>> {
        (0..self.len()).map(|row| Row { rows: self, first: row * self.columns.len() })
    }
    /// The row at `index`, from 0.
    #[must_use]
    pub fn row(&self, index: usize) -> Option<Row<'_>> {
        (index < self.len()).then(|| Row { rows: self, first: index * self.columns.len() })
    }
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len() / self.columns.len().max(1)
    }
    /// The first column of the first row; `None` when there is no row or the value is NULL.
    #[must_use]
    pub fn value(&self) -> Option<&str> {
        self.first()?.at(0)
    }
}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// One row of a result set.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    rows: &'a Rows,
    /// Index of its first value among all values.
    first: usize,
}

impl<'a> Row<'a> {
    /// The value of the column called `name`, whatever its case; `None` when there is no such column or it is NULL.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.at(self.rows.columns.iter().position(|column| column.eq_ignore_ascii_case(name))?)
    }
    /// The value of the column at `index`, from 0.
    #[must_use]
    pub fn at(&self, index: usize) -> Option<&'a str> {
        if index >= self.rows.columns.len() {
            return None;
        }
        let value = self.first + index;
        let end = *self.rows.ends.get(value)?;
        let begin = value.checked_sub(1).and_then(|before| self.rows.ends.get(before)).map_or(0, |end| end & !NULL);
        (end & NULL == 0).then(|| self.rows.text.get(begin as usize..end as usize)).flatten()
    }
    /// Every column's name with its value.
    pub fn pairs(&self) -> impl Iterator<Item = (&'a str, Option<&'a str>)> {
        self.rows.columns.iter().enumerate().map(|(index, name)| (name.as_str(), self.at(index)))
    }
}

impl fmt::Debug for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.pairs()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::Rows;

    fn rows(columns: &[&str], values: &[&[Option<&str>]]) -> Rows {
        let mut rows = Rows::of(columns.iter().map(|&name| name.to_owned()).collect());
        for row in values {
            rows.push(row.iter().map(|value| value.map(str::to_owned)));
        }
        rows
    }

    #[test]
    fn finds_columns_whatever_their_case_and_tells_null_from_text() {
        let rows = rows(&["Slave_IO_Running", "Last_Error"], &[&[Some("Yes"), None]]);
        let row = rows.first().unwrap();
        assert_eq!(row.get("slave_io_running"), Some("Yes"));
        assert_eq!((row.get("Last_Error"), row.get("nothing"), row.at(7)), (None, None, None));
        assert_eq!((rows.value(), rows.len()), (Some("Yes"), 1));
        assert_eq!(row.pairs().collect::<Vec<_>>(), [("Slave_IO_Running", Some("Yes")), ("Last_Error", None)]);
        assert_eq!((Rows::default().value(), Rows::default().len()), (None, 0));
    }

    #[test]
    fn keeps_every_value_apart_whatever_is_null_or_empty() {
        let values: [&[Option<&str>]; 5] = [
            &[None, None, None],
            &[Some("a"), None, Some("ü")],
            &[None, Some(""), None],
            &[Some(""), None, Some("")],
            &[None, Some("bc"), Some("d")],
        ];
        let rows = rows(&["x", "y", "z"], &values);
        let seen: Vec<Vec<Option<&str>>> = rows.iter().map(|row| (0..3).map(|at| row.at(at)).collect()).collect();
        assert_eq!(seen, values);
        assert_eq!(rows.iter().len(), 5);
        assert_eq!(format!("{rows:?}").matches("\"bc\"").count(), 1);
    }
}
