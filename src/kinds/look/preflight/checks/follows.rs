//! Whether the target replicates from the source alone, without errors, and is closed to writes: a switch to it copies
//! nothing.

use super::super::check::{Check, Occasion};
use super::super::pair::{Source, Target};
use super::super::seen::Seen;
use super::super::verdict::Verdict;
use crate::dialect::Dialect;
use crate::effects::{Row, Rows};
use crate::error::{Failure, Result};
use crate::kinds::support::answer;

pub const CHECK: Check = Check::blocking("follows", judge)
    .firm()
    .only_before(Occasion::Follow)
    .reads(&["server_id", "read_only"])
    .asks(|pair| pair.both(Dialect::all_channels));

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let mut found = Vec::new();
    let above = seen.rows(Source, seen.pair.source.dialect.all_channels())?;
    if let Some(row) = above.first() {
        let source = followed(seen.pair.source.dialect, row);
        let remedy = "run STOP and RESET ... ALL for that channel, once nobody needs it";
        found.push(Verdict::block(format!("`{}` itself replicates from {source}", seen.name(Source)), remedy));
    }
    let rows = seen.rows(Target, seen.pair.target.dialect.all_channels())?;
    found.extend(channels(seen, rows)?);
    let closed = answer::closed(seen.variable(Target, "read_only"));
    if !closed.map_err(|answer| Failure::permanent("read read_only", answer).at(seen.name(Target)))? {
        let evidence = format!("`{}` accepts writes from every account: read_only is OFF", seen.name(Target));
        found.push(Verdict::block(evidence, "check what was written there, then run SET GLOBAL read_only = ON"));
    }
    Ok(Verdict::worst_of(
        found,
        format!("`{}` replicates from `{}` and is closed to writes", seen.name(Target), seen.name(Source)),
    ))
}

fn channels(seen: &Seen<'_>, rows: &Rows) -> Result<Vec<Verdict>> {
    let dialect = seen.pair.target.dialect;
    let columns = dialect.status_columns();
    let (name, id) = (seen.name(Target), seen.variable(Source, "server_id"));
    let is_ours = |row: &Row<'_>| row.get(columns.source_server_id) == Some(id);
    let Some(ours) = rows.iter().find(is_ours) else {
        let evidence = match rows.first() {
            None => format!("`{name}` does not replicate from any server"),
            Some(row) => {
                format!("`{name}` replicates from {}, not from `{}`", followed(dialect, row), seen.name(Source))
            }
        };
        let remedy = format!(
            "make `{name}` a replica of `{}` first (`reverse_replication`), or copy the data again",
            seen.name(Source)
        );
        return Ok(vec![Verdict::block(evidence, remedy)]);
    };
    let others = rows.iter().filter(|row| !is_ours(row)).map(|row| {
        let evidence = format!("`{name}` replicates from {} as well", followed(dialect, row));
        Verdict::block(evidence, "run STOP and RESET ... ALL for that channel, once nobody needs it")
    });
    let mut found: Vec<Verdict> = others.collect();
    for (thread, running, number, error) in [
        ("receives", columns.io_running, columns.last_io_errno, columns.last_io_error),
        ("applies", columns.sql_running, columns.last_sql_errno, columns.last_sql_error),
    ] {
        let text = |column: &str| {
            let unread =
                || Failure::permanent("read the replication status", format!("the server returned no {column}"));
            ours.get(column).ok_or_else(|| unread().at(name))
        };
        if text(running)? == "Yes" {
            continue;
        }
        let why = match text(number)? {
            "0" => "no error is reported".to_owned(),
            number => format!("error {number}: {}", text(error)?),
        };
        let evidence = format!("`{name}` no longer {thread} changes of `{}`: {why}", seen.name(Source));
        found.push(Verdict::block(evidence, "fix the cause and start replication there, or copy the data again"));
    }
    Ok(found)
}

fn followed(dialect: Dialect, row: Row<'_>) -> String {
    let columns = dialect.status_columns();
    let text = |name| row.get(name).unwrap_or_default();
    format!("{}:{}", text(columns.source_host), text(columns.source_port))
}
