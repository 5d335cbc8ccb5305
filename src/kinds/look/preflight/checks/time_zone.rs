//! What time it is by the servers' own zones, and whether the target knows the zones that sessions name.

use super::super::check::{Check, Occasion};
use super::super::pair::{Source, Target};
use super::super::seen::Seen;
use super::super::verdict::Verdict;
use crate::dialect::Dialect;
use crate::error::Result;

pub const CHECK: Check = Check::blocking("time_zone", judge)
    .only_before(Occasion::Copy)
    .reads(&["time_zone", "system_time_zone"])
    .asks(|pair| pair.both(Dialect::named_time_zones));

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let zone = |side| match seen.variable(side, "time_zone") {
        "SYSTEM" => format!("SYSTEM ({})", seen.variable(side, "system_time_zone")),
        named => named.to_owned(),
    };
    let (source, target) = (zone(Source), zone(Target));
    let mut found = Vec::new();
    if source != target && !seen.will_be_set("time_zone") {
        let evidence = format!("time_zone is {source} on the source and {target} on the target: NOW() differs");
        found.push(Verdict::warn(
            evidence,
            "set the time zone of the target's machine, or its `time_zone`, to that of the source",
        ));
    }
    let named = |side| -> Result<u64> { seen.count(side, seen.pair.at(side).dialect.named_time_zones()) };
    let (known, missing) = (named(Source)?, named(Target)? == 0);
    if known > 0 && missing {
        let evidence = format!(
            "the source has named time zones ({known}), the target has none: a change made under a named time zone \
             stops replication"
        );
        found.push(Verdict::block(
            evidence,
            "on the target's host, run mysql_tzinfo_to_sql /usr/share/zoneinfo and load its output into `mysql`",
        ));
    }
    Ok(Verdict::worst_of(found, format!("{source} on both servers")))
}
