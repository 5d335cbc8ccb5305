//! What a statement brings back. Everything is text, as the server's text protocol sends it.

use std::sync::Arc;

/// A result set: every value as text, `None` for NULL. Empty for statements that bring back no rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rows {
    /// Names of the columns, as the server spells them.
    pub columns: Arc<[String]>,
    /// The values, one list a row, in the order of `columns`.
    pub rows: Vec<Vec<Option<String>>>,
}

impl Rows {
    /// The first row, if there is one.
    #[must_use]
    pub fn first(&self) -> Option<Row<'_>> {
        self.iter().next()
    }
    /// The rows in the server's order.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Row<'_>> {
        self.rows.iter().map(|values| Row { columns: &self.columns, values })
    }
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }
    /// The first column of the first row; `None` when there is no row or the value is NULL.
    #[must_use]
    pub fn value(&self) -> Option<&str> {
        self.first()?.at(0)
    }
}

/// One row of a result set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row<'a> {
    columns: &'a [String],
    values: &'a [Option<String>],
}

impl<'a> Row<'a> {
    /// The value of the column called `name`, whatever its case; `None` when there is no such column or it is NULL.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.at(self.columns.iter().position(|column| column.eq_ignore_ascii_case(name))?)
    }
    /// The value of the column at `index`, from 0.
    #[must_use]
    pub fn at(&self, index: usize) -> Option<&'a str> {
        self.values.get(index)?.as_deref()
    }
    /// Every column's name with its value.
    pub fn pairs(&self) -> impl Iterator<Item = (&'a str, Option<&'a str>)> {
        self.columns.iter().map(String::as_str).zip(self.values.iter().map(Option::as_deref))
    }
}

#[cfg(test)]
mod tests {
    use super::Rows;

    #[test]
    fn finds_columns_whatever_their_case_and_tells_null_from_text() {
        let rows = Rows {
            columns: ["Slave_IO_Running".to_owned(), "Last_Error".to_owned()].into(),
            rows: vec![vec![Some("Yes".to_owned()), None]],
        };
        let row = rows.first().unwrap();
        assert_eq!(row.get("slave_io_running"), Some("Yes"));
        assert_eq!((row.get("Last_Error"), row.get("nothing"), row.at(7)), (None, None, None));
        assert_eq!((rows.value(), rows.len()), (Some("Yes"), 1));
        assert_eq!(row.pairs().count(), 2);
        assert_eq!(Rows::default().value(), None);
    }
}
