//! The clocks of the two hosts: `NOW()` after the switch, and the validity of certificates, depend on them.

use super::super::ask::Ask;
use super::super::check::Check;
use super::super::pair::{Pair, Side, Source, Target};
use super::super::seen::Seen;
use super::super::verdict::Verdict;
use crate::error::Result;

pub const CHECK: Check = Check::warning("clocks", judge).asks(|pair| {
    let hosts = [Source, Target].map(|side| Ask::Clock { host: host(pair, side).to_owned() });
    hosts.into()
});

/// A larger difference is reported, in seconds.
const MOST: f64 = 0.5;

fn host<'a>(pair: &'a Pair<'_>, side: Side) -> &'a str {
    &pair.at(side).server.host
}

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let (source, target) = (seen.clock(host(seen.pair, Source))?, seen.clock(host(seen.pair, Target))?);
    let apart = target.ahead - source.ahead;
    let words = format!(
        "the target's clock differs from the source's by {:+.3} s (accuracy {:.3} s)",
        apart,
        source.within + target.within
    );
    if apart.abs() <= MOST + source.within + target.within {
        return Ok(Verdict::pass(words));
    }
    Ok(Verdict::warn(words, "synchronize both hosts with the same time servers (chrony, systemd-timesyncd)"))
}
