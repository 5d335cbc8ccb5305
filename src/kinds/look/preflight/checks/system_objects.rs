//! What people put into the server's own tables: it is not part of a dump.

use super::super::check::{Check, Occasion};
use super::super::pair::{Source, Target};
use super::super::seen::Seen;
use super::super::verdict::{Verdict, some};
use crate::dialect::Dialect;
use crate::error::Result;

pub const CHECK: Check = Check::warning("system_objects", judge)
    .only_before(Occasion::Copy)
    .asks(|pair| pair.both(Dialect::left_in_system_tables));

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let on = |side| seen.names(side, seen.pair.at(side).dialect.left_in_system_tables());
    let there = on(Target)?;
    let left: Vec<String> = on(Source)?.into_iter().filter(|name| !there.contains(name)).collect();
    if left.is_empty() {
        return Ok(Verdict::pass("the source has no loadable function and no remote server definition"));
    }
    let remedy = "install these on the target by hand, before the import";
    Ok(Verdict::warn(format!("a dump does not contain these: {}", some(&left)), remedy))
}
