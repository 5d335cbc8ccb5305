//! Checksums of rows and of ranges of rows, the same on every server that holds the same data.
//!
//! A row becomes one text in which every value's end is known: strings carry their length, so that no value can
//! pass for two, and NULL is a sign that no value can be. That text's SHA-256 stands for the row. A range's checksum
//! is the exclusive or of its rows'; with CRC32 in its place two values swapped between rows would go unnoticed,
//! because CRC32 is affine (computed for rulebook section 4). `MySQL` 9 has no other hash left (rulebook M13).

use super::Dialect;
use super::key::KeyWords;
use crate::domain::sql::{identifier, number};
use crate::domain::{Sql, Words};
use crate::sql;

/// What stands for NULL: no number, date or length contains it.
const NULL: &str = "'~'";

/// What a row's text is called in a plan, which does not know the columns.
pub const ROW: &str = "the columns of a row";
/// What a table that is read is called there.
pub const TABLE: &str = "table";

/// How one column's values go into the text of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carry {
    /// As its text, in which the separator cannot occur: dates, times, numbers.
    Plain,
    /// As the plain number, without leading zeros.
    Number,
    /// As the number that its bits make.
    Bits,
    /// As a number with every digit that it has; a `FLOAT`'s own text has six.
    EveryDigit,
    /// As its bytes, with their length.
    Bytes,
    /// As its bytes, with their length, whatever character sets the other columns have.
    LoneBytes,
    /// As the bytes of its text in utf8mb4, with their length: the servers store it in different character sets.
    Converted,
    /// As the digest of its text and the types of all values in it: in a JSON document of `MySQL` a decimal and a double
    /// that read alike are two values, and so are a date and its text.
    Document,
    /// As the end of a row's validity, in which the far future has one form on every version.
    RowEnd,
    /// As its own digest: a row's text that is longer than `max_allowed_packet` would be NULL, and its row left out
    /// without a word.
    Hashed,
}

/// A column of a row's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried {
    /// Its name.
    pub name: String,
    /// How its values go in.
    pub how: Carry,
    /// Whether it may be NULL.
    pub nullable: bool,
}

/// How a range's rows become one checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sum {
    /// 64 bits of each row's digest, joined by exclusive or: every version of both families.
    Slice,
    /// All 256 bits, joined by exclusive or: `MySQL` 8 and later, and faster there.
    Whole,
    /// 64 bits of each row's digest, added up: rows that may occur twice would cancel out otherwise.
    Added,
}

impl Carried {
    /// Its pieces of the row's text: the length first where there is one.
    fn pieces(&self, with_length: bool) -> Vec<Sql> {
        let name = identifier(&self.name);
        let length = if self.how == Carry::Converted {
            sql!("LENGTH(CONVERT({} USING utf8mb4))", &name)
        } else {
            sql!("LENGTH({})", &name)
        };
        let value = match self.how {
            Carry::Plain | Carry::Bytes => name,
            Carry::Number => sql!("{} + 0", name),
            Carry::Bits => sql!("CAST({} AS UNSIGNED)", name),
            Carry::EveryDigit => sql!("{} * 1e0", name),
            Carry::LoneBytes => sql!("CAST({} AS BINARY)", name),
            Carry::Hashed => sql!("SHA2({}, 256)", name),
            Carry::Document => document(&name),
            Carry::RowEnd => sql!("IF({} > '2038-01-19 03:14:07', 'now', {})", &name, &name),
            Carry::Converted => sql!("CAST(CONVERT({} USING utf8mb4) AS BINARY)", name),
        };
        match (self.has_length(), self.nullable) {
            (true, true) => vec![sql!("IFNULL({}, {})", length, NULL), sql!("IFNULL({}, '')", value)],
            (true, false) if with_length => vec![length, value],
            (false, true) => vec![sql!("IFNULL({}, {})", value, NULL)],
            (_, false) => vec![value],
        }
    }

    fn has_length(&self) -> bool {
        matches!(self.how, Carry::Bytes | Carry::LoneBytes | Carry::Converted)
    }
}

/// A JSON document's text and the types of its values, in the order in which the server walks through members and elements.
/// Types are joined as digests, because a document may hold more of them than a text can.
fn document(name: &Sql) -> Sql {
    let types = |path: &'static str| {
        sql!(
            "COALESCE((SELECT HEX(BIT_XOR(UNHEX(SHA2(CONCAT_WS(':', n, JSON_TYPE(j)), 256)))) FROM JSON_TABLE({}, \
             '{}' COLUMNS (n FOR ORDINALITY, j JSON PATH '$')) inside), '')",
            name,
            path
        )
    };
    sql!("CONCAT(SHA2({}, 256), JSON_TYPE({}), {}, {})", name, name, types("$**.*"), types("$**[*]"))
}

