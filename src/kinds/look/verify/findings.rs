//! What was found to differ: a bounded list for people, and the refusal made of it.

use super::ATTEMPTED;
use crate::error::Failure;
use crate::playbook::position::Position;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Rows that are named of one table.
const NAMED_ROWS: usize = 20;
/// Tables, and definitions, that are named.
const NAMED: usize = 30;
/// Rows of one table that are looked for one by one; of pieces beyond that it is only said that they differ.
pub(super) const COUNTED_ROWS: u64 = 10_000;

/// What is wrong with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrong {
    /// Both servers have it, with other values.
    Differs,
    /// Only the source has it.
    Missing,
    /// Only the replica has it.
    Extra,
}

/// What is wrong in one table.
#[derive(Debug, Default)]
pub(super) struct InTable {
    /// Rows found.
    pub rows: u64,
    named: Vec<String>,
    chunks: Vec<String>,
    more_chunks: u64,
    notes: Vec<String>,
}

/// Everything that was found.
#[derive(Debug)]
pub(super) struct Findings {
    source: String,
    replica: String,
    tables: BTreeMap<String, InTable>,
    definitions: Vec<String>,
}

impl InTable {
    /// One row.
    pub fn row(&mut self, key: &str, wrong: Wrong, replica: &str) {
        self.rows += 1;
        if self.named.len() < NAMED_ROWS {
            self.named.push(match wrong {
                Wrong::Differs => format!("{key} differs"),
                Wrong::Missing => format!("{key} is missing on {replica}"),
                Wrong::Extra => format!("{key} is extra on {replica}"),
            });
        }
    }
    /// A piece of the table that differs.
    pub fn chunk(&mut self, bounds: &str) {
        if self.chunks.len() < 3 { self.chunks.push(bounds.to_owned()) } else { self.more_chunks += 1 }
    }
    /// Anything else about it.
    pub fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if !self.notes.contains(&note) && self.notes.len() < NAMED {
            self.notes.push(note);
        }
    }
    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.rows == 0 && self.chunks.is_empty() && self.notes.is_empty()
    }
    /// Whether its rows are looked for one by one no longer.
    pub fn is_full(&self) -> bool {
        self.rows >= COUNTED_ROWS
    }

    fn lines(&self, name: &str, out: &mut String) {
        let _ = write!(out, "\n{name}"); // a String takes everything
        if self.rows > 0 {
            let least = if self.is_full() { "at least " } else { "" };
            let _ = write!(out, ": {least}{}", count(self.rows, "row"));
        }
        let chunks: Vec<&str> = self.chunks.iter().map(String::as_str).collect();
        if !chunks.is_empty() {
            let _ = write!(out, ", in chunk {}", chunks.join("; in chunk "));
        }
        if self.more_chunks > 0 {
            let _ = write!(out, " and in {}", count(self.more_chunks, "further chunk"));
        }
        for line in self.named.iter().chain(&self.notes) {
            let _ = write!(out, "\n  {line}");
        }
        let unnamed = self.rows.saturating_sub(u64::try_from(self.named.len()).unwrap_or(u64::MAX));
        if unnamed > 0 && !self.named.is_empty() {
            let _ = write!(out, "\n  and {unnamed} more");
        }
    }
}

