//! Ways to log in that the target does not offer, or that the target cannot use towards the source.

use super::super::ask::Ask;
use super::super::check::{Check, Occasion};
use super::super::pair::{Pair, Source, Target};
use super::super::seen::Seen;
use super::super::verdict::{Verdict, some};
use crate::dialect::{Dialect, LOGIN_PLUGIN};
use crate::effects::{Row, Rows};
use crate::error::Result;

pub const CHECK: Check = Check::blocking("auth_plugins", judge)
    .only_before(Occasion::Copy)
    .reads(&["secure_auth", "default_authentication_plugin"])
    .asks(|pair| {
        let offered = Ask::sql(Target, pair.target.dialect.login_plugins());
        let accounts = Ask::sql(Source, pair.source.dialect.account_plugins());
        [accounts, offered].into_iter().chain(plugin(pair)).collect()
    });

const SHA2: &str = "caching_sha2_password";
const OLD: &str = "mysql_old_password";

/// Whether the target has what its receiver needs to log in; a server of `MySQL` has it in itself.
fn plugin(pair: &Pair<'_>) -> Option<Ask> {
    let crosses = pair.target.dialect.is_mariadb() && !pair.source.dialect.is_mariadb();
    crosses.then_some(Ask::Plugin { side: Target, file: LOGIN_PLUGIN })
}

/// Replication accounts that use [`SHA2`], those that are still to be made included.
fn by_sha2(seen: &Seen<'_>, rows: &Rows) -> Vec<String> {
    let Some(account) = seen.pair.replication() else { return Vec::new() };
    let named = |row: &Row<'_>| row.get("user") == Some(&account.user);
    let there = rows.iter().filter(named).filter(|row| row.get("plugin") == Some(SHA2));
    let mut found: Vec<String> =
        there.map(|row| format!("{}@{}", account.user, row.get("host").unwrap_or_default())).collect();
    let known = |host: &str| rows.iter().any(|row| named(&row) && row.get("host") == Some(host));
    let default = seen.variable(Source, "default_authentication_plugin");
    if seen.pair.source.dialect.makes_caching_sha2() && (default.is_empty() || default == SHA2) {
        let made = seen.replication_hosts(account).into_iter();
        let made = made.filter(|host| !known(host) && seen.will_be_made(Source, &account.user, host));
        found.extend(made.map(|host| format!("{}@{host}", account.user)));
    }
    found
}

/// What keeps the target's receiver from logging in to such accounts.
fn receiver(seen: &Seen<'_>, accounts: &[String]) -> Result<Option<Verdict>> {
    if accounts.is_empty() {
        return Ok(None);
    }
    let (target, accounts) = (seen.target.product, some(accounts));
    let native = "make the replication account use mysql_native_password on the source";
    if !Dialect::from(target).speaks_caching_sha2() {
        let evidence = format!("a replica of {target} cannot log in to {accounts}, which uses {SHA2}");
        return Ok(Some(Verdict::block(evidence, native)));
    }
    let Some(ask) = plugin(seen.pair) else { return Ok(None) };
    let answer = seen.text(&ask)?.trim();
    let evidence = format!(
        "{accounts} uses {SHA2}, but {} in the target's plugin_dir, where its receiver looks for it (error 2059)",
        if answer == "no" { format!("there is no {LOGIN_PLUGIN}") } else { format!("{LOGIN_PLUGIN} is not visible") }
    );
    let remedy = format!(
        "put {LOGIN_PLUGIN} of MariaDB's client library (package libmariadb3: /usr/lib/*/libmariadb3/plugin) into the target's \
         plugin_dir; it is loaded without a restart"
    );
    Ok(match answer {
        "yes" => None,
        "no" => Some(Verdict::block(evidence, remedy)),
        _ => Some(Verdict::warn(evidence, remedy)),
    })
}

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let offered = seen.names(Target, seen.pair.target.dialect.login_plugins())?;
    let rows = seen.rows(Source, seen.pair.source.dialect.account_plugins())?;
    let (mut strangers, mut needed) = (Vec::new(), Vec::new());
    let mut found: Vec<Verdict> = receiver(seen, &by_sha2(seen, rows))?.into_iter().collect();
    for row in rows.iter() {
        let (user, host) = (row.get("user").unwrap_or_default(), row.get("host").unwrap_or_default());
        let plugin = row.get("plugin").filter(|plugin| !plugin.is_empty()).unwrap_or("mysql_native_password");
        // a server that offers the oldest one lets nobody in by it all the same
        let refused = plugin == OLD && seen.is_on(Target, "secure_auth");
        let is_runner = [Source, Target].iter().any(|side| seen.pair.at(*side).server.user == user);
        if host.is_empty() || is_runner || offered.iter().any(|known| known == plugin) && !refused {
            continue;
        }
        let account = format!("{user}@{host} ({plugin})");
        if is_application(seen, user) { needed.push(account) } else { strangers.push(account) }
    }
    if seen.source.product.family != seen.target.product.family {
        needed.clear(); // they are made anew, with the passwords that the inventory has
    }
    let remedy = "install the plugin on the target, or give these accounts another authentication plugin and a new \
                  password; a password hash cannot be converted";
    let words = |accounts: &[String]| {
        format!("the target ({}) does not support the authentication of {}", seen.target.product, some(accounts))
    };
    if !needed.is_empty() {
        found.push(Verdict::block(words(&needed), remedy));
    }
    if !strangers.is_empty() {
        found.push(Verdict::warn(words(&strangers), remedy));
    }
    Ok(Verdict::worst_of(
        found,
        format!("the target has the authentication plugins of the source's accounts, among {}", some(&offered)),
    ))
}

fn is_application(seen: &Seen<'_>, user: &str) -> bool {
    seen.pair.application.is_some_and(|(_, application)| application.accounts.iter().any(|known| known.user == user))
}
