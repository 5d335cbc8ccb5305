//! Views, routines, triggers and events run with the rights of an account: where that is missing they fail (error 1449).

use super::super::ask::Ask;
use super::super::check::{Check, Occasion};
use super::super::pair::{Source, Target};
use super::super::seen::Seen;
use super::super::verdict::{Verdict, some};
use crate::error::Result;
use std::collections::BTreeMap;

pub const CHECK: Check = Check::blocking("definers", judge).only_before(Occasion::Copy).asks(|pair| {
    let definers = Ask::sql(Source, pair.source.dialect.definers(pair.databases));
    vec![definers, Ask::sql(Target, pair.target.dialect.account_plugins())]
});

/// Accounts that every server makes for itself.
const OWN: [&str; 4] =
    ["mariadb.sys@localhost", "mysql.sys@localhost", "mysql.session@localhost", "mysql.infoschema@localhost"];

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let accounts = seen.rows(Target, seen.pair.target.dialect.account_plugins())?;
    let name = |row: crate::effects::Row<'_>| {
        format!("{}@{}", row.get("user").unwrap_or_default(), row.get("host").unwrap_or_default())
    };
    let there: Vec<String> = accounts.iter().map(name).collect();
    let rows = seen.rows(Source, seen.pair.source.dialect.definers(seen.pair.databases))?;
    let mut missing: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for row in rows.iter() {
        let definer = row.get("definer").unwrap_or_default();
        let (user, host) = definer.rsplit_once('@').unwrap_or((definer, ""));
        let is_there = there.iter().any(|known| known == definer) || OWN.contains(&definer);
        if !is_there && !seen.will_be_made(Target, user, host) {
            missing.entry(definer).or_default().push(row.get("name").unwrap_or_default());
        }
    }
    if missing.is_empty() {
        return Ok(Verdict::pass("every definer is an account of the target"));
    }
    let words: Vec<String> =
        missing.iter().map(|(definer, objects)| format!("{definer} ({})", some(objects))).collect();
    let evidence = format!("the target has no account for these definers: {}", some(&words));
    Ok(Verdict::block(evidence, "make these accounts on the target, or change the definers on the source"))
}
