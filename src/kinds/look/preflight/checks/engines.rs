//! Tables that no consistent snapshot covers.

use super::super::ask::Ask;
use super::super::check::{Check, Occasion};
use super::super::pair::Source;
use super::super::seen::Seen;
use super::super::verdict::{Verdict, count, some};
use crate::error::Result;

pub const CHECK: Check = Check::blocking("engines", judge)
    .only_before(Occasion::Copy)
    .asks(|pair| vec![Ask::sql(Source, pair.source.dialect.tables_outside_snapshot(pair.databases))]);

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let rows = seen.rows(Source, seen.pair.source.dialect.tables_outside_snapshot(seen.pair.databases))?;
    let text = |row: crate::effects::Row<'_>| {
        format!("{} ({})", row.get("name").unwrap_or_default(), row.get("engine").unwrap_or("no engine"))
    };
    let tables: Vec<String> = rows.iter().map(text).collect();
    if tables.is_empty() {
        return Ok(Verdict::pass("all tables are InnoDB"));
    }
    let evidence = format!("{} not InnoDB: {}", count(tables.len(), "table is", "tables are"), some(&tables));
    Ok(Verdict::block(
        evidence,
        "run ALTER TABLE ... ENGINE = InnoDB, or leave out their databases if these contain no other tables",
    ))
}
