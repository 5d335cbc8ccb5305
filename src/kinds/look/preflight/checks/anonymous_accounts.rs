//! Accounts without a name. One for a closer host is taken before a named account for any host, and refuses its
//! password (measured: error 1045 for 'repl'@'%' beside ''@'localhost', which the installer makes).

use super::super::check::Check;
use super::super::pair::{Side, Source, Target};
use super::super::seen::Seen;
use super::super::verdict::{Verdict, some};
use crate::dialect::Dialect;
use crate::domain::sql::account;
use crate::error::Result;

pub const CHECK: Check = Check::blocking("anonymous_accounts", judge).asks(|pair| pair.both(Dialect::account_plugins));

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let mut found = Vec::new();
    for side in [Source, Target] {
        let rows = seen.rows(side, seen.pair.at(side).dialect.account_plugins())?;
        // a role has no host, an account without a name always has one
        let hosts = rows.iter().filter(|row| row.get("user").is_none_or(str::is_empty));
        let hosts: Vec<&str> = hosts.filter_map(|row| row.get("host")).filter(|host| !host.is_empty()).collect();
        if hosts.is_empty() {
            continue;
        }
        let names: Vec<String> = hosts.iter().map(|&host| account("", host).to_string()).collect();
        let remedy = format!("DROP USER {} on `{}`", names.join(", "), seen.name(side));
        let evidence = format!("`{}` accepts logins as {}", seen.name(side), some(&names));
        let near = hosts.iter().any(|host| !host.contains('%'));
        let shadowed = if near { shadowed(seen, side) } else { Vec::new() };
        found.push(if shadowed.is_empty() {
            Verdict::warn(evidence, remedy)
        } else {
            Verdict::block(format!("{evidence}, which takes precedence over {}", some(&shadowed)), remedy)
        });
    }
    Ok(Verdict::worst_of(found, "none on either server"))
}

/// The plan's accounts for any host.
fn shadowed(seen: &Seen<'_>, side: Side) -> Vec<String> {
    let applications = seen.pair.application.map_or(&[][..], |(_, application)| &application.accounts);
    let mut all: Vec<(&str, &str)> =
        applications.iter().map(|known| (known.user.as_str(), known.host.as_deref().unwrap_or("%"))).collect();
    if let Some(known) = seen.pair.replication().filter(|_| side == Source) {
        all.extend(seen.replication_hosts(known).into_iter().map(|host| (known.user.as_str(), host)));
    }
    all.into_iter().filter(|(_, host)| host.contains('%')).map(|(user, host)| account(user, host).to_string()).collect()
}
