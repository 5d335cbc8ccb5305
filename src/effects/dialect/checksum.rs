//! Checksums of rows and of ranges of rows, the same on every server that holds the same data.
//!
//! A row becomes one text in which every value's end is known: strings carry their length, so that no value can
//! pass for two, and NULL is a sign that no value can be. That text's SHA-256 stands for the row. A range's checksum
//! is the exclusive or of its rows'; with CRC32 in its place two values swapped between rows would go unnoticed,
//! because CRC32 is affine (computed for rulebook section 4). `MySQL` 9 has no other hash left (rulebook M13).

use super::key::KeyWords;
use super::{Dialect, identifier};

/// What stands for NULL: no number, date or length contains it.
const NULL: &str = "'~'";

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
    fn pieces(&self, with_length: bool) -> Vec<String> {
        let name = identifier(&self.name);
        let value = match self.how {
            Carry::Plain | Carry::Bytes => name,
            Carry::Number => format!("{name} + 0"),
            Carry::Bits => format!("CAST({name} AS UNSIGNED)"),
            Carry::EveryDigit => format!("{name} * 1e0"),
            Carry::LoneBytes => format!("CAST({name} AS BINARY)"),
            Carry::Hashed => format!("SHA2({name}, 256)"),
            Carry::Document => document(&name),
            Carry::RowEnd => format!("IF({name} > '2038-01-19 03:14:07', 'now', {name})"),
            Carry::Converted => format!("CAST(CONVERT({name} USING utf8mb4) AS BINARY)"),
        };
        let length = match self.how {
            Carry::Converted => format!("LENGTH(CONVERT({} USING utf8mb4))", identifier(&self.name)),
            _ => format!("LENGTH({})", identifier(&self.name)),
        };
        match (self.has_length(), self.nullable) {
            (true, true) => vec![format!("IFNULL({length}, {NULL})"), format!("IFNULL({value}, '')")],
            (true, false) if with_length => vec![length, value],
            (false, true) => vec![format!("IFNULL({value}, {NULL})")],
            (_, false) => vec![value],
        }
    }

    fn has_length(&self) -> bool {
        matches!(self.how, Carry::Bytes | Carry::LoneBytes | Carry::Converted)
    }
}

/// A JSON document's text and the types of its values, in the order in which the server walks through members and elements.
/// Types are joined as digests, because a document may hold more of them than a text can.
fn document(name: &str) -> String {
    let types = |path: &str| {
        format!(
            "COALESCE((SELECT HEX(BIT_XOR(UNHEX(SHA2(CONCAT_WS(':', n, JSON_TYPE(j)), 256)))) FROM JSON_TABLE({name}, \
             '{path}' COLUMNS (n FOR ORDINALITY, j JSON PATH '$')) inside), '')"
        )
    };
    format!("CONCAT(SHA2({name}, 256), JSON_TYPE({name}), {}, {})", types("$**.*"), types("$**[*]"))
}

/// The text of a row. The last value needs no length: it ends where the text ends.
#[must_use]
pub fn row_text(columns: &[Carried]) -> String {
    let (sized, plain): (Vec<_>, Vec<_>) = columns.iter().partition(|column| column.has_length());
    let last = sized.len().saturating_sub(1);
    let mut pieces: Vec<String> = plain.iter().flat_map(|column| column.pieces(true)).collect();
    pieces.extend(sized.iter().enumerate().flat_map(|(place, column)| column.pieces(place != last)));
    format!("CONCAT_WS('#', {})", pieces.join(", "))
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

    /// How many rows there are in a range, and their checksum: columns `row_count`, `digest`. `from` is a quoted table
    /// or [`KeyWords::from`], `row` [`row_text`], `condition` `Key::condition`; all may be markers.
    #[must_use]
    pub fn range_digest(self, sum: Sum, from: &str, row: &str, condition: &str) -> String {
        let slice = format!("CAST(CONV(LEFT(SHA2({row}, 256), 16), 16, 10) AS UNSIGNED)");
        let digest = match sum {
            Sum::Slice => format!("BIT_XOR({slice})"),
            Sum::Whole => format!("HEX(BIT_XOR(UNHEX(SHA2({row}, 256))))"),
            Sum::Added => format!("COALESCE(SUM({slice}), 0)"),
        };
        format!("SELECT COUNT(*) AS row_count, {digest} AS digest FROM {from} WHERE {condition}")
    }

    /// Each row of a range, at most `limit`: its digest, then its key's columns.
    #[must_use]
    pub fn row_digests(self, key: &KeyWords, row: &str, condition: &str, limit: usize) -> String {
        let KeyWords { from, fetched, list } = key;
        format!(
            "SELECT LEFT(SHA2({row}, 256), 32), {fetched} FROM {from} WHERE {condition} ORDER BY {list} LIMIT {limit}"
        )
    }

    /// The key of the row that comes after `skipped` (digits or a marker) others of a range; no row when there are
    /// fewer.
    #[must_use]
    pub fn piece_end(self, key: &KeyWords, condition: &str, skipped: &str) -> String {
        let KeyWords { from, fetched, list } = key;
        let skipped = super::number(skipped);
        format!("SELECT {fetched} FROM {from} WHERE {condition} ORDER BY {list} LIMIT 1 OFFSET {skipped}")
    }

    /// The lowest and the highest value of a column (quoted), from its index; NULL in an empty table.
    #[must_use]
    pub fn extremes(self, table: &str, column: &str) -> String {
        format!("SELECT MIN({column}), MAX({column}) FROM {table}")
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
            row_text(&columns),
            "CONCAT_WS('#', `id`, IFNULL(`n` + 0, '~'), LENGTH(`c`), `c`, \
             IFNULL(LENGTH(CONVERT(`t` USING utf8mb4)), '~'), \
             IFNULL(CAST(CONVERT(`t` USING utf8mb4) AS BINARY), ''), CAST(`p` AS BINARY))"
        );
    }
}
