//! Events run on the source until the switch; on a target that follows they would run twice.

use super::super::ask::Ask;
use super::super::check::{Check, Occasion};
use super::super::pair::{Source, Target};
use super::super::seen::Seen;
use super::super::verdict::{Verdict, count, some};
use crate::domain::product::Family;
use crate::error::Result;

pub const CHECK: Check = Check::blocking("events", judge)
    .only_before(Occasion::Copy)
    .reads(&["event_scheduler"])
    .asks(|pair| vec![Ask::sql(Source, pair.source.dialect.enabled_events(pair.databases))]);

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let disabled = seen.variable(Source, "event_scheduler") == "DISABLED";
    if disabled && seen.source.product.family == Family::MariaDb {
        let evidence = "event_scheduler of the source is DISABLED, so the server does not list its events";
        return Ok(Verdict::block(
            evidence,
            "write `event_scheduler = OFF` into its configuration instead, and restart it",
        ));
    }
    let events = seen.names(Source, seen.pair.source.dialect.enabled_events(seen.pair.databases))?;
    if events.is_empty() {
        return Ok(Verdict::pass("no event is enabled on the source"));
    }
    let evidence =
        format!("{} enabled on the source: {}", count(events.len(), "event is", "events are"), some(&events));
    if seen.is_on(Target, "event_scheduler") && !seen.will_be_set("event_scheduler") {
        let evidence = format!("{evidence}; event_scheduler of the target is ON, so they would run there too");
        return Ok(Verdict::block(
            evidence,
            "run SET GLOBAL event_scheduler = OFF on the target, and put it in its configuration",
        ));
    }
    Ok(Verdict::warn(evidence, "they are off on the target until it is opened: check then that they run there"))
}
