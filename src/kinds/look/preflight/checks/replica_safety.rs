//! What a replica still knows after a crash of the machine.

use super::super::check::{Check, Occasion};
use super::super::pair::Target;
use super::super::seen::Seen;
use super::super::verdict::Verdict;
use crate::error::Result;

pub const CHECK: Check = Check::warning("replica_safety", judge)
    .only_before(Occasion::Copy)
    .reads(&["relay_log_recovery", "relay_log_info_repository"]);

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let mut found = Vec::new();
    if !seen.is_on(Target, "relay_log_recovery") && !seen.will_be_set("relay_log_recovery") {
        let remedy = "set `relay_log_recovery = ON` in the target's configuration and restart it";
        found.push(Verdict::warn(
            "relay_log_recovery of the target is OFF: after a crash it uses a damaged relay log",
            remedy,
        ));
    }
    if seen.variable(Target, "relay_log_info_repository") == "FILE" && !seen.will_be_set("relay_log_info_repository") {
        let evidence =
            "relay_log_info_repository of the target is FILE: after a crash it may apply a transaction twice";
        found.push(Verdict::warn(evidence, "set `relay_log_info_repository = TABLE` on the target"));
    }
    Ok(Verdict::worst_of(found, "relay logs are recovered after a crash"))
}
