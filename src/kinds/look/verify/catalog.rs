//! What there is to compare, from both servers' catalogs: which columns and in what form, by which key.

use super::sides::Side;
use super::{Documents, Floats};
use crate::dialect::checksum::{Carried, Carry};
use crate::dialect::key::{Key, KeyColumn, KeyKind};
use crate::effects::Row;
use crate::error::Result;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

/// A catalog of a hundred thousand tables takes its time.
const READ: Duration = Duration::from_mins(10);
/// A row's text stays far below the smallest usual `max_allowed_packet` with this many `TEXT` and `BLOB` columns.
const MANY_TEXTS: usize = 8;

/// A table as one server describes it.
#[derive(Debug, Default)]
pub(super) struct Described {
    pub database: Arc<str>,
    pub name: String,
    pub engine: Arc<str>,
    /// Whether it keeps what its rows were.
    pub versioned: bool,
    /// When it was made, as the server says.
    pub made: String,
    /// Rows, estimated.
    pub rows: u64,
    columns: Vec<Column>,
    keys: BTreeMap<String, Vec<(String, bool)>>,
}

#[derive(Debug, Clone)]
struct Column {
    name: Arc<str>,
    period: Option<Period>,
    data_type: Arc<str>,
    zerofill: bool,
    nullable: bool,
    charset: Option<Arc<str>>,
    collation: Option<Arc<str>>,
}

/// What a column says about the time in which a row holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Period {
    Start,
    End,
}

/// How values go into a row's text where there is a choice.
#[derive(Debug, Clone, Copy)]
pub(super) struct Exactness {
    pub floats: Floats,
    pub documents: Documents,
    /// Whether both servers know the types inside a JSON document.
    pub typed_documents: bool,
}

/// Every table of one server, by `database.table`, largest first. Columns and keys come row by row: there are many times
/// as many as tables.
pub(super) async fn describe(side: &Side, databases: &[String]) -> Result<Vec<Described>> {
    let databases = &side.spelt(databases);
    let mut words = Words::default();
    let mut described = Vec::new();
    let mut tables = side.control.rows(side.dialect.tables_with_rows(databases), READ);
    while let Some(row) = tables.next().await? {
        described.push(Described::new(row, &mut words));
    }
    let places: HashMap<(String, String), usize> = described
        .iter()
        .enumerate()
        .map(|(place, one)| ((one.database.to_string(), one.name.clone()), place))
        .collect();
    let place = |row: &Row<'_>| places.get(&(word(row, "in_database"), word(row, "in_table"))).copied();
    let mut columns = side.control.rows(side.dialect.table_columns(databases), READ);
    while let Some(row) = columns.next().await? {
        if let Some(at) = place(&row) {
            described[at].columns.extend(Column::new(&row, &mut words));
        }
    }
    let mut keys = side.control.rows(side.dialect.unique_keys(databases), READ);
    while let Some(row) = keys.next().await? {
        let Some(at) = place(&row) else { continue };
        let whole = row.get("prefix").is_none() && row.get("name").is_some();
        described[at].keys.entry(word(&row, "index_name")).or_default().push((word(&row, "name"), whole));
    }
    Ok(described)
}

/// Words that stand in every other row of a catalog are kept once.
#[derive(Default)]
struct Words(HashSet<Arc<str>>);

impl Words {
    fn one(&mut self, word: &str) -> Arc<str> {
        if let Some(known) = self.0.get(word) {
            return known.clone();
        }
        let new: Arc<str> = word.into();
        self.0.insert(new.clone());
        new
    }
}

fn word(row: &Row<'_>, name: &str) -> String {
    row.get(name).unwrap_or_default().to_owned()
}

