//! A dump begins with a short lock of all tables, which waits for running statements, and everyone waits behind it.

use super::super::ask::Ask;
use super::super::check::{Check, Occasion};
use super::super::pair::Source;
use super::super::seen::Seen;
use super::super::verdict::{Verdict, some};
use crate::error::Result;

pub const CHECK: Check = Check::warning("long_statements", judge)
    .only_before(Occasion::Copy)
    .asks(|pair| vec![Ask::sql(Source, pair.source.dialect.long_statements(SECONDS))]);

/// Statements that run longer than this are reported.
const SECONDS: u32 = 30;

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let rows = seen.rows(Source, seen.pair.source.dialect.long_statements(SECONDS))?;
    let text = |row: crate::effects::Row<'_>| {
        let get = |name| row.get(name).unwrap_or_default().to_owned();
        format!("{} for {} s ({})", get("user"), get("seconds"), get("query"))
    };
    let running: Vec<String> = rows.iter().map(text).collect();
    if running.is_empty() {
        return Ok(Verdict::pass(format!("no statement on the source has run for more than {SECONDS} s")));
    }
    Ok(Verdict::warn(
        format!("long statements are running on the source: {}", some(&running)),
        "start when they have ended",
    ))
}
