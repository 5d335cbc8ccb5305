//! Whether the account that the target replicates with can log in to the source, from where it will.

use super::super::ask::Ask;
use super::super::check::{Check, Occasion};
use super::super::pair::{Pair, Source};
use super::super::seen::Seen;
use super::super::verdict::Verdict;
use crate::error::{Class, Result};
use crate::playbook::inventory::Certificate;

pub const CHECK: Check = Check::blocking("replication_login", judge).only_before(Occasion::Copy).asks(|pair| {
    let accounts = Ask::sql(Source, pair.source.dialect.account_plugins());
    [accounts].into_iter().chain(login(pair)).collect()
});

/// Through a tunnel, which may not be open yet, the connection arrives from the source's own host; so it is tried there.
/// So it is where the source has no address for others.
fn login(pair: &Pair<'_>) -> Option<Ask> {
    let account = pair.replication()?.clone();
    let (source, target) = (pair.source.server, pair.target.server);
    let (host, address, direct) = match pair.through {
        None if source.host == target.host => (&target.host, source.address.as_str(), true),
        None if source.endpoint.is_some() => (&target.host, source.endpoint(), true),
        _ => (&source.host, source.address.as_str(), false),
    };
    // an account that TLS protects refuses a login without it; inside a tunnel there is none
    let authority = source.tls.as_ref().filter(|_| direct).and_then(Certificate::ca_on_host).map(str::to_owned);
    let (host, address) = (host.clone(), address.to_owned());
    Some(Ask::Login { side: Source, account, host, address, authority, bare: !direct })
}

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let (Some(account), Some(login)) = (seen.pair.replication(), login(seen.pair)) else {
        let remedy =
            "add `replication: { user: repl, password: { env: REPL_PASSWORD } }` to the target in the inventory";
        return Ok(Verdict::block("the inventory names no replication account", remedy));
    };
    let (user, hosts) = (&account.user, seen.replication_hosts(account));
    let rows = seen.rows(Source, seen.pair.source.dialect.account_plugins())?;
    let is_one = |row: &crate::effects::Row<'_>| row.get("host").is_some_and(|host| hosts.contains(&host));
    if !rows.iter().any(|row| row.get("user") == Some(user) && is_one(&row)) {
        let words = format!("{user}@{}", hosts.join(" or @"));
        if hosts.iter().any(|host| seen.will_be_made(Source, user, host)) {
            return Ok(Verdict::pass(format!("{words} is created by a step, which tries the login")));
        }
        let remedy = "create it there with REPLICATION SLAVE, or add a `replication_account` step";
        return Ok(Verdict::block(format!("the source has no account {words}"), remedy));
    }
    match seen.text(&login) {
        Ok(arrived) if arrived.starts_with(&format!("{user}@")) => Ok(Verdict::pass(format!("logged in as {arrived}"))),
        Ok(arrived) => {
            let evidence = format!("on the source the login as {user} arrives as {arrived}");
            Ok(Verdict::block(evidence, "drop the anonymous accounts on the source"))
        }
        Err(failure) if failure.class == Class::Transient => {
            let evidence = format!("the login of {user} could not be tried: {}", failure.answer);
            Ok(Verdict::warn(evidence, "check that the address is correct, and that the source listens on it"))
        }
        Err(failure) => {
            let evidence = format!("{user} cannot log in to the source: {}", failure.answer);
            Ok(Verdict::block(evidence, failure.help.unwrap_or_else(|| "correct its password or host part".into())))
        }
    }
}
