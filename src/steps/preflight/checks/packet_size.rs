//! A row that the source accepted must not be too large for the target.

use super::super::check::Check;
use super::super::pair::{Source, Target};
use super::super::seen::Seen;
use super::super::verdict::Verdict;
use crate::error::Result;
use crate::playbook::units::Bytes;

pub const CHECK: Check = Check::blocking("packet_size", judge).reads(&["max_allowed_packet"]);

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let name = "max_allowed_packet";
    let (source, target): (u64, u64) = (seen.required(Source, name)?, seen.required(Target, name)?);
    let words = format!("{name} is {} on the source and {} on the target", Bytes(source), Bytes(target));
    if target >= source {
        return Ok(Verdict::pass(words));
    }
    if seen.will_be_set(name) {
        return Ok(Verdict::pass(format!("{words}, which a step changes")));
    }
    let verdict = if seen.pair.follows { Verdict::warn } else { Verdict::block };
    Ok(verdict(words, format!("SET GLOBAL {name} = {source} on the target, and put it in its configuration")))
}
