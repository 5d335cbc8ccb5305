//! Other readers of the source's binary log: replicas and change data capture keep reading from the old server unless
//! they are moved.

use super::super::ask::Ask;
use super::super::check::{Check, Occasion};
use super::super::pair::Source;
use super::super::seen::Seen;
use super::super::verdict::{Verdict, some};
use crate::error::Result;

pub const CHECK: Check = Check::warning("binlog_readers", judge).only_before(Occasion::Copy).asks(|pair| {
    let dialect = pair.source.dialect;
    vec![Ask::sql(Source, dialect.binlog_readers()), Ask::sql(Source, dialect.registered_replicas())]
});

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let dialect = seen.pair.source.dialect;
    let reading = seen.rows(Source, dialect.binlog_readers())?;
    let mut names: Vec<String> = reading
        .iter()
        .map(|row| format!("{} from {}", row.get("user").unwrap_or_default(), row.get("host").unwrap_or_default()))
        .collect();
    // listing them takes a privilege that nothing else needs; whoever is connected shows above in any case
    if let Ok(registered) = seen.rows(Source, dialect.registered_replicas()) {
        names.extend(registered.iter().map(|row| {
            let text = |name| row.get(name).unwrap_or_default();
            format!("server_id {} at {}:{}", text("Server_id"), text("Host"), text("Port"))
        }));
    }
    if names.is_empty() {
        return Ok(Verdict::pass("no client is reading the source's binary log"));
    }
    let remedy = "plan for each of them: after the switch, replicas and change data capture must read from the new \
                  server, at its own positions";
    Ok(Verdict::warn(format!("the source's binary log is read by {}", some(&names)), remedy))
}
