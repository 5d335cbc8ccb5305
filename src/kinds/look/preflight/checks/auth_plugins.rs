//! Ways to log in that the target does not offer, or that the target cannot use towards the source.

use super::super::ask::Ask;
use super::super::check::{Check, Occasion};
use super::super::pair::{Source, Target};
use super::super::seen::Seen;
use super::super::verdict::{Verdict, some};
use crate::error::Result;

pub const CHECK: Check =
    Check::blocking("auth_plugins", judge).only_before(Occasion::Copy).reads(&["secure_auth"]).asks(|pair| {
        let offered = Ask::sql(Target, pair.target.dialect.login_plugins());
        vec![Ask::sql(Source, pair.source.dialect.account_plugins()), offered]
    });

const SHA2: &str = "caching_sha2_password";
const OLD: &str = "mysql_old_password";

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let offered = seen.names(Target, seen.pair.target.dialect.login_plugins())?;
    let rows = seen.rows(Source, seen.pair.source.dialect.account_plugins())?;
    let (mut strangers, mut needed) = (Vec::new(), Vec::new());
    let mut found = Vec::new();
    for row in rows.iter() {
        let (user, host) = (row.get("user").unwrap_or_default(), row.get("host").unwrap_or_default());
        let plugin = row.get("plugin").filter(|plugin| !plugin.is_empty()).unwrap_or("mysql_native_password");
        let replicates = seen.pair.replication().is_some_and(|known| known.user == user);
        if replicates && plugin == SHA2 && !seen.pair.target.dialect.speaks_caching_sha2() {
            let evidence =
                format!("a replica of {} cannot log in to {user}@{host}, which uses {SHA2}", seen.target.product);
            let remedy = "let the replication account use mysql_native_password on the source";
            found.push(Verdict::block(evidence, remedy));
        }
        // a server that offers the oldest one lets nobody in by it all the same
        let refused = plugin == OLD && seen.is_on(Target, "secure_auth");
        if host.is_empty() || offered.iter().any(|known| known == plugin) && !refused {
            continue;
        }
        let account = format!("{user}@{host} ({plugin})");
        if is_application(seen, user) { needed.push(account) } else { strangers.push(account) }
    }
    let remedy = "install the plugin on the target, or give these accounts another way to log in and a new password; a \
                  password's hash cannot be translated";
    let words =
        |accounts: &[String]| format!("the target ({}) lets nobody in as {}", seen.target.product, some(accounts));
    if !needed.is_empty() {
        found.push(Verdict::block(words(&needed), remedy));
    }
    if !strangers.is_empty() {
        found.push(Verdict::warn(words(&strangers), remedy));
    }
    Ok(Verdict::worst_of(found, format!("the target offers what the source's accounts use, among {}", some(&offered))))
}

fn is_application(seen: &Seen<'_>, user: &str) -> bool {
    seen.pair.application.is_some_and(|(_, application)| application.accounts.iter().any(|known| known.user == user))
}
