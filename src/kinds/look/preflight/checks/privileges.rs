//! Whether the runner's accounts may do what a replication swap asks of them. Roles do not count: the server shows only
//! what was granted directly.

use super::super::check::Check;
use super::super::pair::{Side, Source, Target};
use super::super::seen::Seen;
use super::super::verdict::Verdict;
use crate::dialect::Dialect;
use crate::error::Result;

pub const CHECK: Check =
    Check::blocking("privileges", judge).reads(&["event_scheduler"]).asks(|pair| pair.both(Dialect::own_privileges));

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let dialect = |side: Side| seen.pair.at(side).dialect;
    let mut source = dialect(Source).fence_privileges(seen.is_on(Source, "event_scheduler"));
    let mut target = dialect(Target).promote_privileges().to_vec();
    if seen.pair.follows {
        source.extend(dialect(Source).replica_privileges());
    } else {
        source.extend(dialect(Source).dump_privileges());
        target.extend(dialect(Target).import_privileges());
    }
    if let Some(account) = seen.pair.replication()
        && seen.replication_hosts(account).iter().any(|host| seen.will_be_made(Source, &account.user, host))
    {
        source.extend([&["CREATE USER"][..], &["REPLICATION SLAVE"]]);
    }
    let mut found = Vec::new();
    for (side, groups) in [(Source, source), (Target, target)] {
        let missing = missing(seen, side, &groups)?;
        if !missing.is_empty() {
            let (name, user) = (seen.name(side), &seen.pair.at(side).server.user);
            let missing = missing.join(", ");
            let remedy = format!("on `{name}`: GRANT {missing} ON *.* to it, directly and not by a role");
            found.push(Verdict::block(format!("{user} on `{name}` lacks {missing}"), remedy));
        }
    }
    Ok(Verdict::worst_of(found, "both accounts may do what a replication swap takes"))
}

/// Of each group that nothing is held of, the first.
fn missing(seen: &Seen<'_>, side: Side, groups: &[&[&'static str]]) -> Result<Vec<&'static str>> {
    let rows = seen.rows(side, seen.pair.at(side).dialect.own_privileges())?;
    let held: Vec<&str> =
        rows.iter().filter(|row| row.get("in_database") == Some("*")).filter_map(|row| row.get("privilege")).collect();
    let mut missing: Vec<&str> = groups
        .iter()
        .filter(|group| !group.iter().any(|privilege| held.contains(privilege)))
        .filter_map(|group| group.first().copied())
        .collect();
    missing.sort_unstable();
    missing.dedup();
    Ok(missing)
}
