//! Accounts and roles of the source that no step copies to the target: people, jobs and other programs would notice
//! only after the switch.

use super::super::check::{Check, Occasion};
use super::super::pair::{Source, Target};
use super::super::seen::Seen;
use super::super::verdict::{Verdict, count, some};
use crate::dialect::Dialect;
use crate::effects::{Row, Rows};
use crate::error::Result;

pub const CHECK: Check = Check::warning("other_accounts", judge)
    .only_before(Occasion::Copy)
    .asks(|pair| pair.both(Dialect::account_plugins));

/// Accounts of a machine's own administrators, which every installation makes for itself.
const LOCAL_ADMINISTRATORS: [&str; 4] = ["root", "mysql", "debian-sys-maint", "mariadb.sys"];

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let on = |side| seen.rows(side, seen.pair.at(side).dialect.account_plugins());
    let there = names(on(Target)?);
    let left: Vec<String> = on(Source)?
        .iter()
        .map(name)
        .filter(|(user, host)| !there.contains(&(user.clone(), host.clone())) && !is_looked_after(seen, user, host))
        .map(|(user, host)| if host.is_empty() { format!("role {user}") } else { format!("{user}@{host}") })
        .collect();
    if left.is_empty() || seen.will_be_set("accounts") {
        return Ok(Verdict::pass("every account and role of the source exists on the target, or is copied by a step"));
    }
    let stay = count(left.len(), "account or role", "accounts and roles");
    let evidence = format!("{stay} of the source will be missing on the target: {}", some(&left));
    let remedy =
        "if anyone needs them, copy them with the `accounts` step (`others: true`), or create them on the target";
    Ok(Verdict::warn(evidence, remedy))
}

fn name(row: Row<'_>) -> (String, String) {
    (row.get("user").unwrap_or_default().to_owned(), row.get("host").unwrap_or_default().to_owned())
}

fn names(rows: &Rows) -> Vec<(String, String)> {
    rows.iter().map(name).collect()
}

/// Accounts that a step brings, those that the migration itself uses, and those of the machine.
fn is_looked_after(seen: &Seen<'_>, user: &str, host: &str) -> bool {
    let pair = seen.pair;
    let own = [&pair.source.server.user, &pair.target.server.user].iter().any(|own| *own == user);
    let replicates = [pair.source.server, pair.target.server]
        .iter()
        .any(|server| server.replication.as_ref().is_some_and(|account| account.user == user));
    let is_local = !host.contains('%') && !host.is_empty();
    let administrates = is_local && LOCAL_ADMINISTRATORS.contains(&user);
    let is_nobody = user.is_empty(); // a check of its own
    own || replicates
        || administrates
        || is_nobody
        || seen.will_be_made(Target, user, host)
        || is_application(seen, user, host)
}

/// The application's accounts are another check's matter.
fn is_application(seen: &Seen<'_>, user: &str, host: &str) -> bool {
    let accounts = seen.pair.application.map_or(&[][..], |(_, application)| &application.accounts);
    accounts.iter().any(|known| known.user == user && known.host.as_deref().unwrap_or("%") == host)
}