impl Described {
    fn new(row: Row<'_>, words: &mut Words) -> Self {
        Self {
            database: words.one(row.get("in_database").unwrap_or_default()),
            name: word(&row, "name"),
            engine: words.one(row.get("engine").unwrap_or_default()),
            versioned: row.get("kind") == Some("SYSTEM VERSIONED"),
            made: word(&row, "made"),
            rows: word(&row, "row_count").parse().unwrap_or(0),
            ..Self::default()
        }
    }
    pub fn full_name(&self) -> String {
        format!("{}.{}", self.database, self.name)
    }
    fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| &*column.name == name)
    }

    pub fn column_names(&self) -> BTreeSet<&str> {
        self.columns.iter().map(|column| &*column.name).collect()
    }
    /// Columns of a history, in which a row's validity stands: its own, or those that every history has.
    pub fn history_columns(&self, exact: Exactness) -> Option<Vec<Carried>> {
        let mut columns = self.carried(self, exact);
        let own: Vec<&Column> = self.columns.iter().filter(|column| column.period.is_some()).collect();
        if own.is_empty() {
            let period = [("row_start", Carry::Plain), ("row_end", Carry::RowEnd)];
            columns.extend(period.map(|(name, how)| Carried { name: name.into(), how, nullable: false }));
        }
        // numbers of transactions are each server's own
        own.iter().all(|column| &*column.data_type == "timestamp").then_some(columns)
    }

    /// A key by which both servers have the rows in the same order: the primary key, or else the shortest other one.
    pub fn common_key(&self, other: &Self) -> Option<Key> {
        let usable = |index: &String| {
            let columns = &self.keys[index];
            (other.keys.get(index) == Some(columns)).then(|| self.key(index, other)).flatten()
        };
        let mut names: Vec<&String> = self.keys.keys().collect();
        names.sort_by_key(|name| (name.as_str() != "PRIMARY", self.keys[*name].len()));
        names.into_iter().find_map(usable)
    }

    fn key(&self, index: &str, other: &Self) -> Option<Key> {
        let column = |(name, whole): &(String, bool)| {
            let (ours, theirs) = (self.column(name)?, other.column(name)?);
            let alike = ours.collation == theirs.collation && ours.data_type == theirs.data_type;
            let kind = KeyKind::of(&ours.data_type, ours.charset.as_deref())?;
            (*whole && alike && !ours.nullable && !theirs.nullable).then(|| KeyColumn { name: name.clone(), kind })
        };
        let columns: Option<Vec<_>> = self.keys[index].iter().map(column).collect();
        Some(Key { index: index.to_owned(), columns: columns? })
    }

    /// The columns' part in a row's text; all of them must go in the same way on both servers.
    pub fn carried(&self, other: &Self, exact: Exactness) -> Vec<Carried> {
        let charsets: BTreeSet<&str> = self.columns.iter().filter_map(|column| column.charset.as_deref()).collect();
        let texts = self.columns.iter().filter(|column| ["text", "blob"].contains(&&*column.data_type)).count();
        let form = |column: &Column| {
            let theirs = other.column(&column.name);
            let recoded = theirs.is_some_and(|theirs| theirs.charset != column.charset);
            let nullable = column.nullable || theirs.is_none_or(|theirs| theirs.nullable);
            let how = column.carry(recoded, charsets.len() > 1, texts > MANY_TEXTS, exact);
            Carried { name: column.name.to_string(), how, nullable }
        };
        self.columns.iter().map(form).collect()
    }
}

impl Column {
    /// None for what is calculated anew at every reading.
    fn new(row: &Row<'_>, words: &mut Words) -> Option<Self> {
        let extra = word(row, "extra").to_ascii_uppercase();
        (!extra.contains("VIRTUAL")).then(|| Self {
            name: words.one(row.get("name").unwrap_or_default()),
            data_type: words.one(&word(row, "data_type").to_ascii_lowercase()),
            zerofill: word(row, "type").contains("zerofill"),
            nullable: row.get("nullable") == Some("YES"),
            charset: row.get("charset").map(|charset| words.one(&one_name(charset))),
            collation: row.get("collation").map(|collation| words.one(&one_name(collation))),
            period: match row.get("expression").unwrap_or_default().to_ascii_uppercase().as_str() {
                "ROW START" => Some(Period::Start),
                "ROW END" => Some(Period::End),
                _ => None,
            },
        })
    }

    fn carry(&self, recoded: bool, mixed: bool, many_texts: bool, exact: Exactness) -> Carry {
        match &*self.data_type {
            _ if self.period == Some(Period::End) => Carry::RowEnd,
            _ if recoded && self.charset.is_some() => Carry::Converted,
            "float" if exact.floats == Floats::Exact => Carry::EveryDigit,
            "json" if exact.documents == Documents::Typed && exact.typed_documents => Carry::Document,
            "bit" => Carry::Bits,
            _ if self.zerofill => Carry::Number,
            "tinyint" | "smallint" | "mediumint" | "int" | "bigint" | "decimal" | "float" | "double" | "date"
            | "datetime" | "timestamp" | "time" | "year" => Carry::Plain,
            "text" | "blob" if many_texts => Carry::Hashed,
            "char" | "varchar" | "tinytext" | "text" | "enum" | "set" if !mixed => Carry::Bytes,
            "binary" | "varbinary" | "tinyblob" | "blob" => Carry::Bytes,
            "char" | "varchar" | "tinytext" | "text" | "enum" | "set" => Carry::LoneBytes,
            // long texts and bytes, JSON, geometries, vectors, addresses, and what later versions bring
            _ => Carry::Hashed,
        }
    }
}

/// `utf8` is `utf8mb3` in newer servers, and so begin the names of its collations.
pub(super) fn one_name(name: &str) -> String {
    match name.strip_prefix("utf8") {
        Some(rest) if rest.is_empty() || rest.starts_with('_') => format!("utf8mb3{rest}"),
        _ => name.to_owned(),
    }
}
