//! Whether connections fit: the runner's own now, and the application's after the switch.

use super::super::ask::Ask;
use super::super::check::Check;
use super::super::pair::{Pair, Side, Source, Target};
use super::super::seen::Seen;
use super::super::verdict::Verdict;
use crate::dialect::Dialect;
use crate::error::{Failure, Result};

pub const CHECK: Check = Check::blocking("connection_limits", judge).reads(&["max_connections"]).asks(asks);

/// Connections that the runner and its clients open on one server at the same time: its own, a lease, a fence, a dump, an
/// import, and one for each table that is compared at once.
const OURS: u64 = 12;

fn asks(pair: &Pair<'_>) -> Vec<Ask> {
    let mut asks = pair.both(Dialect::connection_counters);
    asks.extend(pair.both(Dialect::own_limits));
    asks
}

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let mut found = Vec::new();
    for side in [Source, Target] {
        found.extend(own_limits(seen, side)?);
        let most: u64 = seen.required(side, "max_connections")?;
        let free = most.saturating_sub(counter(seen, side, "Threads_connected")?);
        if free < OURS {
            let evidence = format!("`{}` has {free} of {most} connections free; cutover needs {OURS}", seen.name(side));
            found.push(Verdict::block(evidence, "raise it there with SET GLOBAL max_connections, or end idle clients"));
        }
    }
    let (used, most) =
        (counter(seen, Source, "Max_used_connections")?, seen.required::<u64>(Target, "max_connections")?);
    if most < used && !seen.will_be_set("max_connections") {
        let evidence = format!(
            "`{}` has had {used} connections at once, but `{}` allows {most}",
            seen.name(Source),
            seen.name(Target)
        );
        let remedy = "state `max_connections` under `settings` of the target in the inventory";
        found.push(Verdict::block(evidence, remedy));
    }
    Ok(Verdict::worst_of(found, format!("most connections at once on the source: {used}; the target allows {most}")))
}

/// Limits of the runner's own account. No row means an account that the server knows by another name, such as a role's.
fn own_limits(seen: &Seen<'_>, side: Side) -> Result<Vec<Verdict>> {
    let rows = seen.rows(side, seen.pair.at(side).dialect.own_limits())?;
    let Some(row) = rows.first() else { return Ok(Vec::new()) };
    let read = |name: &str| -> Result<u64> {
        row.get(name).and_then(|value| value.parse().ok()).ok_or_else(|| {
            Failure::permanent("read the account's limits", format!("the server returned no {name}"))
                .at(seen.name(side))
        })
    };
    let (hourly, at_once) = (read("hourly")?, read("at_once")?);
    let (name, user) = (seen.name(side), &seen.pair.at(side).server.user);
    let mut found = Vec::new();
    if hourly > 0 {
        let evidence = format!("{user} on `{name}` is limited to {hourly} queries, updates or connections per hour");
        let remedy = format!("remove the limits of {user} there (MAX_QUERIES_PER_HOUR 0 and similar)");
        found.push(Verdict::block(evidence, remedy));
    }
    if at_once > 0 && at_once < OURS {
        let evidence = format!("{user} on `{name}` is limited to {at_once} connections at once; cutover needs {OURS}");
        found.push(Verdict::block(
            evidence,
            format!("raise MAX_USER_CONNECTIONS of {user} there, or max_user_connections"),
        ));
    }
    Ok(found)
}

fn counter(seen: &Seen<'_>, side: Side, name: &str) -> Result<u64> {
    let rows = seen.rows(side, seen.pair.at(side).dialect.connection_counters())?;
    let row = rows.iter().find(|row| row.get("Variable_name").is_some_and(|known| known.eq_ignore_ascii_case(name)));
    row.and_then(|row| row.get("Value")?.parse().ok())
        .ok_or_else(|| Failure::permanent(format!("read {name}"), "the server returned no number").at(seen.name(side)))
}
