//! Keys by which a table is read in pieces: how their values are fetched, written into statements and bounded.
//!
//! Values come from tables, so they are never put into a statement as text: strings and bytes go as hexadecimal, and
//! everything else is checked sign by sign.

use crate::domain::Sql;
use crate::domain::sql::{hexadecimal, identifier, literal, number, word};
use crate::sql;

/// What a table that is read along its key is called in a plan, which does not know it.
const ALONG: &str = "table along its key";
/// What a key's columns are called there.
pub const KEY: &str = "the key";
/// What the condition for a range is called there.
const PIECE: &str = "a piece";

/// How the values of a key's column are fetched and written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyKind {
    /// Whole numbers.
    Integer,
    /// Decimals, dates and times, whose text is the same on every server.
    Plain,
    /// Bytes.
    Bytes,
    /// Text of this character set.
    Text(String),
}

/// One column of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyColumn {
    /// Its name.
    pub name: String,
    /// Its values.
    pub kind: KeyKind,
}

/// A unique key over columns that are never NULL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The index that carries it.
    pub index: String,
    /// Its columns, in order.
    pub columns: Vec<KeyColumn>,
}

/// The values of one row's key as they are fetched: text, or hexadecimal.
pub type KeyValues = Vec<String>;

/// A key's part in statements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyWords {
    /// The table, read along the key.
    pub from: Sql,
    /// The key's columns as they are fetched, so that their values can be written again.
    pub fetched: Sql,
    /// The columns, for `ORDER BY`.
    pub list: Sql,
}

/// A range of rows in a key's order: after one key and up to another, where they are given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Range {
    /// Rows behind this one.
    pub after: Option<KeyValues>,
    /// Rows up to and including this one.
    pub up_to: Option<KeyValues>,
}

impl KeyKind {
    /// The kind of a column of this type; `None` for types whose order or text is not to be relied on.
    #[must_use]
    pub fn of(data_type: &str, charset: Option<&str>) -> Option<Self> {
        Some(match (data_type, charset) {
            ("tinyint" | "smallint" | "mediumint" | "int" | "bigint", _) => Self::Integer,
            ("decimal" | "date" | "datetime" | "timestamp" | "time", _) => Self::Plain,
            ("binary" | "varbinary", _) => Self::Bytes,
            ("char" | "varchar", Some(charset)) if is_word(charset) => Self::Text(charset.to_owned()),
            _ => return None,
        })
    }

    fn fetched(&self, name: &str) -> Sql {
        match self {
            Self::Integer | Self::Plain => sql!("CAST({} AS CHAR)", identifier(name)),
            Self::Bytes | Self::Text(_) => sql!("HEX({})", identifier(name)),
        }
    }

    /// A value as a literal. What does not look like one of its kind becomes what no row can equal.
    fn literal(&self, value: &str) -> Sql {
        let all = |allowed: &str| value.bytes().all(|sign| sign.is_ascii_digit() || allowed.as_bytes().contains(&sign));
        let digits = value.strip_prefix('-').unwrap_or(value);
        let is_whole = !digits.is_empty() && digits.bytes().all(|sign| sign.is_ascii_digit());
        match self {
            Self::Integer if is_whole && digits.len() < value.len() => sql!("-{}", number(digits)),
            Self::Integer if is_whole => number(value),
            Self::Integer | Self::Plain if all("-.: ") => literal(value),
            Self::Bytes if is_hexadecimal(value) => hexadecimal(value),
            Self::Text(charset) if is_hexadecimal(value) => sql!("_{} {}", word(charset), hexadecimal(value)),
            _ => Sql::from("NULL"),
        }
    }

    /// A value as people read it.
    #[must_use]
    pub fn shown(&self, value: &str) -> String {
        let Self::Text(_) = self else {
            return if *self == Self::Bytes { format!("0x{value}") } else { value.to_owned() };
        };
        let byte = |at: usize| u8::from_str_radix(value.get(at..at + 2)?, 16).ok();
        let bytes: Vec<u8> = (0..value.len()).step_by(2).filter_map(byte).collect();
        format!("'{}'", String::from_utf8_lossy(&bytes).escape_debug())
    }
}

impl Key {
    /// Its part in statements about `table`.
    #[must_use]
    pub fn words(&self, table: &Sql) -> KeyWords {
        let list = |form: &dyn Fn(&KeyColumn) -> Sql| Sql::found(KEY, &Sql::join(self.columns.iter().map(form), ", "));
        KeyWords {
            from: Sql::found(ALONG, &sql!("{} FORCE INDEX ({})", table, identifier(&self.index))),
            fetched: list(&|column| column.kind.fetched(&column.name)),
            list: list(&|column| identifier(&column.name)),
        }
    }

