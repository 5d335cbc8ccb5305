//! Whether the runner's accounts may do what all steps of the plan ask of them. Roles do not count: the server shows only
//! what was granted directly.

use super::super::ask::Ask;
use super::super::check::Check;
use super::super::pair::{Pair, Side, Source, Target};
use super::super::seen::Seen;
use super::super::verdict::Verdict;
use crate::dialect::{Dialect, Every};
use crate::domain::Sql;
use crate::error::Result;
use crate::kinds::support::option_file::same_value;
use crate::kinds::support::privileges::{lacks, missing, own_account, remedy};
use crate::kinds::{Condition, Need};

pub const CHECK: Check = Check::blocking("privileges", judge).reads(&Condition::VARIABLES).asks(|pair| {
    let mut asks = pair.both(Dialect::own_privileges);
    asks.extend(pair.both(Dialect::accounts));
    asks.extend([enabled_events(pair), definers(pair)].map(|text| Ask::sql(Source, text)));
    let administrators = |side| Some(Ask::sql(side, pair.at(side).dialect.system_users()?));
    asks.extend([Source, Target].into_iter().filter_map(administrators));
    asks
});

fn enabled_events(pair: &Pair<'_>) -> Sql {
    pair.source.dialect.enabled_events(&Every)
}

fn definers(pair: &Pair<'_>) -> Sql {
    pair.source.dialect.definers(&Every)
}

/// Whether an administrator of either server is the definer of something on the source.
fn administrators_define(seen: &Seen<'_>) -> Result<bool> {
    let definers = seen.rows(Source, definers(seen.pair))?;
    for side in [Source, Target] {
        let Some(question) = seen.pair.at(side).dialect.system_users() else { continue };
        let is_one = |definer: &str| -> Result<bool> {
            Ok(seen.rows(side, question)?.iter().any(|row| {
                definer
                    .rsplit_once('@')
                    .is_some_and(|(user, host)| row.get("user") == Some(user) && row.get("host") == Some(host))
            }))
        };
        for row in definers.iter() {
            if is_one(row.get("definer").unwrap_or_default())? {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let mut found = Vec::new();
    for side in [Source, Target] {
        let mut needs = Vec::new();
        for need in seen.needs.iter().filter(|need| need.server == seen.name(side)) {
            if applies(seen, side, need)? {
                needs.push(need.clone());
            }
        }
        let rows = seen.rows(side, seen.pair.at(side).dialect.own_privileges())?;
        let missing = missing(rows, &needs);
        if !missing.is_empty() {
            let (name, server) = (seen.name(side), seen.pair.at(side).server);
            let statements = remedy(&missing, &own_account(server));
            let evidence = format!("{} on `{name}` lacks {}", server.user, lacks(rows, &missing));
            let remedy = format!("on `{name}`: {statements}; grant directly, not through a role");
            found.push(Verdict::block(evidence, remedy));
        }
    }
    Ok(Verdict::worst_of(found, "both accounts have all privileges that the steps of this plan need"))
}

/// Whether a need is one, as things stand.
fn applies(seen: &Seen<'_>, side: Side, need: &Need) -> Result<bool> {
    Ok(match &need.only_if {
        None => true,
        Some(Condition::EventsRun) => seen.is_on(Source, "event_scheduler"),
        Some(Condition::AdministratorsDefine) => administrators_define(seen)?,
        Some(Condition::EventsEnabled) => !seen.names(Source, enabled_events(seen.pair))?.is_empty(),
        Some(Condition::Differs { variable, value }) => !same_value(value, seen.variable(side, variable)),
        Some(Condition::Missing(accounts)) => {
            let there = seen.rows(side, seen.pair.at(side).dialect.accounts())?;
            let is_there = |user: &str, host: &str| {
                there.iter().any(|row| row.get("user") == Some(user) && row.get("host") == Some(host))
            };
            accounts.iter().any(|account| !is_there(&account.user, &account.host))
        }
        Some(Condition::MayCome(_)) => false,
    })
}
