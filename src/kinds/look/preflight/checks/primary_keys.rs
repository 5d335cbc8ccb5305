//! Tables without a primary key: a replica searches the whole table for every row that is changed.

use super::super::ask::Ask;
use super::super::check::{Check, Occasion};
use super::super::pair::{Source, Target};
use super::super::seen::Seen;
use super::super::verdict::{Verdict, count, some};
use crate::error::Result;

pub const CHECK: Check = Check::blocking("primary_keys", judge)
    .only_before(Occasion::Copy)
    .reads(&["sql_require_primary_key", "sql_generate_invisible_primary_key"])
    .asks(|pair| vec![Ask::sql(Source, pair.source.dialect.tables_without_key(pair.databases))]);

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let tables = seen.names(Source, seen.pair.source.dialect.tables_without_key(seen.pair.databases))?;
    if tables.is_empty() {
        return Ok(Verdict::pass("every table has a primary key"));
    }
    let mut found = Vec::new();
    let words = count(tables.len(), "table has", "tables have");
    let evidence = format!("{words} no primary key: {}", some(&tables));
    found.push(Verdict::warn(
        evidence,
        "add a primary key: without it, the replica may never catch up with changes of many rows",
    ));
    for (name, why) in [
        ("sql_require_primary_key", "refuses tables without a key"),
        ("sql_generate_invisible_primary_key", "adds a column that the source's rows do not have"),
    ] {
        if seen.is_on(Target, name) && !seen.will_be_set(name) {
            found.push(Verdict::block(
                format!("{name} of the target is ON: it {why}"),
                format!("run SET GLOBAL {name} = OFF there"),
            ));
        }
    }
    Ok(Verdict::worst_of(found, ""))
}
