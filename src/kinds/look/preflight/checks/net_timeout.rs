//! A replica takes a dead line for a silent source until this time is over; it was an hour once.

use super::super::check::{Check, Occasion};
use super::super::pair::Target;
use super::super::seen::Seen;
use super::super::verdict::Verdict;
use crate::error::Result;

pub const CHECK: Check = Check::warning("net_timeout", judge)
    .only_before(Occasion::Copy)
    .reads(&["slave_net_timeout", "replica_net_timeout"]);

/// Both families' default since 5.7 and 10.2.
const LONGEST: f64 = 60.0;

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let name = seen.pair.target.dialect.replica_net_timeout();
    let seconds: f64 = seen.required(Target, name)?;
    if seconds <= LONGEST || seen.will_be_set(name) {
        return Ok(Verdict::pass(format!(
            "a replica notices a broken connection: {name} is {seconds} s, or set by a step"
        )));
    }
    let evidence =
        format!("{name} of the target is {seconds} s: for that long, a broken connection looks like an idle source");
    Ok(Verdict::warn(evidence, format!("run SET GLOBAL {name} = 10 on the target")))
}
