//! Tables that are made after the switch without naming a character set take the server's.

use super::super::check::{Check, Occasion};
use super::super::pair::{Source, Target};
use super::super::seen::Seen;
use super::super::verdict::Verdict;
use crate::error::Result;

pub const CHECK: Check = Check::warning("character_set", judge)
    .only_before(Occasion::Copy)
    .reads(&["character_set_server", "collation_server"]);

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let mut found = Vec::new();
    for name in ["character_set_server", "collation_server"] {
        let (source, target) = (seen.variable(Source, name), seen.variable(Target, name));
        if source != target && !seen.will_be_set(name) {
            let remedy = format!("state `{name}: {source}` under `settings` of the target in the inventory");
            found.push(Verdict::warn(format!("{name} is {source} on the source and {target} on the target"), remedy));
        }
    }
    let fine = format!("{} on both servers", seen.variable(Source, "collation_server"));
    Ok(Verdict::worst_of(found, fine))
}
