//! Keys by which a table is read in pieces: how their values are fetched, written into statements and bounded.
//!
//! Values come from tables, so they are never put into a statement as text: strings and bytes go as hexadecimal, and
//! everything else is checked sign by sign.

use super::identifier;

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

/// A key's part in statements. In a plan, where the table is not known, all of them are markers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyWords {
    /// The table, read along the key.
    pub from: String,
    /// The key's columns as they are fetched, so that their values can be written again.
    pub fetched: String,
    /// The columns, for `ORDER BY`.
    pub list: String,
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

    fn fetched(&self, name: &str) -> String {
        match self {
            Self::Integer | Self::Plain => format!("CAST({} AS CHAR)", identifier(name)),
            Self::Bytes | Self::Text(_) => format!("HEX({})", identifier(name)),
        }
    }

    /// A value as a literal. What does not look like one of its kind becomes a string that no row can equal.
    fn literal(&self, value: &str) -> String {
        let all = |allowed: &str| value.bytes().all(|sign| sign.is_ascii_digit() || allowed.as_bytes().contains(&sign));
        match self {
            Self::Integer if !value.is_empty() && all("-") => value.to_owned(),
            Self::Integer | Self::Plain if all("-.: ") => format!("'{value}'"),
            Self::Bytes if is_hexadecimal(value) => format!("X'{value}'"),
            Self::Text(charset) if is_hexadecimal(value) => format!("_{charset} X'{value}'"),
            _ => "NULL".to_owned(),
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
    /// Its part in statements about `table` (quoted).
    #[must_use]
    pub fn words(&self, table: &str) -> KeyWords {
        let list = |form: &dyn Fn(&KeyColumn) -> String| self.columns.iter().map(form).collect::<Vec<_>>().join(", ");
        KeyWords {
            from: format!("{table} FORCE INDEX ({})", identifier(&self.index)),
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
    pub fn condition(&self, range: &Range) -> String {
        let lower = range.after.as_ref().map(|values| self.side(values, ">", ""));
        let upper = range.up_to.as_ref().map(|values| self.side(values, "<", "="));
        let both: Vec<String> = lower.into_iter().chain(upper).collect();
        if both.is_empty() { "TRUE".to_owned() } else { both.join(" AND ") }
    }

    fn side(&self, values: &[String], sign: &str, or_equal: &str) -> String {
        let names: Vec<String> = self.columns.iter().map(|column| identifier(&column.name)).collect();
        let literals: Vec<String> =
            self.columns.iter().zip(values).map(|(column, value)| column.kind.literal(value)).collect();
        let last = names.len().saturating_sub(1);
        let steps = names.iter().zip(&literals).enumerate().map(|(place, (name, literal))| {
            let equal =
                names.iter().zip(&literals).take(place).map(|(name, literal)| format!("{name} = {literal} AND "));
            let or_equal = if place == last { or_equal } else { "" };
            format!("{}{name} {sign}{or_equal} {literal}", equal.collect::<String>())
        });
        let steps: Vec<String> = steps.collect();
        match (steps.as_slice(), names.first(), literals.first()) {
            ([only], ..) => only.clone(),
            (many, Some(name), Some(literal)) => {
                format!("{name} {sign}= {literal} AND ({})", many.join(" OR "))
            }
            _ => "TRUE".to_owned(),
        }
    }
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
            key.condition(&range),
            "`a` >= 1 AND (`a` > 1 OR `a` = 1 AND `b` > _latin1 X'41') AND \
             `a` <= -7 AND (`a` < -7 OR `a` = -7 AND `b` <= _latin1 X'')"
        );
        assert_eq!(key.condition(&Range::default()), "TRUE");
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
            assert_eq!(kind.literal(value), "NULL", "{value}");
        }
        assert_eq!(KeyKind::of("varchar", Some("x'")), None);
        assert_eq!(KeyKind::of("enum", Some("latin1")), None, "enums sort by number and compare by text");
    }
}
