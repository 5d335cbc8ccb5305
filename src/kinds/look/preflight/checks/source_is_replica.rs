//! A source that itself follows another server: its applier continues to write when all others are locked out.

use super::super::check::{Check, Occasion};
use super::super::pair::{Source, Target};
use super::super::seen::Seen;
use super::super::verdict::Verdict;
use crate::dialect::Dialect;
use crate::error::Result;

pub const CHECK: Check = Check::blocking("source_is_replica", judge)
    .only_before(Occasion::Copy)
    .reads(&["log_slave_updates", "log_replica_updates"])
    .asks(|pair| pair.both(Dialect::all_channels));

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let mut found = Vec::new();
    if let Some(followed) = followed(seen, Source)? {
        let logs = seen.is_on(Source, "log_slave_updates") || seen.is_on(Source, "log_replica_updates");
        let gap = if logs { "" } else { ", and does not write what it applies to its own binary log" };
        let evidence = format!("the source replicates from {followed}{gap}");
        found.push(Verdict::block(
            evidence,
            "migrate from that server instead, or stop and reset replication on the source",
        ));
    }
    if let Some(followed) = followed(seen, Target)? {
        let remedy = "if nothing needs that channel any more: run STOP, then RESET ... ALL on the target by hand";
        found.push(Verdict::block(format!("the target already replicates from {followed}"), remedy));
    }
    Ok(Verdict::worst_of(found, "neither server replicates from another server"))
}

fn followed(seen: &Seen<'_>, side: super::super::pair::Side) -> Result<Option<String>> {
    let dialect = seen.pair.at(side).dialect;
    let columns = dialect.status_columns();
    let rows = seen.rows(side, dialect.all_channels())?;
    let text = |name| rows.first().and_then(|row| row.get(name)).unwrap_or_default();
    Ok(rows.first().map(|_| format!("{}:{}", text(columns.source_host), text(columns.source_port))))
}
