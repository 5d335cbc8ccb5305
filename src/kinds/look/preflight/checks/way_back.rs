//! Whether the old server could follow the new one after the switch: the way back without losing a write.

use super::super::check::Check;
use super::super::pair::{Target, WayBack};
use super::super::seen::Seen;
use super::super::verdict::Verdict;
use crate::dialect::pairs::{Direction, direction};
use crate::error::Result;

/// It has a parameter of its own, `way_back`, instead of an entry in `allow`.
pub const CHECK: Check = Check::blocking("way_back", judge).reads(&["log_bin"]).firm();

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    if seen.pair.way_back == WayBack::None {
        return Ok(Verdict::pass("not requested: `way_back: none`"));
    }
    let (source, target) = (seen.source.product, seen.target.product);
    let found = match direction(target, source) {
        Direction::Impossible(why) => {
            let evidence = format!("no reverse replication after the switch: {why}");
            return Ok(if seen.pair.way_back == WayBack::IfPossible {
                Verdict::warn(evidence, "the steps for reverse replication are skipped: `way_back: if_possible`")
            } else {
                Verdict::block(
                    evidence,
                    "accept it with `way_back: none`, or with `way_back: if_possible` for every pair without a way \
                     back",
                )
            });
        }
        Direction::Supported => None,
        Direction::Gap(why) | Direction::Older(why) => Some(why),
    };
    if !seen.is_on(Target, "log_bin") && !seen.will_be_set("log_bin") {
        let evidence =
            "the target writes no binary log, so the old server could not replicate from it after the switch";
        return Ok(Verdict::warn(evidence, "set `log_bin` on the target before the import"));
    }
    Ok(match found {
        None => Verdict::pass(format!("{source} is supported as a replica of {target}")),
        Some(why) => Verdict::warn(
            format!("reverse replication may work, and is tried after the switch: {why}"),
            "if it stops, finish the run without it with `cutover resume --skip reverse --why TEXT`; to not try it at \
             all, use `way_back: none`",
        ),
    })
}
