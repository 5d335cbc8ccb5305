//! A row that the source accepted must not be too large for the target.

use super::super::check::Check;
use super::super::pair::{Source, Target};
use super::super::seen::Seen;
use super::super::verdict::Verdict;
use crate::domain::units::Bytes;
use crate::error::Result;

pub const CHECK: Check =
    Check::blocking("packet_size", judge).reads(&["max_allowed_packet", "slave_max_allowed_packet"]);

/// The most that either limit can be.
const LARGEST: u64 = 1 << 30;
/// Largest event that a replica takes.
const EVENT: &str = "slave_max_allowed_packet";

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let name = "max_allowed_packet";
    let (source, target): (u64, u64) = (seen.required(Source, name)?, seen.required(Target, name)?);
    let words = format!("{name} is {} on the source and {} on the target", Bytes(source), Bytes(target));
    // a row that is changed stands in one event twice, as it was and as it is
    let event: Option<u64> = seen.has(Target, EVENT).then(|| seen.required(Target, EVENT)).transpose()?;
    if let Some(event) =
        event.filter(|event| *event < source.saturating_mul(2).min(LARGEST) && !seen.will_be_set(EVENT))
    {
        let evidence =
            format!("{EVENT} of the target is {}, but {name} of the source is {}", Bytes(event), Bytes(source));
        return Ok(Verdict::block(evidence, format!("run SET GLOBAL {EVENT} = 1073741824 on the target")));
    }
    if target >= source {
        return Ok(Verdict::pass(words));
    }
    if seen.will_be_set(name) {
        return Ok(Verdict::pass(format!("{words}, which a step changes")));
    }
    let verdict = if seen.pair.follows { Verdict::warn } else { Verdict::block };
    Ok(verdict(words, format!("run SET GLOBAL {name} = {source} on the target, and put it in its configuration")))
}
