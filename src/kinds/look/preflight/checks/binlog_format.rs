//! Statements in the binary log are repeated, not copied: what depends on time, chance or order comes out otherwise.

use super::super::check::Check;
use super::super::pair::Source;
use super::super::seen::Seen;
use super::super::verdict::Verdict;
use crate::error::Result;

pub const CHECK: Check = Check::blocking("binlog_format", judge).reads(&["binlog_format"]);

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let format = seen.variable(Source, "binlog_format");
    // the newest MySQL has no such variable any more, and writes rows
    if format.is_empty() || format.eq_ignore_ascii_case("ROW") {
        return Ok(Verdict::pass("the source writes rows"));
    }
    let remedy = "run SET GLOBAL binlog_format = ROW on the source, put it in its configuration, and let clients \
                  reconnect: a session keeps the format that it started with";
    Ok(Verdict::block(format!("binlog_format of the source is {format}"), remedy))
}
