//! Whether anybody supports the target as a replica of the source.

use super::super::check::{Check, Occasion};
use super::super::directions::{Direction, direction};
use super::super::seen::Seen;
use super::super::verdict::Verdict;
use crate::error::Result;

pub const CHECK: Check = Check::blocking("version_gap", judge).only_before(Occasion::Copy);

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let (source, target) = (seen.source.product, seen.target.product);
    Ok(match direction(source, target) {
        Direction::Supported => Verdict::pass(format!("{target} is supported as a replica of {source}")),
        Direction::Gap(why) => {
            Verdict::block(why, "take a supported step, or allow it and compare all data before the switch")
        }
        Direction::Impossible(_) => Verdict::pass("see `direction`"),
    })
}
