//! Views, routines, triggers and events run with the rights of an account: where that is missing they fail (error 1449).

use super::super::ask::Ask;
use super::super::check::{Check, Occasion};
use super::super::pair::{Side, Source, Target};
use super::super::seen::Seen;
use super::super::verdict::{Verdict, some};
use crate::dialect::Dialect;
use crate::error::Result;
use std::collections::BTreeMap;

pub const CHECK: Check = Check::blocking("definers", judge).only_before(Occasion::Copy).asks(|pair| {
    let definers = Ask::sql(Source, pair.source.dialect.definers(pair.databases));
    [definers].into_iter().chain(pair.both(Dialect::account_plugins)).collect()
});

/// Accounts that every server makes for itself.
const OWN: [&str; 4] =
    ["mariadb.sys@localhost", "mysql.sys@localhost", "mysql.session@localhost", "mysql.infoschema@localhost"];

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let (old, new) = (accounts(seen, Source)?, accounts(seen, Target)?);
    let rows = seen.rows(Source, seen.pair.source.dialect.definers(seen.pair.databases))?;
    let (mut missing, mut orphans) = (BTreeMap::<&str, Vec<&str>>::new(), BTreeMap::<&str, Vec<&str>>::new());
    for row in rows.iter() {
        let definer = row.get("definer").unwrap_or_default();
        let (user, host) = definer.rsplit_once('@').unwrap_or((definer, ""));
        let is_there = |accounts: &[String]| accounts.iter().any(|known| known == definer);
        if is_there(&new) || OWN.contains(&definer) {
            continue;
        }
        let object = row.get("name").unwrap_or_default();
        if !is_there(&old) {
            orphans.entry(definer).or_default().push(object); // no step can bring what nobody has
        } else if !seen.will_be_made(Target, user, host) {
            missing.entry(definer).or_default().push(object);
        }
    }
    let words = |found: &BTreeMap<&str, Vec<&str>>| {
        let words: Vec<String> =
            found.iter().map(|(definer, objects)| format!("{definer} ({})", some(objects))).collect();
        some(&words)
    };
    let mut found = Vec::new();
    if !missing.is_empty() {
        let evidence = format!("the target has no account for these definers: {}", words(&missing));
        found.push(Verdict::block(
            evidence,
            "create these accounts on the target, or change the definers on the source",
        ));
    }
    if !orphans.is_empty() {
        let evidence = format!("neither server has an account for these definers: {}", words(&orphans));
        let remedy = "their objects fail on the source already (error 1449): drop them or give them another definer \
                      there, or create these accounts on both servers";
        found.push(Verdict::block(evidence, remedy));
    }
    Ok(Verdict::worst_of(found, "every definer is an account on the target"))
}

/// Every account of a server, as definers are written.
fn accounts(seen: &Seen<'_>, side: Side) -> Result<Vec<String>> {
    let rows = seen.rows(side, seen.pair.at(side).dialect.account_plugins())?;
    let name = |row: crate::effects::Row<'_>| {
        format!("{}@{}", row.get("user").unwrap_or_default(), row.get("host").unwrap_or_default())
    };
    Ok(rows.iter().map(name).collect())
}
