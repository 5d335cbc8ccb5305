//! Columns that the server computes: another version may compute them otherwise.

use super::super::ask::Ask;
use super::super::check::{Check, Occasion};
use super::super::pair::Source;
use super::super::seen::Seen;
use super::super::verdict::{Verdict, count, some};
use crate::error::Result;

pub const CHECK: Check = Check::warning("generated_columns", judge)
    .only_before(Occasion::Copy)
    .asks(|pair| vec![Ask::sql(Source, pair.source.dialect.generated_columns(pair.databases))]);

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let columns = seen.names(Source, seen.pair.source.dialect.generated_columns(seen.pair.databases))?;
    let (source, target) = (seen.source.product, seen.target.product);
    let series = |version: crate::domain::product::Version| (version.0, version.1);
    let words = format!("{} generated: {}", count(columns.len(), "column is", "columns are"), some(&columns));
    if columns.is_empty() {
        return Ok(Verdict::pass("no column is generated"));
    }
    if source.family == target.family && series(source.version) == series(target.version) {
        return Ok(Verdict::pass(format!("{words}; both servers are of one series")));
    }
    let evidence = format!("{words}; {source} and {target} may compute them differently");
    Ok(Verdict::warn(evidence, "compare these columns after the import"))
}