impl Findings {
    pub fn new(source: &str, replica: &str) -> Self {
        Self { source: source.into(), replica: replica.into(), tables: BTreeMap::new(), definitions: Vec::new() }
    }
    /// A table whose rows could not be compared.
    pub fn uncompared(&mut self, table: &str, why: &str) {
        self.tables.entry(table.into()).or_default().note(format!("its rows were not compared: {why}"));
    }
    /// What is wrong in a table.
    pub fn table(&mut self, name: &str, found: InTable) {
        self.tables.insert(name.into(), found);
    }
    /// An object that is not the same: what each server has, nothing where it has none.
    pub fn definition(&mut self, object: &str, ours: Option<&str>, theirs: Option<&str>) {
        let Self { source, replica, .. } = self;
        self.definitions.push(match (ours, theirs) {
            (Some(_), None) => format!("{object} is missing on {replica}"),
            (None, Some(_)) => format!("{object} is extra on {replica}"),
            (ours, theirs) => {
                let (ours, theirs) = apart(ours.unwrap_or_default(), theirs.unwrap_or_default());
                format!("{object} is `{ours}` on {source} and `{theirs}` on {replica}")
            }
        });
    }
    /// A sequence that would give values a second time.
    pub fn behind(&mut self, object: &str, ours: &str, theirs: &str) {
        let Self { source, replica, .. } = self;
        let text = format!(
            "{object} continues at {ours} on {source} and at {theirs} on {replica}: values would be used again"
        );
        self.definitions.push(text);
    }
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty() && self.definitions.is_empty()
    }

    /// The refusal: everything that fits.
    pub fn refusal(&self, at: &Position) -> Failure {
        let (tables, definitions) = (self.tables.len() as u64, self.definitions.len() as u64);
        let both = [(tables, "table"), (definitions, "definition")];
        let found: Vec<String> = both.iter().filter(|(n, _)| *n > 0).map(|(n, what)| count(*n, what)).collect();
        let mut answer = format!("they differ at {at} in {}", found.join(" and "));
        for (name, found) in self.tables.iter().take(NAMED) {
            found.lines(name, &mut answer);
        }
        for line in self.definitions.iter().take(NAMED) {
            let _ = write!(answer, "\n{line}");
        }
        let left = tables.saturating_sub(NAMED as u64) + definitions.saturating_sub(NAMED as u64);
        if left > 0 {
            let _ = write!(answer, "\nand {left} more");
        }
        Failure::refused(ATTEMPTED, answer)
            .at(&self.replica)
            .now("replication keeps running; nothing was changed on either server")
            .help("find out what wrote there or what was not copied; copy those tables again, then run `verify` again")
    }
}

fn count(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// Two texts from shortly before the first difference, shortened to fit on a line.
fn apart(ours: &str, theirs: &str) -> (String, String) {
    const SHOWN: usize = 90;
    let same = ours.chars().zip(theirs.chars()).take_while(|(ours, theirs)| ours == theirs).count();
    let longest = ours.chars().count().max(theirs.chars().count());
    let from = if longest > SHOWN { same.saturating_sub(20) } else { 0 };
    let cut = |text: &str| {
        let shown: String = text.chars().skip(from).take(SHOWN).collect();
        let before = if from > 0 { "…" } else { "" };
        let after = if text.chars().count() > from + SHOWN { "…" } else { "" };
        format!("{before}{}{after}", shown.escape_debug())
    };
    (cut(ours), cut(theirs))
}

#[cfg(test)]
mod tests {
    use super::{Findings, InTable, Wrong, apart};
    use crate::playbook::position::Position;

    #[test]
    fn names_some_rows_and_counts_the_rest() {
        let mut found = InTable::default();
        for id in 1..=25 {
            found.row(&format!("id = {id}"), Wrong::Missing, "new");
        }
        found.chunk("id > 1 and id <= 9");
        let mut findings = Findings::new("old", "new");
        findings.table("shop.a", found);
        findings.definition("index shop.a.k", Some("BTREE (k)"), None);
        let text = findings.refusal(&Position::new("b.000001", 4)).to_string();
        assert!(text.contains(
            "in 1 table and 1 definition\nshop.a: 25 rows, in chunk id > 1 and id <= 9\n  id = 1 is missing on new"
        ));
        assert!(text.contains("id = 20 is") && !text.contains("id = 21 ") && text.contains("\n  and 5 more\n"));
        assert!(text.contains("index shop.a.k is missing on new"));
    }

    #[test]
    fn long_texts_are_shown_where_they_part() {
        let (ours, theirs) = apart(&format!("{}x", "a".repeat(200)), &"a".repeat(200));
        assert!(ours.starts_with("…aaa") && ours.ends_with("aax") && theirs.ends_with("aaa"));
        assert_eq!(apart("a", "b\n"), ("a".into(), "b\\n".into()));
    }
}
