//! Whether the application's accounts can log in: to the source with the passwords of the inventory, and to the target
//! where they are there already. An account that is missing shows only at the switch otherwise.

use super::super::ask::Ask;
use super::super::check::Check;
use super::super::pair::{Pair, Side, Source, Target};
use super::super::seen::Seen;
use super::super::verdict::{Verdict, some};
use crate::dialect::Dialect;
use crate::error::{Class, Result};
use crate::playbook::inventory::{Account, Application};

pub const CHECK: Check = Check::blocking("application_login", judge).asks(|pair| {
    let accounts = pair.both(Dialect::account_plugins);
    accounts.into_iter().chain(logins(pair)).collect()
});

/// What `MariaDB` answers to the right password of an account that is locked.
const LOCKED: &str = "error 4151";

fn logins(pair: &Pair<'_>) -> Vec<Ask> {
    let accounts = pair.application.map_or(&[][..], |(_, application)| &application.accounts);
    accounts
        .iter()
        .flat_map(|account| [Source, Target].into_iter().filter_map(|side| login(pair, side, account)))
        .collect()
}

/// From where the connections come, the proxy's host or the application's own, when the server has an address for it,
/// else from the server's: but only accounts that such a connection may use, for a refusal would mean nothing.
fn login(pair: &Pair<'_>, side: Side, account: &Account) -> Option<Ask> {
    let (_, Application { config, haproxy, .. }) = pair.application?;
    let server = pair.at(side).server;
    let from = haproxy.as_ref().map(|proxy| &proxy.host).or(config.as_ref().map(|config| &config.host));
    let (host, address) = match from {
        Some(from) if server.endpoint.is_some() || *from == server.host => (from, server.endpoint()),
        _ if ["%", "127.0.0.1", "localhost"].contains(&host(account)) => (&server.host, server.address.as_str()),
        _ => return None,
    };
    Some(Ask::Login {
        side,
        account: account.clone(),
        host: host.clone(),
        address: address.to_owned(),
        authority: None,
        bare: false,
    })
}

fn host(account: &Account) -> &str {
    account.host.as_deref().unwrap_or("%")
}

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let Some((name, application)) = seen.pair.application else {
        return Ok(Verdict::pass("no application is named"));
    };
    if application.accounts.is_empty() {
        let evidence =
            format!("application `{name}` has no `accounts` in the inventory, so its logins cannot be tried");
        return Ok(Verdict::warn(evidence, "add `accounts: [{ user: shop, password: { env: SHOP_PASSWORD } }]`"));
    }
    let (mut found, mut fine) = (Vec::new(), Vec::new());
    for account in &application.accounts {
        for side in [Source, Target] {
            match one(seen, side, account)? {
                Ok(words) => fine.push(words),
                Err(verdict) => found.push(verdict),
            }
        }
    }
    Ok(Verdict::worst_of(found, some(&fine)))
}

fn one(seen: &Seen<'_>, side: Side, account: &Account) -> Result<Result<String, Verdict>> {
    let (user, host, name) = (&account.user, host(account), seen.name(side));
    let rows = seen.rows(side, seen.pair.at(side).dialect.account_plugins())?;
    let there = rows.iter().any(|row| row.get("user") == Some(user) && row.get("host") == Some(host));
    if !there && side == Target {
        if seen.will_be_made(side, user, host) {
            return Ok(Ok(format!("{user}@{host} will be copied to `{name}` by a step")));
        }
        let evidence = format!("`{name}` has no account {user}@{host} yet");
        return Ok(Err(Verdict::warn(evidence, "copy it there with an `accounts` step before the switch")));
    }
    if !there {
        let evidence = format!("`{name}` has no account {user}@{host}");
        return Ok(Err(Verdict::block(
            evidence,
            "correct the application's `accounts`: use user and host as on the source",
        )));
    }
    let Some(login) = login(seen.pair, side, account) else {
        let evidence = format!("the login of {user}@{host} to `{name}` cannot be tried from here");
        return Ok(Err(Verdict::warn(evidence, format!("state `endpoint` of `{name}` in the inventory"))));
    };
    Ok(match seen.text(&login) {
        Ok(arrived) if arrived.starts_with(&format!("{user}@")) => Ok(format!("{arrived} logged in to `{name}`")),
        Ok(arrived) => {
            let evidence = format!("on `{name}` the login as {user} arrives as {arrived}");
            Err(Verdict::block(evidence, format!("drop the anonymous accounts on `{name}`")))
        }
        // a server that was left is closed by locks where nothing else keeps out; it looks at the password first
        Err(failure) if side == Target && seen.pair.follows && failure.answer.contains(LOCKED) => {
            Ok(format!("{user} is locked on `{name}` until it is opened; its password is correct"))
        }
        Err(failure) if failure.class == Class::Transient => {
            let evidence = format!("the login of {user} to `{name}` could not be tried: {}", failure.answer);
            let remedy = format!(
                "check that the application's host can reach the server at that address, or correct `endpoint` of \
                 `{name}`"
            );
            // where the target listens may be what a step is about to write
            let later = side == Target && seen.will_be_set("bind_address");
            Err(if later { Verdict::warn(evidence, remedy) } else { Verdict::block(evidence, remedy) })
        }
        Err(failure) => {
            let evidence = format!("{user} cannot log in to `{name}`: {}", failure.answer);
            Err(Verdict::block(evidence, failure.help.unwrap_or_else(|| "correct its password".into())))
        }
    })
}
