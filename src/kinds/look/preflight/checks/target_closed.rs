//! Only the migration may write on the target before the switch.

use super::super::check::{Check, Occasion};
use super::super::pair::Target;
use super::super::seen::Seen;
use super::super::verdict::Verdict;
use crate::error::{Failure, Result};
use crate::kinds::support::answer;

pub const CHECK: Check = Check::warning("target_closed", judge).only_before(Occasion::Copy).reads(&["read_only"]);

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    if seen.will_be_set("read_only") {
        return Ok(Verdict::pass("a step closes the target"));
    }
    let closed = answer::closed(seen.variable(Target, "read_only"));
    if closed.map_err(|answer| Failure::permanent("read read_only", answer).at(seen.name(Target)))? {
        return Ok(Verdict::pass("the target is read-only"));
    }
    let remedy = "run SET GLOBAL read_only = ON there, and put it in its configuration, before replication starts";
    Ok(Verdict::warn("the target accepts writes from every account: read_only is OFF", remedy))
}
