//! Whether the old server could follow the new one after the switch: the way back without losing a write.

use super::super::check::Check;
use super::super::directions::{Direction, direction};
use super::super::pair::Target;
use super::super::seen::Seen;
use super::super::verdict::Verdict;
use crate::error::Result;

/// It has a parameter of its own instead of an entry in `allow`.
pub const CHECK: Check = Check::blocking("way_back", judge).reads(&["log_bin"]).firm();

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let (source, target) = (seen.source.product, seen.target.product);
    let why = match direction(target, source) {
        Direction::Supported if seen.is_on(Target, "log_bin") || seen.will_be_set("log_bin") => {
            return Ok(Verdict::pass(format!("{source} is supported as a replica of {target}")));
        }
        Direction::Supported => {
            let evidence = "the target writes no binary log, so the old server could not follow it after the switch";
            return Ok(Verdict::warn(evidence, "set `log_bin` on the target before the import"));
        }
        Direction::Gap(why) | Direction::Impossible(why) => why,
    };
    let evidence = format!("no way back once the application writes on the target: {why}");
    if seen.pair.accept_no_rollback {
        return Ok(Verdict::warn(evidence, "accepted with `accept_no_rollback: true`"));
    }
    Ok(Verdict::block(evidence, "move to the same series first, or accept it: `accept_no_rollback: true`"))
}
