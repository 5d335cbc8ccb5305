//! Which tables are compared, and how each is read: one side's description beside the other's.

use super::catalog::{Described, Exactness};
use super::findings::Findings;
use super::sides::Sides;
use super::{History, Verify};
use crate::dialect::Dialect;
use crate::dialect::checksum::{Sum, row_text};
use crate::dialect::key::Key;
use crate::domain::Sql;
use crate::domain::sql::table;
use crate::sql;
use std::collections::HashMap;

/// What of a table is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// The rows it has now.
    Rows,
    /// Everything that its rows ever were, with the times at which they were it.
    History,
}

/// A table to be compared.
#[derive(Debug)]
pub(super) struct Table {
    /// `database.table`, as the source calls it.
    pub name: String,
    /// What of it.
    pub part: Part,
    /// Where it is read on the source: its name, and which of its rows.
    pub here: Sql,
    /// The same on the replica.
    pub there: Sql,
    /// The key by which it is read in pieces.
    pub key: Option<Key>,
    /// The expression of a row's text.
    pub row: Sql,
    /// How rows become a checksum.
    pub sum: Sum,
    /// Rows, estimated.
    pub rows: u64,
    /// What it was made as, on both servers: with another one, what was compared before counts no more.
    pub made: String,
}

impl Verify {
    /// Tables that can be compared; of the others in scope the findings say why not.
    pub(super) fn tables(
        &self,
        sides: &Sides,
        (ours, theirs): (&[Described], &[Described]),
        findings: &mut Findings,
    ) -> Vec<Table> {
        let scope = self.scope();
        let (from, to) = (sides.source.dialect, sides.replica.dialect);
        let exact = Exactness {
            floats: self.floats,
            documents: self.documents,
            typed_documents: from.types_documents() && to.types_documents(),
        };
        let spelt = |one: &Described| sides.one_spelling(&one.full_name());
        let on_replica: HashMap<String, &Described> = theirs.iter().map(|other| (spelt(other), other)).collect();
        let mut out = Vec::new();
        for one in ours.iter().filter(|one| scope.includes(&one.full_name())) {
            let name = one.full_name();
            let Some(other) = on_replica.get(&spelt(one)).copied() else {
                findings.uncompared(&name, "it is missing on the replica");
                continue;
            };
            if [one, other].iter().any(|table| &*table.engine != "InnoDB") {
                findings.uncompared(
                    &name,
                    &format!("consistent snapshots do not cover {} and {}", one.engine, other.engine),
                );
                continue;
            }
            if one.column_names() != other.column_names() {
                findings.uncompared(&name, "its columns differ on the replica");
                continue;
            }
            let now = rows_of(one, other, (from, to), exact);
            if self.history == History::Exact && (one.versioned || other.versioned) {
                match history_of(&now, one, other, exact) {
                    Ok(history) => out.push(history),
                    Err(why) => findings.uncompared(&name, why),
                }
            }
            out.push(now);
        }
        out
    }
}

fn rows_of(one: &Described, other: &Described, (from, to): (Dialect, Dialect), exact: Exactness) -> Table {
    let key = one.common_key(other);
    let row = row_text(&one.carried(other, exact));
    let form = blake3::hash(format!("{row} {key:?}").as_bytes()).to_hex();
    Table {
        name: one.full_name(),
        part: Part::Rows,
        here: table(&*one.database, &one.name),
        there: table(&*other.database, &other.name),
        sum: from.common_sum(to, key.is_some()),
        rows: one.rows,
        made: format!("{} {} {}", one.made, other.made, &form[..16]),
        row,
        key,
    }
}

/// A history has no key of its own: the same row stands in it many times.
fn history_of(
    now: &Table,
    one: &Described,
    other: &Described,
    exact: Exactness,
) -> std::result::Result<Table, &'static str> {
    if one.versioned != other.versioned {
        return Err("only one of the servers keeps the history of its rows");
    }
    let columns = one.history_columns(exact).ok_or(
        "its history uses transaction numbers, which differ on each server; leave it out with `history: ignored`",
    )?;
    Ok(Table {
        name: now.name.clone(),
        part: Part::History,
        here: sql!("{} FOR SYSTEM_TIME ALL", &now.here),
        there: sql!("{} FOR SYSTEM_TIME ALL", &now.there),
        key: None,
        row: row_text(&columns),
        sum: Sum::Added,
        rows: now.rows,
        made: now.made.clone(),
    })
}
