//! Prepared XA transactions are neither in a dump nor after its position in the binary log, and may still commit.

use super::super::ask::Ask;
use super::super::check::Check;
use super::super::pair::Source;
use super::super::seen::Seen;
use super::super::verdict::{Verdict, count, some};
use crate::error::Result;

pub const CHECK: Check = Check::blocking("prepared_transactions", judge)
    .asks(|pair| vec![Ask::sql(Source, pair.source.dialect.prepared_transactions())]);

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let rows = seen.rows(Source, seen.pair.source.dialect.prepared_transactions())?;
    if rows.is_empty() {
        return Ok(Verdict::pass("no XA transaction is prepared on the source"));
    }
    let names: Vec<&str> = rows.iter().filter_map(|row| row.get("data")).collect();
    let prepared = count(rows.len(), "XA transaction is", "XA transactions are");
    let evidence = format!("{prepared} prepared on the source: {}", some(&names));
    Ok(Verdict::block(evidence, "let their programs finish them, or run XA COMMIT or XA ROLLBACK for each"))
}
