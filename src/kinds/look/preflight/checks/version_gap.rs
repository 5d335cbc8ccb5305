//! Whether anybody supports the target as a replica of the source.

use super::super::check::{Check, Occasion};
use super::super::seen::Seen;
use super::super::verdict::Verdict;
use crate::dialect::pairs::{Direction, direction};
use crate::error::Result;

pub const CHECK: Check = Check::blocking("version_gap", judge).only_before(Occasion::Copy);

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let (source, target) = (seen.source.product, seen.target.product);
    Ok(match direction(source, target) {
        Direction::Supported => Verdict::pass(format!("{target} is supported as a replica of {source}")),
        Direction::Gap(why) => Verdict::block(
            why,
            "use a supported version for the target, or allow this check and compare all data before the switch",
        ),
        Direction::Older(why) if seen.pair.accept_older_target => Verdict::warn(
            why,
            "accepted with `accept_older_target: true`: changes of the newer source may stop replication on the target",
        ),
        Direction::Older(why) => {
            Verdict::block(why, "move to the same or a newer series, or accept it with `accept_older_target: true`")
        }
        Direction::Impossible(_) => Verdict::pass("see `direction`"),
    })
}
