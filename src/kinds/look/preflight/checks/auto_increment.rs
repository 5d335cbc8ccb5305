//! Numbers that the servers give to new rows.

use super::super::check::Check;
use super::super::pair::{Source, Target};
use super::super::seen::Seen;
use super::super::verdict::Verdict;
use crate::error::Result;

pub const CHECK: Check =
    Check::warning("auto_increment", judge).reads(&["auto_increment_increment", "auto_increment_offset"]);

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let mut found = Vec::new();
    for name in ["auto_increment_increment", "auto_increment_offset"] {
        let (source, target) = (seen.variable(Source, name), seen.variable(Target, name));
        if source != target && !seen.will_be_set(name) {
            let evidence = format!("{name} is {source} on the source and {target} on the target");
            found.push(Verdict::warn(
                evidence,
                format!("run SET GLOBAL {name} = {source} on the target, if both must use the same numbers"),
            ));
        }
    }
    Ok(Verdict::worst_of(found, "both use the same increment and offset"))
}
