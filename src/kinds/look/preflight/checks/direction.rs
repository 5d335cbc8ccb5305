//! Whether the target can follow the source at all.

use super::super::check::{Check, Occasion};
use super::super::seen::Seen;
use super::super::verdict::Verdict;
use crate::dialect::pairs::{Direction, direction};
use crate::error::Result;

/// This check cannot be allowed: it would not work.
pub const CHECK: Check = Check::blocking("direction", judge).only_before(Occasion::Copy).firm();

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let (source, target) = (seen.source.product, seen.target.product);
    Ok(match direction(source, target) {
        Direction::Impossible(why) => {
            let remedy = format!("use another server version for the target: {source} or a newer {}", source.family);
            Verdict::block(why, remedy)
        }
        _ => Verdict::pass(format!("{source} to {target}")),
    })
}
