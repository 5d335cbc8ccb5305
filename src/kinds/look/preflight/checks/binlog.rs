//! Whether the source writes a binary log, which everything after the dump comes from.

use super::super::check::Check;
use super::super::pair::{Source, Target};
use super::super::seen::Seen;
use super::super::verdict::Verdict;
use crate::error::Result;

pub const CHECK: Check = Check::blocking("binlog", judge).reads(&["log_bin"]).firm();

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    if !seen.is_on(Source, "log_bin") {
        let remedy =
            "set `log_bin` in the source's configuration and restart it; no server can replicate from it before";
        return Ok(Verdict::block("the source writes no binary log: log_bin is OFF", remedy));
    }
    let target = if seen.will_be_set("log_bin") { "set by a step" } else { seen.variable(Target, "log_bin") };
    Ok(Verdict::pass(format!("log_bin is ON on the source; on the target it is {target}")))
}