    /// `id = 5, line = 2`.
    #[must_use]
    pub fn shown(&self, values: &[String]) -> String {
        let pairs = self.columns.iter().zip(values);
        pairs
            .map(|(column, value)| format!("{} = {}", column.name, column.kind.shown(value)))
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// The condition for a range. Composite keys are compared column by column with a bare comparison of the first
    /// one in front, from which both families make a range of the index; they do not from `(a, b) > (1, 2)`.
    #[must_use]
    pub fn condition(&self, range: &Range) -> Sql {
        let lower = range.after.as_ref().map(|values| self.side(values, ">", ""));
        let upper = range.up_to.as_ref().map(|values| self.side(values, "<", "="));
        let both: Vec<Sql> = lower.into_iter().chain(upper).collect();
        if both.is_empty() { everything() } else { Sql::found(PIECE, &Sql::join(both, " AND ")) }
    }

    fn side(&self, values: &[String], sign: &'static str, or_equal: &'static str) -> Sql {
        let columns = self.columns.iter().zip(values);
        let bounds: Vec<(Sql, Sql)> =
            columns.map(|(column, value)| (identifier(&column.name), column.kind.literal(value))).collect();
        let last = bounds.len().saturating_sub(1);
        let step = |(place, (name, bound)): (usize, &(Sql, Sql))| {
            let equal = bounds.iter().take(place).map(|(name, bound)| sql!("{} = {} AND ", name, bound));
            let or_equal = if place == last { or_equal } else { "" };
            sql!("{}{} {}{} {}", Sql::join(equal, ""), name, sign, or_equal, bound)
        };
        let steps = Sql::join(bounds.iter().enumerate().map(step), " OR ");
        match bounds.as_slice() {
            [] => Sql::from("TRUE"),
            [_] => steps,
            [(name, bound), ..] => sql!("{} {}= {} AND ({})", name, sign, bound, steps),
        }
    }
}

impl KeyWords {
    /// In a plan, where the table is not known.
    #[must_use]
    pub fn late() -> Self {
        Self { from: Sql::late(ALONG), fetched: Sql::late(KEY), list: Sql::late(KEY) }
    }
}

/// The condition for a range that is not known yet.
#[must_use]
pub fn late_piece() -> Sql {
    Sql::late(PIECE)
}

/// The condition for a table that is read as a whole.
#[must_use]
pub fn everything() -> Sql {
    Sql::found(PIECE, &Sql::from("TRUE"))
}

fn is_hexadecimal(text: &str) -> bool {
    text.len().is_multiple_of(2) && text.bytes().all(|sign| sign.is_ascii_hexdigit())
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|sign| sign.is_ascii_alphanumeric() || sign == b'_')
}

#[cfg(test)]
mod tests {
    use super::{Key, KeyColumn, KeyKind, Range};

    fn key(columns: &[(&str, KeyKind)]) -> Key {
        let column = |(name, kind): &(&str, KeyKind)| KeyColumn { name: (*name).into(), kind: kind.clone() };
        Key { index: "PRIMARY".into(), columns: columns.iter().map(column).collect() }
    }

    #[test]
    fn a_composite_key_is_bounded_column_by_column() {
        let key = key(&[("a", KeyKind::Integer), ("b", KeyKind::Text("latin1".into()))]);
        let range = Range { after: Some(vec!["1".into(), "41".into()]), up_to: Some(vec!["-7".into(), String::new()]) };
        assert_eq!(
            key.condition(&range).to_string(),
            "`a` >= 1 AND (`a` > 1 OR `a` = 1 AND `b` > _latin1 X'41') AND \
             `a` <= -7 AND (`a` < -7 OR `a` = -7 AND `b` <= _latin1 X'')"
        );
        assert_eq!(key.condition(&Range::default()).to_string(), "TRUE");
        assert_eq!(key.shown(&["1".into(), "4127".into()]), "a = 1, b = 'A\\''");
    }

    #[test]
    fn values_from_a_table_cannot_become_a_statement() {
        for (kind, value) in [
            (KeyKind::Integer, "1 OR 1=1"),
            (KeyKind::Plain, "2020-01-01' OR '1"),
            (KeyKind::Bytes, "00' OR X'00"),
            (KeyKind::Text("utf8mb4".into()), "‹secret PASSWORD›"),
        ] {
            assert_eq!(kind.literal(value).to_string(), "NULL", "{value}");
        }
        assert_eq!(KeyKind::of("varchar", Some("x'")), None);
        assert_eq!(KeyKind::of("enum", Some("latin1")), None, "enums sort by number and compare by text");
    }
}