/// The text of a row: [`ROW`]. The last value needs no length: it ends where the text ends.
#[must_use]
pub fn row_text(columns: &[Carried]) -> Sql {
    let (sized, plain): (Vec<_>, Vec<_>) = columns.iter().partition(|column| column.has_length());
    let last = sized.len().saturating_sub(1);
    let mut pieces: Vec<Sql> = plain.iter().flat_map(|column| column.pieces(true)).collect();
    pieces.extend(sized.iter().enumerate().flat_map(|(place, column)| column.pieces(place != last)));
    Sql::found(ROW, &sql!("CONCAT_WS('#', {})", Sql::join(pieces, ", ")))
}

impl Dialect {
    /// Whether the server keeps types inside JSON documents, and shows them (`JSON_TABLE`).
    #[must_use]
    pub fn types_documents(self) -> bool {
        self.mysql(8, 0, 4)
    }

    /// The sum that this server and `other` can both make, for rows that a key keeps apart or does not.
    #[must_use]
    pub fn common_sum(self, other: Self, unique: bool) -> Sum {
        match (unique, self.mysql(8, 0, 0) && other.mysql(8, 0, 0)) {
            (false, _) => Sum::Added,
            (true, true) => Sum::Whole,
            (true, false) => Sum::Slice,
        }
    }

    /// How many rows there are in a range, and their checksum: columns `row_count`, `digest`. `from` is a [`TABLE`], `row`
    /// [`row_text`], `condition` `Key::condition`.
    #[must_use]
    pub fn range_digest(self, sum: Sum, from: &Sql, row: &Sql, condition: &Sql) -> Sql {
        let slice = sql!("CAST(CONV(LEFT(SHA2({}, 256), 16), 16, 10) AS UNSIGNED)", row);
        let digest = match sum {
            Sum::Slice => sql!("BIT_XOR({})", slice),
            Sum::Whole => sql!("HEX(BIT_XOR(UNHEX(SHA2({}, 256))))", row),
            Sum::Added => sql!("COALESCE(SUM({}), 0)", slice),
        };
        sql!("SELECT COUNT(*) AS row_count, {} AS digest FROM {} WHERE {}", digest, from, condition)
    }

    /// Each row of a range, at most `limit`: its digest, then its key's columns.
    #[must_use]
    pub fn row_digests(self, key: &KeyWords, row: &Sql, condition: &Sql, limit: usize) -> Sql {
        let KeyWords { from, fetched, list } = key;
        sql!(
            "SELECT LEFT(SHA2({}, 256), 32), {} FROM {} WHERE {} ORDER BY {} LIMIT {}",
            row,
            fetched,
            from,
            condition,
            list,
            number(limit)
        )
    }

    /// The key of the row that comes after `skipped` others of a range; no row when there are fewer.
    #[must_use]
    pub fn piece_end(self, key: &KeyWords, condition: &Sql, skipped: impl Into<Words>) -> Sql {
        let KeyWords { from, fetched, list } = key;
        sql!(
            "SELECT {} FROM {} WHERE {} ORDER BY {} LIMIT 1 OFFSET {}",
            fetched,
            from,
            condition,
            list,
            number(skipped)
        )
    }

    /// The lowest and the highest value of a column, from its index; NULL in an empty table. `table` is a [`TABLE`],
    /// `column` a [`KEY`](super::key::KEY).
    #[must_use]
    pub fn extremes(self, table: &Sql, column: &Sql) -> Sql {
        sql!("SELECT MIN({}), MAX({}) FROM {}", column, column, table)
    }
}

#[cfg(test)]
mod tests {
    use super::{Carried, Carry, row_text};

    #[test]
    fn a_rows_text_tells_where_each_value_ends() {
        let column = |name: &str, how, nullable| Carried { name: name.into(), how, nullable };
        let columns = [
            column("c", Carry::Bytes, false),
            column("id", Carry::Plain, false),
            column("n", Carry::Number, true),
            column("t", Carry::Converted, true),
            column("p", Carry::LoneBytes, false),
        ];
        assert_eq!(
            row_text(&columns).to_string(),
            "CONCAT_WS('#', `id`, IFNULL(`n` + 0, '~'), LENGTH(`c`), `c`, \
             IFNULL(LENGTH(CONVERT(`t` USING utf8mb4)), '~'), \
             IFNULL(CAST(CONVERT(`t` USING utf8mb4) AS BINARY), ''), CAST(`p` AS BINARY))"
        );
    }
}
